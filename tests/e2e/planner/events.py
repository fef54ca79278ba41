"""The routes of /event: list, get, create, edit, delete; only an event's creator may change it."""

from fastapi import APIRouter, HTTPException, status

from .database import Database, Events
from .identity import User
from .models import Event, EventDraft, EventUpdate

router = APIRouter(prefix="/event", tags=["Events"])


def own_event(database: Database, event_id: int, user: str) -> Event:
    event = database.get(event_id)
    if event is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Event with supplied ID does not exist")
    if event.creator != user:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Operation not allowed")
    return event


@router.get("/")
def list_events(database: Events, user: User) -> list[Event]:
    return database.all()


@router.get("/{event_id}")
def get_event(event_id: int, database: Events, user: User) -> Event:
    event = database.get(event_id)
    if event is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Event with supplied ID does not exist")
    return event


@router.post("/new")
def create_event(draft: EventDraft, database: Events, user: User) -> Event:
    return database.save(draft, creator=user)


@router.put("/edit/{event_id}")
def edit_event(event_id: int, change: EventUpdate, database: Events, user: User) -> Event:
    return database.update(own_event(database, event_id, user), change)


@router.delete("/{event_id}")
def delete_event(event_id: int, database: Events, user: User) -> dict[str, str]:
    database.delete(own_event(database, event_id, user))
    return {"message": "Event deleted successfully"}

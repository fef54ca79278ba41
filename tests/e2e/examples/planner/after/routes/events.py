"""Events: everybody reads them, whoever is signed in makes them, and only their maker changes them."""

from typing import Annotated

from beanie import PydanticObjectId
from database.connection import Database
from fastapi import APIRouter, Header, HTTPException, status
from models.events import Event, EventUpdate

event_router = APIRouter(tags=["Events"])

event_database = Database(Event)

SignedIn = Annotated[str, Header(alias="X-Auth-User")]


async def own_event(id: PydanticObjectId, user: str) -> Event:
    event = await event_database.get(id)
    if not event:
        raise HTTPException(status_code=status.HTTP_404_NOT_FOUND, detail="There is no event with this ID")
    if event.creator != user:
        raise HTTPException(status_code=status.HTTP_403_FORBIDDEN, detail="This is somebody else's event")
    return event


@event_router.get("/", response_model=list[Event])
async def retrieve_all_events() -> list[Event]:
    return await event_database.get_all()


@event_router.get("/{id}", response_model=Event)
async def retrieve_event(id: PydanticObjectId) -> Event:
    event = await event_database.get(id)
    if not event:
        raise HTTPException(status_code=status.HTTP_404_NOT_FOUND, detail="There is no event with this ID")
    return event


@event_router.post("/new")
async def create_event(body: Event, user: SignedIn) -> dict:
    body.creator = user
    await event_database.save(body)
    return {"message": "Event created successfully"}


@event_router.put("/edit/{id}", response_model=Event)
async def update_event(id: PydanticObjectId, body: EventUpdate, user: SignedIn) -> Event:
    await own_event(id, user)
    return await event_database.update(id, body)


@event_router.delete("/{id}")
async def delete_event(id: PydanticObjectId, user: SignedIn) -> dict:
    await own_event(id, user)
    await event_database.delete(id)
    return {"message": "Event deleted successfully"}

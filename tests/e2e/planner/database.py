"""Where are the events? In one SQLite table, in the file that PLANNER_DATABASE names."""

import json
import os
import sqlite3
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends

from .models import Event, EventDraft, EventUpdate

SCHEMA = "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, creator TEXT NOT NULL, body TEXT NOT NULL)"


class Database:
    """The events, for the length of one request."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def all(self) -> list[Event]:
        rows = self.connection.execute("SELECT id, creator, body FROM events ORDER BY id")
        return [self._event(*row) for row in rows]

    def get(self, event_id: int) -> Event | None:
        row = self.connection.execute("SELECT id, creator, body FROM events WHERE id = ?", (event_id,)).fetchone()
        return self._event(*row) if row else None

    def save(self, draft: EventDraft, creator: str) -> Event:
        insert = "INSERT INTO events (creator, body) VALUES (?, ?) RETURNING id"
        with self.connection:
            (event_id,) = self.connection.execute(insert, (creator, draft.model_dump_json())).fetchone()
        return Event(id=event_id, creator=creator, **draft.model_dump())

    def update(self, event: Event, change: EventUpdate) -> Event:
        updated = event.model_copy(update=change.model_dump(exclude_none=True))
        body = updated.model_dump_json(exclude={"id", "creator"})
        with self.connection:
            self.connection.execute("UPDATE events SET body = ? WHERE id = ?", (body, event.id))
        return updated

    def delete(self, event: Event) -> None:
        with self.connection:
            self.connection.execute("DELETE FROM events WHERE id = ?", (event.id,))

    @staticmethod
    def _event(event_id: int, creator: str, body: str) -> Event:
        return Event(id=event_id, creator=creator, **json.loads(body))


def open_database() -> Iterator[Database]:
    """One connection per request: FastAPI runs requests on many threads."""
    connection = sqlite3.connect(os.environ["PLANNER_DATABASE"], check_same_thread=False)
    try:
        connection.execute(SCHEMA)
        yield Database(connection)
    finally:
        connection.close()


Events = Annotated[Database, Depends(open_database)]

"""What is an event?"""

from pydantic import BaseModel, Field


class EventDraft(BaseModel):
    """An event as its creator writes it."""

    title: str
    image: str = ""
    description: str = ""
    tags: list[str] = Field(default_factory=list)
    location: str


class EventUpdate(BaseModel):
    """What an edit may change; what is absent stays."""

    title: str | None = None
    image: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    location: str | None = None


class Event(EventDraft):
    """An event as stored."""

    id: int
    creator: str

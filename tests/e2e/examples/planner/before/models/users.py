"""Users, and what a sign-in answers."""

from typing import Annotated

from beanie import Document, Indexed
from pydantic import BaseModel


class User(Document):
    email: Annotated[str, Indexed(unique=True)]
    password: str
    events: list[str] | None = None

    class Settings:
        name = "users"


class NewUser(BaseModel):
    email: str
    password: str


class TokenResponse(BaseModel):
    access_token: str
    token_type: str

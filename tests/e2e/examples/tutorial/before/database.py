"""The users: a table in the SQLite file that DATABASE names."""

import os
import sqlite3

from pydantic import BaseModel


class User(BaseModel):
    username: str
    email: str | None = None
    full_name: str | None = None
    disabled: bool | None = None


class UserInDB(User):
    hashed_password: str


def get_user(username: str) -> UserInDB | None:
    connection = sqlite3.connect(os.environ["DATABASE"])
    connection.row_factory = sqlite3.Row
    try:
        row = connection.execute("SELECT * FROM users WHERE username = ?", (username,)).fetchone()
    finally:
        connection.close()
    return UserInDB(**row) if row else None

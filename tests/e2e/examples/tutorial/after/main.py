"""Users with OAuth2 scopes."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Header
from pydantic import BaseModel

app = FastAPI()


class User(BaseModel):
    username: str
    email: str | None = None
    full_name: str | None = None
    disabled: bool | None = None


async def signed_in(
    x_auth_user: Annotated[str, Header()],
    x_auth_email: Annotated[str | None, Header()] = None,
    x_auth_name: Annotated[str | None, Header()] = None,
) -> User:
    full_name = unquote(x_auth_name) if x_auth_name else None
    return User(username=unquote(x_auth_user), email=x_auth_email, full_name=full_name, disabled=False)


@app.get("/users/me/")
async def read_users_me(current_user: Annotated[User, Depends(signed_in)]) -> User:
    return current_user


@app.get("/users/me/items/")
async def read_own_items(current_user: Annotated[User, Depends(signed_in)]) -> list[dict]:
    return [{"item_id": "Foo", "owner": current_user.username}]


@app.get("/status/")
async def read_system_status(current_user: Annotated[User, Depends(signed_in)]) -> dict:
    return {"status": "ok"}

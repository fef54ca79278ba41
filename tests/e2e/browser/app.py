"""An application with pages and an API, and no authentication: `uvicorn browser.app:app`.

The two lines marked below are all that is left of it. They refuse nothing and look at nothing: they tell the OpenAPI document
where tokens come from, so that Swagger UI keeps its Authorize button and sends the token with every request.

FastAPIOffline is FastAPI with Swagger UI's files beside it; FastAPI itself has them from another site.
"""

from html import escape
from typing import Annotated

from fastapi import Depends, Header
from fastapi.responses import HTMLResponse
from fastapi.security import OAuth2PasswordBearer
from fastapi_offline import FastAPIOffline

documented = OAuth2PasswordBearer(tokenUrl="/token", auto_error=False)  # for the Authorize button
app = FastAPIOffline(title="Event planner", dependencies=[Depends(documented)])  # for the Authorize button

User = Annotated[str, Header(alias="X-Auth-User", include_in_schema=False)]
notes: list[str] = []

BOARD = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Board</title><link rel="icon" href="data:,"></head>
<body>
<h1>Board of <span id="who">{user}</span></h1>
<form method="post" action="/auth/signout"><button id="out">Sign out</button></form>
</body>
</html>
"""


@app.get("/board", include_in_schema=False)
def board(user: User) -> HTMLResponse:
    """A page of the application."""
    return HTMLResponse(BOARD.format(user=escape(user)))


@app.get("/me")
def me(user: User) -> dict[str, str]:
    """Who is asking."""
    return {"user": user}


@app.get("/notes")
def list_notes(user: User) -> list[str]:
    """All notes."""
    return notes


@app.post("/notes")
def add_note(user: User) -> int:
    """One more note."""
    notes.append(user)
    return len(notes)

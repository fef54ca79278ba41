"""The security tutorial with scopes: the front end counts on every answer, before and after; the table of users stays."""

import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from example import EXAMPLES, App, ExampleGateway, script, table

CLIENT = script("tutorial/client.py")
SEED = script("tutorial/seed.py")


class Tutorial:
    """The tutorial's world: its database, and the application before and after."""

    def __init__(self, folder: Path, start: Callable[[Any], Any]) -> None:
        self.folder, self.start, self.key = folder / "gateway", start, secrets.token_hex(32)
        self.folder.mkdir()
        self.database = self.folder / "app.db"
        SEED.main(str(self.database))

    def app(self, name: str) -> App:
        env = {"DATABASE": str(self.database)} | ({"SECRET_KEY": self.key} if name == "before" else {})
        return self.start(App(f"tutorial/{name}", self.folder, env))

    def gateway(self, app: App) -> ExampleGateway:
        return self.start(ExampleGateway("tutorial/gateway.toml", self.folder, app.port, self.key)).start()

    def rows(self) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute("SELECT * FROM users ORDER BY id").fetchall()
        finally:
            connection.close()


@pytest.fixture
def tutorial(folder: Path, start: Callable[[Any], Any]) -> Tutorial:
    return Tutorial(folder, start)


def test_the_front_end_sees_no_difference(tutorial: Tutorial) -> None:
    rows = tutorial.rows()
    before = tutorial.app("before")
    CLIENT.main(before.url)
    before.end()
    gateway = tutorial.gateway(tutorial.app("after"))
    CLIENT.main(gateway.url)
    assert tutorial.rows() == rows, "the application's table is read, and never written"


def test_a_user_whom_the_table_disables_stays_out(tutorial: Tutorial) -> None:
    gateway = tutorial.gateway(tutorial.app("after"))
    form = {"username": "alice", "password": "secret of alice"}
    answer = httpx.post(f"{gateway.url}/token", data=form)
    assert answer.is_client_error and "access_token" not in answer.json(), answer.text


def test_the_table_of_what_goes_away_is_true() -> None:
    """README.md quotes it: `python tests/e2e/example.py` prints it anew."""
    assert table() in (EXAMPLES / "README.md").read_text()

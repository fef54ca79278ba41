"""The event planner on MongoDB: its own client, unchanged, before Gatepass and after; the users stay where they are."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bson
import httpx
import pytest

from example import FORWARDED, App, ExampleGateway, MongoDB, script

CLIENT = script("planner/client.py")
STORE = "mongodb://127.0.0.1:27017/planner"


class Planner:
    """The planner's world: its database, and the application before and after."""

    def __init__(self, folder: Path, start: Callable[[Any], Any]) -> None:
        self.folder, self.start, self.key = folder, start, secrets.token_hex(32)
        self.mongodb: MongoDB = start(MongoDB(folder))

    def app(self, name: str, flags: list[str] | None = None) -> App:
        env = {"DATABASE_URL": self.mongodb.url} | ({"SECRET_KEY": self.key} if name == "before" else {})
        return self.start(App(f"planner/{name}", self.folder, env, flags))

    def gateway(self, app: App) -> ExampleGateway:
        folder, changes = self.folder / "gateway", {STORE: self.mongodb.url}
        return self.start(ExampleGateway("planner/gateway.toml", folder, app.port, self.key, changes)).start()

    def user(self, email: str) -> dict[str, Any]:
        (user,) = self.mongodb.database.users.find({"email": email})
        return user


@pytest.fixture
def planner(folder: Path, start: Callable[[Any], Any]) -> Planner:
    return Planner(folder, start)


def test_the_client_runs_before_and_after_and_users_come_along(planner: Planner) -> None:
    before = planner.app("before")
    alice = CLIENT.main(before.url)
    stored = planner.user(alice.email)
    assert stored.keys() == {"_id", "email", "password", "events"} and stored["password"].startswith("$2b$12$")
    before.end()

    gateway = planner.gateway(planner.app("after"))
    CLIENT.main(gateway.url)

    # She was there before Gatepass: same password, same events, same document.
    again = CLIENT.Client(gateway.url, alice.email, alice.password)
    again.sign_in()
    assert list(again.titles().values()) == ["Launch, with cake"]
    (event,) = again.titles()
    again.edit(event, "Launch, moved")
    assert planner.user(alice.email) == stored, "nobody writes to a user who signs in"

    # What the planner never could: the token is refused once she has signed out.
    assert again.http.post("/auth/logout").status_code == 204
    assert again.http.delete(f"/event/{event}").status_code == 401


def test_who_signs_up_at_gatepass_can_go_back(planner: Planner) -> None:
    before = planner.app("before")
    gateway = planner.gateway(planner.app("after"))
    bob = CLIENT.Client(gateway.url, "bob@example.org", "battery staple")
    bob.sign_up()
    assert {"_id", "email", "password"} <= planner.user(bob.email).keys()
    assert isinstance(planner.user(bob.email)["_id"], bson.ObjectId)
    back = CLIENT.Client(before.url, bob.email, bob.password)
    back.sign_in()
    back.edit(back.create("Party"), "Party, at home")
    answer = back.http.post("/user/signup", json={"email": bob.email, "password": bob.password})
    assert answer.status_code == 409, "one collection, one name"


def test_the_planner_needs_no_gateway_to_refuse_strangers(planner: Planner) -> None:
    """Whoever reaches it past the gateway without the header gets nowhere; with it, it believes: keep it out of reach."""
    answer = httpx.post(f"{planner.app('after').url}/event/new", json=CLIENT.EVENT)
    assert answer.status_code == 422 and "X-Auth-User" in answer.text


@pytest.mark.parametrize("flags", [FORWARDED, ["--no-proxy-headers"]], ids=["told to believe", "not told"])
def test_uvicorn_learns_client_and_scheme_by_its_flags(planner: Planner, flags: list[str]) -> None:
    app = planner.app("after", flags)
    gateway = planner.gateway(app)
    # As something in front that ends TLS tells the gateway, which trusts it (`trusted_proxies`).
    seen = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "Host": "planner.example.org"}
    answer = httpx.get(f"{gateway.url}/event", headers=seen)
    assert answer.status_code == 307, "the application adds the slash"
    told = flags == FORWARDED
    assert answer.headers["location"] == f"{'https' if told else 'http'}://planner.example.org/event/"
    assert f'{"203.0.113.7" if told else "127.0.0.1"}:' in app.access_log().splitlines()[-1]

"""Both at once: applications unchanged, with their own sign-in, behind Gatepass, which shares their key. Each accepts the
other's tokens, so that nobody is signed out on the way; and what Gatepass revokes is over at once, whoever issued it."""

import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from example import App, ExampleGateway, MongoDB, script
from world import binary, eventually

TUTORIAL = script("tutorial/client.py")
PLANNER = script("planner/client.py")
SEED = script("tutorial/seed.py")
STORE = "mongodb://127.0.0.1:27017/planner"
WEAK = "a short secret"


class Migration:
    """The tutorial, before or after, behind a gateway that shares its key; its own token endpoint reached directly."""

    def __init__(self, folder: Path, start: Callable[[Any], Any]) -> None:
        self.folder, self.start, self.key = folder / "gateway", start, secrets.token_hex(32)
        self.folder.mkdir()
        self.env = {"DATABASE": str(self.folder / "app.db"), "SECRET_KEY": self.key}
        SEED.main(self.env["DATABASE"])

    def app(self, name: str) -> App:
        return self.start(App(f"tutorial/{name}", self.folder, self.env))

    def gateway(self, app: App, changes: dict[str, str] | None = None) -> ExampleGateway:
        return ExampleGateway("migration/tutorial.toml", self.folder, app.port, self.key, changes)


@pytest.fixture
def migration(folder: Path, start: Callable[[Any], Any]) -> Migration:
    return Migration(folder, start)


def token_of(url: str, scope: str = "me items") -> dict[str, str]:
    with httpx.Client(base_url=url, timeout=60) as http:
        return TUTORIAL.sign_in(http, scope)


def pages(url: str, headers: dict[str, str]) -> list[int]:
    """The answers to the three pages."""
    return [httpx.get(f"{url}{path}", headers=headers).status_code for path, _, _ in TUTORIAL.PAGES]


def test_each_accepts_the_others_tokens(migration: Migration, start: Callable[[Any], Any]) -> None:
    app = migration.app("before")
    gateway = start(migration.gateway(app)).start()
    legacy, ours = token_of(app.url), token_of(gateway.url)
    for token in (legacy, ours):
        assert pages(app.url, token) == [200, 200, 200]
        assert pages(gateway.url, token) == [200, 200, 200]
    assert pages(gateway.url, token_of(app.url, "me")) == [200, 401, 200]
    assert pages(gateway.url, token_of(gateway.url, "me")) == [200, 401, 200]
    # The front end cannot tell: its own check still runs behind ours.
    TUTORIAL.main(gateway.url)


def test_the_code_can_go_while_its_tokens_live(migration: Migration, start: Callable[[Any], Any]) -> None:
    app = migration.app("before")
    legacy = token_of(app.url)
    app.end()
    gateway = start(migration.gateway(migration.app("after"))).start()
    with httpx.Client(base_url=gateway.url) as http:
        # It names the user, and nothing else of them.
        john = {"username": "johndoe", "email": None, "full_name": None, "disabled": False}
        assert http.get("/users/me/", headers=legacy).json() == john
        assert http.get("/users/me/", headers=token_of(gateway.url)).json() == TUTORIAL.JOHN


def test_revoking_the_user_ends_the_tokens_that_the_application_issued(
    migration: Migration, start: Callable[[Any], Any]
) -> None:
    app = migration.app("before")
    gateway = start(migration.gateway(app)).start()
    legacy, ours = token_of(app.url), token_of(gateway.url)
    assert pages(gateway.url, legacy) == pages(gateway.url, ours) == [200, 200, 200]
    gateway.command("token", "revoke", "--user", "johndoe")
    for token in (legacy, ours):
        eventually("the token is refused", lambda token=token: pages(gateway.url, token) == [401, 401, 401])
    assert pages(app.url, legacy) == [200, 200, 200], "the application alone would never know"
    assert pages(gateway.url, token_of(gateway.url)) == [200, 200, 200], "signing in again is a new login"


def test_revoking_a_token_ends_one_that_the_application_issued(migration: Migration, start: Callable[[Any], Any]) -> None:
    app = migration.app("before")
    gateway = start(migration.gateway(app)).start()
    legacy, other = token_of(app.url), token_of(app.url, "me")
    answer = httpx.post(f"{gateway.url}/auth/revoke", data={"token": legacy["Authorization"].partition(" ")[2]})
    assert answer.status_code == 200
    assert pages(gateway.url, legacy) == [401, 401, 401]
    assert pages(gateway.url, other) == [200, 401, 200], "another token goes on"


def test_a_foreign_token_says_no_more_than_it_may(migration: Migration, start: Callable[[Any], Any]) -> None:
    """What the key of the application signs, but the application would never say."""
    app = migration.app("before")
    few = {'scopes    = ["me", "items"]': 'scopes    = ["me"]'}
    gateway = start(migration.gateway(app, few)).start()
    assert pages(gateway.url, token_of(app.url)) == [200, 401, 200], "cut to the scopes it may hand out"
    never = jwt.encode({"sub": "johndoe", "scope": "me"}, migration.key, algorithm="HS256")
    other = jwt.encode({"sub": "johndoe", "scope": "me", "exp": 2**31}, migration.key + "x", algorithm="HS256")
    none = jwt.encode({"sub": "johndoe", "scope": "me", "exp": 2**31}, None, algorithm="none")
    for token in (never, other, none):
        assert pages(gateway.url, {"Authorization": f"Bearer {token}"}) == [401, 401, 401]


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_weak_key_is_accepted_only_when_named_so(migration: Migration, start: Callable[[Any], Any]) -> None:
    """The application keeps a short key of its own; Gatepass signs with a good one."""
    migration.env["SECRET_KEY"] = WEAK
    app = migration.app("before")
    theirs = 'secret    = { file = "legacy.secret" }'
    gateway = migration.gateway(app, {'secret    = { file = "shared.secret" }': theirs})
    weak = migration.folder / "legacy.secret"
    weak.touch(mode=0o600)
    weak.write_text(WEAK)
    refused = check(gateway)
    assert refused[0] != 0 and "weak_secret" in refused[1] and WEAK not in refused[1], refused
    file = migration.folder / "gateway.toml"
    file.write_text(file.read_text().replace(theirs, theirs + "\nweak_secret = true"))
    allowed = check(gateway)
    assert allowed[0] == 0 and "warning: `tokens.trusted.secret`" in allowed[1] and WEAK not in allowed[1], allowed
    start(gateway).start()
    assert pages(gateway.url, token_of(app.url)) == [200, 200, 200]
    claims = {"sub": "johndoe", "preferred_username": "johndoe", "scope": "me items", "iss": "http://127.0.0.1:8080"}
    claims |= {"exp": 2**31, "iat": 1, "jti": "x" * 22, "sid": "y" * 22, "client_id": "gatepass"}
    forged = jwt.encode(claims, WEAK, algorithm="HS256", headers={"typ": "at+jwt"})
    assert pages(gateway.url, {"Authorization": f"Bearer {forged}"}) == [401, 401, 401], "it never signs in our name"


def check(gateway: ExampleGateway) -> tuple[int, str]:
    """What `gatepass check` says, and its exit code."""
    done = subprocess.run([binary(), "check"], cwd=gateway.folder, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_the_planner_whose_tokens_have_names_of_their_own(folder: Path, start: Callable[[Any], Any]) -> None:
    """{"user": …, "expires": …}: read as what they mean, and minted beside the standard claims."""
    mongodb, key = start(MongoDB(folder)), secrets.token_hex(32)
    app = start(App("planner/before", folder, {"DATABASE_URL": mongodb.url, "SECRET_KEY": key}))
    changes = {STORE: mongodb.url}
    gateway = start(ExampleGateway("migration/planner.toml", folder / "gateway", app.port, key, changes)).start()
    alice = PLANNER.main(gateway.url)
    legacy = PLANNER.Client(app.url, alice.email, alice.password)
    legacy.sign_in()
    (event,) = alice.titles()
    # The token of each at the door of the other.
    for url, token in ((app.url, alice), (gateway.url, legacy)):
        answer = httpx.put(f"{url}/event/edit/{event}", json={"title": url}, headers=token.http.headers)
        assert (answer.status_code, answer.json()["title"]) == (200, url), answer.text
    gateway.command("token", "revoke", "--user", alice.email)

    def refused() -> bool:
        answer = httpx.delete(f"{gateway.url}/event/{event}", headers=legacy.http.headers)
        return answer.status_code == 401

    eventually("the planner's token is refused", refused)

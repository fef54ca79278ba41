"""Do our answers say what FastAPI says, and do the tokens of both sides open both doors?

The application is the one of FastAPI's security tutorial as far as tokens go: its form, its guards, PyJWT. It runs by
itself, on the gateway's own secret; the gateway stands beside it with `[errors] body = "fastapi"`. The same requests go
to both, and the answers are compared: status, `detail`, `WWW-Authenticate`, `Allow`.
"""

import hmac
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import jwt
import pytest
from fastapi import Depends, FastAPI, HTTPException, Security, status
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm, SecurityScopes
from jwt.exceptions import InvalidTokenError

import kept
from world import DEADLINE, HERE, PASSWORD, Gateway, Process, eventually, free_port

# ---- the application

SECRET_KEY = os.environ.get("APP_SECRET_KEY", "")
USERS = {"ada": PASSWORD, "bob": "another battery staple"}
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token", scopes={"me": "Oneself.", "items": "One's items."})
app = FastAPI()


def get_current_user(security_scopes: SecurityScopes, token: Annotated[str, Depends(oauth2_scheme)]) -> str:
    value = f'Bearer scope="{security_scopes.scope_str}"' if security_scopes.scopes else "Bearer"

    def refused(detail: str) -> HTTPException:
        return HTTPException(status.HTTP_401_UNAUTHORIZED, detail, {"WWW-Authenticate": value})

    try:
        payload = jwt.decode(token, SECRET_KEY, algorithms=["HS256"])
    except InvalidTokenError as error:
        raise refused("Could not validate credentials") from error
    if payload.get("sub") not in USERS:
        raise refused("Could not validate credentials")
    if any(scope not in payload.get("scope", "").split(" ") for scope in security_scopes.scopes):
        raise refused("Not enough permissions")
    return payload["sub"]


@app.post("/token")
def login(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
    if not hmac.compare_digest(USERS.get(form.username, "").encode(), form.password.encode()):
        raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Bearer"})
    claims = {"sub": form.username, "scope": " ".join(form.scopes), "exp": datetime.now(UTC) + timedelta(minutes=30)}
    return {"access_token": jwt.encode(claims, SECRET_KEY, algorithm="HS256"), "token_type": "bearer"}


@app.get("/users/me/")
def me(user: Annotated[str, Security(get_current_user, scopes=["me"])]) -> dict[str, str]:
    return {"username": user}


@app.get("/users/me/items/")
def items(user: Annotated[str, Security(get_current_user, scopes=["items", "me"])]) -> list[str]:
    return [user]


@app.get("/status/")
def system_status(user: Annotated[str, Security(get_current_user)]) -> dict[str, str]:
    return {"status": "ok"}


# ---- the tests

MORE = """
[errors]
body = "fastapi"

[[tokens.trusted]]
name = "app"
secret = { file = "gatepass.secret" }
optional = ["iss", "aud", "jti", "iat", "typ"]
subjects = "shared"
scopes = ["me", "items"]

[[route]]
path = "/users/me/"
methods = ["GET"]
scopes = ["me"]

[[route]]
path = "/users/me/items/"
methods = ["GET"]
scopes = ["items", "me"]

[[route]]
path = "/status/"
methods = ["GET"]
"""

PATHS = ["/users/me/", "/users/me/items/", "/status/"]


class Both:
    """The application, and the gateway in front of it."""

    def __init__(self, folder: Path, start: Callable[[Any], Any]) -> None:
        self.port = free_port()
        gateway = Gateway(folder / "gateway", self.port, more=MORE)
        file = gateway.folder / "gateway.toml"
        tokens = 'lifetime = "30m"\nsubject = "login"\nomit = ["aud"]'
        text = file.read_text().replace('lifetime = "30m"', tokens)
        # What is forwarded goes on as it came: the application still checks tokens itself.
        file.write_text(text.replace("[identity]\n", "[identity]\nforward_authorization = true\n"))
        self.secret = gateway.secret.decode()
        command = [sys.executable, "-m", "uvicorn", "test_fastapi_errors:app", "--app-dir", str(HERE)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning"]
        process = start(Process("app", command, folder, {"APP_SECRET_KEY": self.secret}))
        self.app_url = f"http://127.0.0.1:{self.port}"
        eventually("the application answers", lambda: process.alive() and httpx.get(f"{self.app_url}/openapi.json"))
        for name, password in USERS.items():
            gateway.command("user", "add", name, "--scopes", "me items", "--password-stdin", stdin=f"{password}\n")
        self.gateway = start(gateway).start()

    def sign(self, **claims: Any) -> str:
        token = jwt.encode({"exp": datetime.now(UTC) + timedelta(minutes=5), **claims}, self.secret, algorithm="HS256")
        kept.secret("token", token)
        return token

    def ask(self, method: str, path: str, **more: Any) -> tuple[httpx.Response, httpx.Response]:
        """What both say, the application first."""
        one, other = (httpx.request(method, f"{url}{path}", timeout=DEADLINE, **more) for url in self.urls())
        kept.secret("token", one.json().get("access_token", "") if path == "/token" else "")
        return one, other

    def urls(self) -> list[str]:
        return [self.app_url, self.gateway.url]


@pytest.fixture
def both(folder: Path, start: Callable[[Any], Any]) -> Both:
    return Both(folder, start)


def seen(answer: httpx.Response) -> tuple[Any, ...]:
    """What a client looks at; the order of scopes and methods means nothing."""
    challenge = answer.headers.get("www-authenticate")
    scheme, _, scopes = (challenge or "").partition(" ")
    allow = set(filter(None, answer.headers.get("allow", "").replace(" ", "").split(","))) - {"HEAD"}
    return answer.status_code, answer.json(), scheme, set(scopes[len('scope="') : -1].split(" ")), allow


def bearer(token: str) -> dict[str, str]:
    return {"headers": {"Authorization": f"Bearer {token}"}}


def test_the_guards_say_the_same(both: Both) -> None:
    me = both.sign(sub="ada", scope="me")
    situations: dict[str, dict[str, Any]] = {
        "nobody": {},
        "another scheme": {"headers": {"Authorization": "Basic YTpi"}},
        "no token": {"headers": {"Authorization": "Bearer"}},
        "garbage": bearer("garbage"),
        "another's": bearer(jwt.encode({"sub": "ada", "exp": 4102444800}, "x" * 32, algorithm="HS256")),
        "expired": bearer(both.sign(sub="ada", scope="me", exp=1)),
        "unsigned": bearer(jwt.encode({"sub": "ada", "exp": 4102444800}, None, algorithm="none")),
        "for somebody else": bearer(both.sign(sub="ada", scope="me", aud="other")),
        "not yet": bearer(both.sign(sub="ada", scope="me", nbf=4102444800)),
        "without a subject": bearer(both.sign(scope="me")),
        "one scope": bearer(me),
    }
    compared = 0
    for path in PATHS:
        for situation, more in situations.items():
            one, other = both.ask("GET", path, **more)
            if one.is_success:
                assert other.is_success and one.json() == other.json(), f"{situation}: {path}"
                continue
            assert seen(one) == seen(other), f"{situation}: {path}"
            assert other.headers["x-request-id"]
            compared += 1
    assert compared == len(PATHS) * len(situations) - 2, "only one scope is enough, for two of the paths"
    one, other = both.ask("POST", "/status/", **bearer(me))
    assert (one.status_code, one.json(), seen(one)[-1]) == (other.status_code, other.json(), seen(other)[-1])


def test_the_form_says_the_same(both: Both) -> None:
    for form in (
        {"username": "ada", "password": "wrong password"},
        {"username": "nobody", "password": "wrong password"},
    ):
        one, other = both.ask("POST", "/token", data=form)
        assert seen(one) == seen(other) and one.status_code == 401
    for form in (
        {"username": "ada"},
        {"password": PASSWORD},
        {},
        {"username": "ada", "password": PASSWORD, "grant_type": "magic"},
    ):
        one, other = both.ask("POST", "/token", data=form)
        assert one.status_code == other.status_code == 422
        theirs = [(field["type"], field["loc"], field["msg"]) for field in one.json()["detail"]]
        ours = [(field["type"], field["loc"], field["msg"]) for field in other.json()["detail"]]
        # FastAPI tells all that is wrong, the gateway the first of it; and never what was sent.
        assert ours == theirs[:1], form
        assert PASSWORD not in other.text
    one, other = both.ask("POST", "/token", json={"username": "ada"})
    assert one.status_code == other.status_code == 422 and isinstance(other.json()["detail"], list)


def test_each_takes_the_others_tokens(both: Both) -> None:
    form = {"username": "ada", "password": PASSWORD, "scope": "me items"}
    answers = both.ask("POST", "/token", data=form)
    tokens = [answer.json()["access_token"] for answer in answers]
    for token in tokens:
        for path in PATHS:
            one, other = both.ask("GET", path, **bearer(token))
            assert (one.status_code, other.status_code) == (200, 200) and one.json() == other.json()
    assert [jwt.decode(token, both.secret, algorithms=["HS256"])["sub"] for token in tokens] == ["ada", "ada"]

    def issuers() -> list[str | None]:
        return [line.get("issuer") for line in both.gateway.access_log() if line["path"] in PATHS]

    # The log is written in batches.
    eventually("six requests are logged", lambda: len(issuers()) == 6)
    assert issuers() == ["app"] * 3 + [None] * 3
    # The gateway ends the application's token too, and with the user all of them.
    theirs, ours = tokens
    gateway = both.gateway.url
    assert httpx.post(f"{gateway}/auth/revoke", data={"token": theirs}).status_code == 200
    assert httpx.get(f"{gateway}/status/", **bearer(theirs)).status_code == 401
    assert httpx.get(f"{gateway}/status/", **bearer(ours)).status_code == 200
    later = both.sign(sub="ada", scope="me")
    assert httpx.get(f"{gateway}/status/", **bearer(later)).status_code == 200
    both.gateway.command("token", "revoke", "--user", "ada")
    for token in (later, ours):
        assert httpx.get(f"{gateway}/status/", **bearer(token)).status_code == 401

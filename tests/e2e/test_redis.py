"""Several gateways on one Redis: a sign-out on one holds on all, and a Redis that is down is 503, never 401."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from world import Gateway, Person, Planner, Redis, eventually


def on_redis(folder: Path, planner: Planner, redis: Redis, name: str, secret: bytes | None = None) -> Gateway:
    revocation = f'store = "redis://127.0.0.1:{redis.port}"\nmax_staleness = "1s"'
    return Gateway(folder / name, planner.port, revocation, secret=secret, users="../users.db")


def signed_in(gateway: Gateway, email: str) -> Person:
    person = Person(gateway, email)
    assert person.sign_up().status_code == 200
    assert person.sign_in().status_code == 200
    return person


def test_signing_out_on_one_gateway_holds_on_the_other(
    folder: Path, planner: Planner, start: Callable[[Any], Any]
) -> None:
    redis = start(Redis(folder))
    one = start(on_redis(folder, planner, redis, "one")).start()
    two = start(on_redis(folder, planner, redis, "two", one.secret)).start()
    alice, bob = signed_in(one, "alice@example.org"), signed_in(one, "bob@example.org")
    for person in (alice, bob):
        assert person.ask("GET", "/event/", two).status_code == 200

    assert alice.sign_out().status_code == 204
    answer = eventually(
        "the other gateway refuses it",
        lambda: (answer := alice.ask("GET", "/event/", two)).status_code != 200 and answer,
    )
    assert answer.status_code == 401 and "revoked_login" in answer.json()["error_description"]
    assert bob.ask("GET", "/event/", two).status_code == 200, "nobody else is meant"

    late = start(on_redis(folder, planner, redis, "late", one.secret)).start()
    assert alice.ask("GET", "/event/", late).status_code == 401, "a gateway that starts later reads the log first"


def test_a_dead_redis_is_503_and_never_401(folder: Path, planner: Planner, start: Callable[[Any], Any]) -> None:
    redis = start(Redis(folder))
    gateway = start(on_redis(folder, planner, redis, "one")).start()
    alice, gone = signed_in(gateway, "alice@example.org"), signed_in(gateway, "gone@example.org")
    assert gone.sign_out().status_code == 204
    redis.end(signal.SIGKILL)

    revoked = httpx.post(f"{gateway.url}/auth/revoke", data={"token": alice.token}, timeout=60)
    assert revoked.status_code == 503, "a revocation that was not taken is not called done"
    seen: list[httpx.Response] = []

    def refused() -> bool:
        seen.append(alice.ask("GET", "/event/"))
        return seen[-1].status_code != 200

    eventually("the bound is past", refused)
    assert seen[-1].status_code == 503 and int(seen[-1].headers["retry-after"]) >= 1
    assert "revocation_stale" in seen[-1].json()["error_description"]
    assert gone.ask("GET", "/event/").status_code in (401, 503), "what is known to be revoked is not let in"
    assert alice.sign_out().status_code == 503
    assert alice.sign_in().status_code == 503
    assert httpx.get(f"{gateway.url}/docs").status_code == 200, "a public route needs no log"
    assert httpx.get(f"{gateway.url}/event/").status_code == 401, "nobody is still nobody"
    assert httpx.get(f"{gateway.admin_url}/readyz").status_code == 200, "it has loaded once; it is not to be drained"

    start(Redis(folder, redis.port))
    eventually("Redis is back", lambda: alice.ask("GET", "/event/").status_code == 200)
    answer = gone.ask("GET", "/event/")
    assert answer.status_code == 401 and "revoked_login" in answer.json()["error_description"]

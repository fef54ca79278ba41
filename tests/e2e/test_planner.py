"""The whole tour in front of the FastAPI planner: sign up, sign in, use it, sign out, and the door stays shut."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from wire import raw_request
from world import Gateway, Person, Planner, eventually

EVENT = {"title": "FastAPI Book Launch", "location": "Google Meet", "tags": ["python"], "description": "Questions welcome"}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and description; a gateway-made answer carries both, and its request id."""
    body = answer.json()
    assert body["request_id"], body
    return answer.status_code, body["error_description"]


def test_sign_up_once_and_sign_in_by_either_path(gateway: Gateway) -> None:
    alice = Person(gateway)
    first = alice.sign_up()
    assert (first.status_code, first.json()) == (200, {"message": "User created successfully"})
    assert alice.sign_up().status_code == 409
    for path in ("/token", "/user/signin"):
        answer = alice.sign_in(path)
        body = answer.json()
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert body["token_type"] == "Bearer"
        assert body["expires_in"] == 1800
        assert set(body["scope"].split()) == {"event:read", "event:write"}


def test_a_bad_sign_up_names_field_and_rule(gateway: Gateway) -> None:
    answer = Person(gateway, password="short").sign_up()
    assert answer.status_code == 422
    assert "password" in answer.text and "8 characters" in answer.text
    answer = Person(gateway, email="nobody").sign_up()
    assert answer.status_code == 422
    assert "email" in answer.text


def test_wrong_password_and_unknown_user_are_told_the_same(gateway: Gateway, alice: Person) -> None:
    wrong = Person(gateway, alice.email, "not her password").sign_in()
    unknown = Person(gateway, "mallory@example.org").sign_in()
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert unknown.status_code == wrong.status_code
    assert unknown.json() | {"request_id": ""} == wrong.json() | {"request_id": ""}


def test_the_planner_is_used_through_the_gateway(gateway: Gateway, alice: Person) -> None:
    assert alice.ask("GET", "/event/").json() == []
    created = alice.ask("POST", "/event/new", json=EVENT)
    assert created.status_code == 200
    event = created.json()
    assert (event["title"], event["creator"]) == (EVENT["title"], alice.email)
    edited = alice.ask("PUT", f"/event/edit/{event['id']}", json={"location": "Aula 2"})
    assert edited.json()["location"] == "Aula 2"
    assert alice.ask("GET", "/event/").json() == [edited.json()]
    assert alice.ask("GET", f"/event/{event['id']}").json() == edited.json()

    bob = Person(gateway, "bob@example.org")
    bob.sign_up()
    bob.sign_in()
    assert bob.ask("DELETE", f"/event/{event['id']}").status_code == 403, "the planner knows whose event it is"

    assert alice.ask("DELETE", f"/event/{event['id']}").json() == {"message": "Event deleted successfully"}
    assert alice.ask("GET", f"/event/{event['id']}").status_code == 404


def test_public_routes_need_no_token_and_unnamed_methods_are_405(gateway: Gateway, alice: Person) -> None:
    assert httpx.get(f"{gateway.url}/docs").status_code == 200
    assert httpx.get(f"{gateway.url}/openapi.json").json()["info"]["title"] == "Event planner"
    answer = alice.ask("PATCH", "/event/1")
    assert answer.status_code == 405
    allowed = {method.strip() for method in answer.headers["allow"].split(",")}
    assert {"GET", "HEAD", "POST", "PUT", "DELETE"} <= allowed and "PATCH" not in allowed


def test_401_says_why_but_not_to_a_forger(gateway: Gateway, alice: Person) -> None:
    none = httpx.get(f"{gateway.url}/event/")
    assert refusal(none)[0] == 401 and "missing_token" in refusal(none)[1]
    challenge = none.headers["www-authenticate"]
    assert challenge.startswith("Bearer") and "error=" not in challenge, "RFC 6750 section 3.1"

    header, claims, signature = alice.token.split(".")
    padded = claims + "=" * (-len(claims) % 4)
    other = json.loads(base64.urlsafe_b64decode(padded)) | {"preferred_username": "root@example.org"}
    forged_claims = base64.urlsafe_b64encode(json.dumps(other).encode()).rstrip(b"=").decode()
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    forgeries = (
        f"{header}.{forged_claims}.{signature}",
        f"{unsigned}.{forged_claims}.",
        f"{header}.{claims}.{'A' * len(signature)}",
    )
    for token in forgeries:
        answer = httpx.get(f"{gateway.url}/event/", headers={"Authorization": f"Bearer {token}"})
        status, description = refusal(answer)
        assert status == 401 and "invalid token" in description.lower()
        assert "signature" not in answer.text and "algorithm" not in answer.text
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_an_expired_token_is_refused_by_name(gateway: Gateway) -> None:
    token = gateway.command("token", "mint", "--sub", "car:42", "--scope", "event:read", "--lifetime", "1s").strip()
    headers = {"Authorization": f"Bearer {token}"}
    answers: list[httpx.Response] = []

    def refused() -> bool:
        answers.append(httpx.get(f"{gateway.url}/whoami", headers=headers))
        return answers[-1].status_code != 200

    eventually("the token expires", refused)
    assert refusal(answers[-1])[0] == 401 and "expired" in refusal(answers[-1])[1]


SPELLINGS = {
    "as configured": "X-Auth-User: root@example.org",
    "lower case": "x-auth-user: root@example.org",
    "upper case": "X-AUTH-USER: root@example.org",
    "underscores": "x_auth_user: root@example.org",
    "mixed": "X-Auth_User: root@example.org",
    "mixed, the other way": "X_Auth-User: root@example.org",
    "twice": "X-Auth-User: root@example.org\r\nX-Auth-User: admin@example.org",
    "twice, in two spellings": "X-Auth-User: root@example.org\r\nX_Auth_User: admin@example.org",
    "empty": "X-Auth-User:",
    "named by Connection": "Connection: X-Auth-User\r\nX-Auth-User: root@example.org",
    "named by Connection, lower case": "Connection: keep-alive, x-auth-user",
    "the subject": "X-Auth-Subject: root",
    "the scopes": "X-Auth-Scopes: admin\r\nx_auth_scopes: admin",
}


def fold(name: str) -> str:
    """The name as a CGI-style backend sees it."""
    return name.replace("-", "_").lower()


def whoami(gateway: Gateway, name: str, head: str) -> dict[str, list[str]] | None:
    """The headers that reach the planner, under folded names; None if the gateway would not take the request."""
    lines = f"GET /whoami HTTP/1.1\r\nHost: localhost\r\n{head}\r\nConnection: close\r\n\r\n"
    status, body = raw_request(gateway.public, lines)
    if status == 400 and "named by Connection" in name:
        return None  # as good as ignoring the nomination; letting it through without identity is not
    assert status == 200, (name, body)
    seen: dict[str, list[str]] = {}
    for header, value in json.loads(body)["headers"]:
        seen.setdefault(fold(header), []).append(value)
    return seen


def test_the_backend_sees_one_identity_and_it_is_ours(gateway: Gateway, alice: Person) -> None:
    for name, spelling in SPELLINGS.items():
        seen = whoami(gateway, name, f"Authorization: Bearer {alice.token}\r\n{spelling}")
        if seen is None:
            continue
        assert seen["x_auth_user"] == [alice.email], name
        assert len(seen["x_auth_subject"]) == 1 and seen["x_auth_subject"] != ["root"], name
        assert seen["x_auth_scopes"] == ["event:read event:write"], name
        assert "authorization" not in seen, "the client's token stays with the gateway"


def test_a_public_route_has_no_identity_to_forge(folder: Path, planner: Planner, start: Callable[[Any], Any]) -> None:
    public = '[[route]]\npath = "/whoami"\naccess = "public"\n'
    gateway = start(Gateway(folder / "gateway", planner.port, more=public)).start()
    for name, spelling in SPELLINGS.items():
        seen = whoami(gateway, name, spelling)
        if seen is not None:
            assert not seen.keys() & {"x_auth_user", "x_auth_subject", "x_auth_scopes"}, name


def test_the_backend_learns_the_real_client(gateway: Gateway, alice: Person) -> None:
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=6.6.6.6;proto=https",
        "X-Real-IP": "6.6.6.6",
        "Authorization": f"Bearer {alice.token}",
    }
    answer = httpx.get(f"{gateway.url}/whoami", headers=forged).json()
    assert answer["client"] == "127.0.0.1"
    assert answer["url"] == f"{gateway.url}/whoami", "the client's Host, and http"
    assert not any("6.6.6.6" in value for _, value in answer["headers"])


def test_signing_out_shuts_the_door_for_good(gateway: Gateway, alice: Person) -> None:
    phone = Person(gateway)
    phone.sign_in()
    assert alice.ask("GET", "/event/").status_code == 200
    assert alice.sign_out().status_code == 204
    assert refusal(alice.ask("GET", "/event/"))[0] == 401
    assert "revoked_login" in refusal(alice.ask("GET", "/event/"))[1]
    assert phone.ask("GET", "/event/").status_code == 200, "another login of hers goes on"

    assert gateway.stop() == 0
    gateway.start()
    status, description = refusal(alice.ask("GET", "/event/"))
    assert status == 401 and "revoked_login" in description, "a restart does not forget"
    assert phone.ask("GET", "/event/").status_code == 200
    assert alice.sign_in().status_code == 200
    assert alice.ask("GET", "/event/").status_code == 200, "signing in again is a new login"


def test_signing_out_everywhere_ends_every_login(gateway: Gateway, alice: Person) -> None:
    phone = Person(gateway)
    phone.sign_in()
    assert alice.ask("POST", "/auth/logout?all=true").status_code == 204
    for person in (alice, phone):
        assert person.ask("GET", "/event/").status_code == 401
    assert alice.sign_in().status_code == 200
    assert alice.ask("GET", "/event/").status_code == 200


def test_revoking_a_token_needs_only_the_token(gateway: Gateway, alice: Person) -> None:
    answer = httpx.post(f"{gateway.url}/auth/revoke", data={"token": alice.token})
    assert answer.status_code == 200
    status, description = refusal(alice.ask("GET", "/event/"))
    assert status == 401 and "revoked" in description
    assert httpx.post(f"{gateway.url}/auth/revoke", data={"token": "never was one"}).status_code == 200, "RFC 7009 2.2"


def test_the_command_line_revokes_on_the_running_gateway(gateway: Gateway, alice: Person) -> None:
    gateway.command("token", "revoke", alice.token)
    eventually("the token is refused", lambda: alice.ask("GET", "/event/").status_code == 401)

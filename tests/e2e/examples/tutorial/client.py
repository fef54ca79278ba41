"""The tutorial's front end: it counts on every status, `detail` and challenge. `python client.py http://127.0.0.1:8000`"""

import sys

import httpx

JOHN = {"username": "johndoe", "email": "johndoe@example.com", "full_name": "John Doe", "disabled": False}
ZOE = {"username": "zoe", "email": None, "full_name": "Zoë Çelik, Dr. 100 %", "disabled": False}
PASSWORDS = {"johndoe": "secret of johndoe", "zoe": "secret of zoë"}
ITEMS = [{"item_id": "Foo", "owner": "johndoe"}]

# Path, what may be read there, and what the challenge says of the scopes that it takes.
PAGES = [
    ("/users/me/", JOHN, 'Bearer scope="me"'),
    ("/users/me/items/", ITEMS, 'Bearer scope="items me"'),
    ("/status/", {"status": "ok"}, "Bearer"),
]


def tell(answer: httpx.Response) -> tuple[int, object, str | None]:
    """All that the front end looks at."""
    return answer.status_code, answer.json(), answer.headers.get("www-authenticate")


def refused(detail: str, challenge: str = "Bearer") -> tuple[int, object, str | None]:
    return 401, {"detail": detail}, challenge


def sign_in(http: httpx.Client, scope: str, username: str = "johndoe") -> dict[str, str]:
    """The header for further requests."""
    answer = http.post("/token", data={"username": username, "password": PASSWORDS[username], "scope": scope})
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "bearer"
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def wrong_sign_ins(http: httpx.Client) -> None:
    for username, password in (("johndoe", "wrong"), ("nobody", PASSWORDS["johndoe"]), ("johndoe", "x" * 100)):
        answer = http.post("/token", data={"username": username, "password": password})
        assert tell(answer) == refused("Incorrect username or password"), (username, tell(answer))
    answer = http.post("/token", data={"username": "johndoe"})
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["detail"]
    assert (problem["type"], problem["loc"], problem["msg"]) == ("missing", ["body", "password"], "Field required")


def main(url: str) -> None:
    """Everything that the front end does."""
    http = httpx.Client(base_url=url, timeout=60)
    wrong_sign_ins(http)
    for path, _, challenge in PAGES:
        for nothing in ({}, {"Authorization": "Basic am9obmRvZTpzZWNyZXQ="}):
            assert tell(http.get(path, headers=nothing)) == refused("Not authenticated"), path
        answer = http.get(path, headers={"Authorization": "Bearer nonsense"})
        assert tell(answer) == refused("Could not validate credentials", challenge), (path, tell(answer))

    everything, me = sign_in(http, "me items"), sign_in(http, "me")
    head, _, signature = everything["Authorization"].rpartition(".")
    forged = {"Authorization": f"{head}.{'A' * len(signature)}"}
    for path, page, challenge in PAGES:
        assert tell(http.get(path, headers=everything)) == (200, page, None), path
        assert tell(http.get(path, headers=forged)) == refused("Could not validate credentials", challenge), path
        answer = http.get(path, headers=me)
        enough = path != "/users/me/items/"
        assert tell(answer) == ((200, page, None) if enough else refused("Not enough permissions", challenge)), path
    assert tell(http.get("/users/me/", headers=sign_in(http, "me", "zoe"))) == (200, ZOE, None)
    assert tell(http.get("/nowhere", headers=me)) == (404, {"detail": "Not Found"}, None)
    answer = http.post("/users/me/", headers=me)
    assert tell(answer) == (405, {"detail": "Method Not Allowed"}, None), answer.text


if __name__ == "__main__":
    main(sys.argv[1])
    print("ok")

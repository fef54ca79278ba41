"""The planner's own client: it knows the planner's address and nothing else. `python client.py http://127.0.0.1:8000`"""

import secrets
import sys

import httpx

EVENT = {
    "title": "Book launch",
    "image": "https://example.org/launch.png",
    "description": "Bring your questions.",
    "tags": ["python", "books"],
    "location": "Aula",
}


class Client:
    """Somebody at the planner."""

    def __init__(self, url: str, email: str, password: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self.email, self.password = email, password

    def sign_up(self) -> None:
        answer = self.http.post("/user/signup", json={"email": self.email, "password": self.password})
        assert (answer.status_code, answer.json()) == (200, {"message": "User created successfully"}), answer.text
        answer = self.http.post("/user/signup", json={"email": self.email, "password": self.password})
        assert answer.status_code == 409, answer.text

    def sign_in(self) -> None:
        for username, password in ((self.email, self.password + "x"), ("x" + self.email, self.password)):
            answer = self.http.post("/user/signin", data={"username": username, "password": password})
            assert answer.is_client_error and "access_token" not in answer.json(), answer.text
        answer = self.http.post("/user/signin", data={"username": self.email, "password": self.password})
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "Bearer"
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def sign_out(self) -> None:
        """Forgets the token; the planner has no better way."""
        del self.http.headers["Authorization"]

    def titles(self) -> dict[str, str]:
        """The events that are hers: id and title."""
        answer = self.http.get("/event/")
        assert answer.status_code == 200, answer.text
        return {event["_id"]: event["title"] for event in answer.json() if event["creator"] == self.email}

    def create(self, title: str) -> str:
        before = self.titles()
        answer = self.http.post("/event/new", json=EVENT | {"title": title, "creator": "root@example.org"})
        assert (answer.status_code, answer.json()) == (200, {"message": "Event created successfully"}), answer.text
        (created,) = self.titles().keys() - before.keys()
        return created

    def edit(self, event: str, title: str) -> None:
        answer = self.http.put(f"/event/edit/{event}", json={"title": title})
        assert answer.status_code == 200, answer.text
        assert answer.json() == EVENT | {"_id": event, "creator": self.email, "title": title}
        assert self.http.get(f"/event/{event}").json() == answer.json()

    def delete(self, event: str) -> None:
        answer = self.http.delete(f"/event/{event}")
        assert (answer.status_code, answer.json()) == (200, {"message": "Event deleted successfully"}), answer.text
        assert self.http.get(f"/event/{event}").status_code == 404


def refused(client: Client, event: str) -> None:
    """Who is not signed in, or not with a token of the planner's, changes nothing."""
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"X-Auth-User": client.email}):
        for method, path in (("POST", "/event/new"), ("PUT", f"/event/edit/{event}"), ("DELETE", f"/event/{event}")):
            answer = client.http.request(method, path, json=EVENT, headers=headers)
            assert answer.is_client_error, (method, path, headers, answer.text)
    assert event in client.titles()


def main(url: str) -> Client:
    """A day at the planner; leaves one event behind."""
    mark = secrets.token_hex(4)
    alice = Client(url, f"alice-{mark}@example.org", "correct horse " + mark)
    bob = Client(url, f"bob-{mark}@example.org", "battery staple " + mark)
    for person in (alice, bob):
        person.sign_up()
        person.sign_in()
    assert alice.titles() == {}
    launch, party = alice.create("Launch"), alice.create("Party")
    alice.edit(launch, "Launch, with cake")
    assert bob.http.put(f"/event/edit/{launch}", json={"title": "Mine"}).status_code == 403
    assert bob.http.delete(f"/event/{launch}").status_code == 403
    alice.delete(party)
    alice.sign_out()
    refused(alice, launch)
    alice.sign_in()
    assert alice.titles() == {launch: "Launch, with cake"}
    return alice


if __name__ == "__main__":
    main(sys.argv[1])
    print("ok")

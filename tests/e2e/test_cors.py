"""A page on another origin, in a real browser: what `[cors] origins` names may read our answers, nobody else."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import kept
from world import PASSWORD, Gateway, Person, Planner

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Runs in the page: one fetch; what the page may read of the answer, or that the browser withheld it.
FETCH = """
const [url, options, done] = arguments;
fetch(url, options)
  .then(async answer => done({
    status: answer.status,
    challenge: answer.headers.get("WWW-Authenticate"),
    body: await answer.text(),
  }))
  .catch(error => done({ blocked: String(error) }));
"""


class Page(BaseHTTPRequestHandler):
    """An empty page; its origin is what matters."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>front end</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class Site:
    """A web site on a port of its own, which makes it an origin of its own."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def browser(folder: Path) -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs chromium and chromedriver; tests/run installs them")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.set_script_timeout(60)
    try:
        yield chrome
    finally:
        chrome.quit()


def test_a_front_end_on_another_origin(
    folder: Path, planner: Planner, browser: webdriver.Chrome, start: Callable[[Any], Any]
) -> None:
    ours, other = start(Site()), start(Site())
    gateway = start(Gateway(folder / "gateway", planner.port, origins=(ours.origin,))).start()
    alice = Person(gateway)
    assert alice.sign_up().status_code == 200

    def fetch(path: str, **options: object) -> dict[str, Any]:
        answer = browser.execute_async_script(FETCH, f"{gateway.url}{path}", options)
        if path != "/token":
            kept.heard("answer", json.dumps(answer).encode())
        return answer

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    credentials = f"username={alice.email}&password={PASSWORD.replace(' ', '+')}"
    sign_in = {"method": "POST", "headers": form, "body": credentials}

    browser.get(ours.origin)
    answer = fetch("/token", **sign_in)
    assert answer.get("status") == 200, answer
    token = browser.execute_script("return JSON.parse(arguments[0]).access_token", answer["body"])
    kept.secret("token", token)
    bearer = {"Authorization": f"Bearer {token}"}

    listed = fetch("/event/", headers=bearer)
    assert (listed.get("status"), listed.get("body")) == (200, "[]"), "preflighted, and the planner's answer is readable"
    event = '{"title": "Launch", "location": "Aula"}'
    json_bearer = bearer | {"Content-Type": "application/json"}
    created = fetch("/event/new", method="POST", headers=json_bearer, body=event)
    assert created.get("status") == 200, created
    deleted = fetch("/event/1", method="DELETE", headers=bearer)
    assert deleted.get("status") == 200, deleted

    refused = fetch("/event/")
    assert refused.get("status") == 401 and "missing_token" in refused["body"], refused
    wrong = fetch("/token", **(sign_in | {"body": f"username={alice.email}&password=wrong"}))
    assert wrong.get("status") == 400 and "invalid_grant" in wrong["body"], wrong
    forged = fetch("/event/", headers={"Authorization": "Bearer x.y.z"})
    assert forged.get("status") == 401, forged
    assert fetch("/auth/logout", method="POST", headers=bearer).get("status") == 204
    assert "revoked_login" in fetch("/event/", headers=bearer)["body"]

    browser.get(other.origin)
    for blocked in (fetch("/token", **sign_in), fetch("/event/", headers=bearer), fetch("/event/")):
        assert "blocked" in blocked, "an origin that is not named reads nothing"

"""Two ways in for people, in a real browser: Swagger UI's Authorize button, and the gateway's own sign-in page."""

import json
import random
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import kept
from browser.chrome import Chrome
from browser.servers import EMAIL, Application, Live, Site, gateway_with
from browser.swagger import auth, try_out
from world import PASSWORD, Gateway, Person, eventually

ROUTES = '[[route]]\npath = "/static-offline-docs/**"\naccess = "public"\n'
PAGE = '[signin_page]\ntitle = "Event planner"\nafter = "/board"\n'


@pytest.fixture
def live() -> Iterator[int]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Live)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def application(folder: Path, start: Callable[[Any], Any]) -> Application:
    return start(Application(folder))


@pytest.fixture
def chrome(folder: Path, start: Callable[[Any], Any]) -> Chrome:
    return start(Chrome(folder))


def sign_in(chrome: Chrome) -> None:
    """Fills the form in, by the keyboard."""
    chrome.until("the name is to be typed", lambda: chrome.focus() == "username")
    chrome.press(EMAIL, Keys.TAB, PASSWORD, Keys.ENTER)


def test_swagger_ui_keeps_its_authorize_button(
    folder: Path, application: Application, chrome: Chrome, start: Callable[[Any], Any]
) -> None:
    # With the sign-in page beside it: Swagger UI says who it is in `Authorization`, and is not redirected.
    gateway = gateway_with(ROUTES + PAGE, folder, application, start)
    document = httpx.get(f"{gateway.url}/openapi.json").json()
    scheme = {"type": "oauth2", "flows": {"password": {"scopes": {}, "tokenUrl": "/token"}}}
    assert document["components"]["securitySchemes"] == {"OAuth2PasswordBearer": scheme}
    assert document["paths"]["/me"]["get"]["security"] == [{"OAuth2PasswordBearer": []}]

    chrome.go(f"{gateway.url}/docs")
    status, body = try_out(chrome)
    assert status == "401" and "missing_token" in body, (status, body)
    chrome.picture("swagger-1-stranger")

    chrome.find(".auth-wrapper .authorize").click()
    chrome.find("#oauth_username").send_keys(EMAIL)
    chrome.find("#oauth_password").send_keys("not the password")
    chrome.find(".auth-btn-wrapper .authorize").click()
    assert "invalid_grant" in chrome.find(".auth-container .errors").text
    chrome.picture("swagger-2-wrong-password")
    field = chrome.find("#oauth_password")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(PASSWORD)
    chrome.find(".auth-btn-wrapper .authorize").click()
    chrome.until(
        "Swagger UI is authorized", lambda: "Authorized" in chrome.driver.find_element(By.CSS_SELECTOR, ".auth-container").text
    )
    chrome.picture("swagger-3-authorized")
    chrome.find(".btn-done").click()

    status, body = try_out(chrome)
    assert status == "200" and EMAIL in body, (status, body)
    chrome.picture("swagger-4-known")
    # The token that the page holds, as any client of its would use it.
    token = chrome.run("return ui.authSelectors.authorized().toJS().OAuth2PasswordBearer.token.access_token")
    kept.secret("token", token)
    bearer = {"Authorization": f"Bearer {token}"}

    # Swagger UI's Logout forgets the token, and nothing else.
    chrome.find(".auth-wrapper .authorize").click()
    chrome.until("there is a Logout", lambda: chrome.find(".auth-btn-wrapper .btn").text == "Logout")
    chrome.find(".auth-btn-wrapper .btn").click()
    chrome.find(".btn-done").click()
    status, body = try_out(chrome)
    assert status == "401" and "missing_token" in body, (status, body)
    assert chrome.fetch("/me", headers=bearer)["status"] == 200
    assert chrome.fetch("/auth/logout", method="POST", headers=bearer)["status"] == 204
    after = chrome.fetch("/me", headers=bearer)
    assert after["status"] == 401 and "revoked_login" in after["body"], after
    # And Swagger UI itself, told the old token again.
    chrome.run("ui.authActions.authorizeOauth2({ auth: arguments[0], token: { access_token: arguments[1] } })", auth(), token)
    status, body = try_out(chrome)
    assert status == "401" and "revoked_login" in body, (status, body)
    chrome.picture("swagger-5-signed-out")
    assert chrome.hosts() == {gateway.url.removeprefix("http://")}, "everything came through the gateway"


def test_a_person_signs_in_on_the_page(
    folder: Path, application: Application, chrome: Chrome, start: Callable[[Any], Any]
) -> None:
    gateway = gateway_with(PAGE, folder, application, start)
    chrome.go(f"{gateway.url}/board?x=1")
    assert chrome.place == "/auth/signin?next=%2Fboard%3Fx%3D1"
    assert (chrome.driver.title, chrome.status()) == ("Sign in – Event planner", 200)
    assert chrome.run("return document.documentElement.lang") == "en"
    chrome.until("the name is to be typed", lambda: chrome.focus() == "username")
    chrome.picture("signin-1-light")

    # By the keyboard alone, and first wrong.
    chrome.press(EMAIL, Keys.TAB)
    assert chrome.focus() == "password"
    chrome.press("not the password", Keys.TAB)
    assert chrome.focus() == "BUTTON"
    chrome.press(Keys.ENTER)
    problem = chrome.find("#problem")
    assert (problem.text, problem.aria_role) == ("The user name or the password is not right.", "alert")
    assert chrome.status() == 401 and chrome.place == "/auth/signin"
    assert chrome.driver.title.startswith("Error: ")
    fields = {name: chrome.find(f"#{name}") for name in ("username", "password")}
    for name, field in fields.items():
        assert field.get_attribute("aria-describedby") == "problem", name
        assert field.get_attribute("aria-invalid") == "true", name
    assert {name: field.accessible_name for name, field in fields.items()} == {
        "username": "User name",
        "password": "Password",
    }
    assert (fields["username"].get_attribute("value"), fields["password"].get_attribute("value")) == (EMAIL, "")
    chrome.until("the password is to be typed", lambda: chrome.focus() == "password")
    assert chrome.cookie("__Host-gatepass") is None
    chrome.picture("signin-2-wrong-light")
    seen = ("h1", "label", "#username", "button", "#problem")
    light = chrome.contrasts(*seen)
    chrome.dark(True)
    dark = chrome.contrasts(*seen)
    assert light != dark and min(*light.values(), *dark.values()) >= 4.5, (light, dark)
    chrome.picture("signin-3-wrong-dark")
    chrome.narrow(320, 640)
    assert chrome.run("return document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll sideways"
    chrome.picture("signin-4-wrong-dark-narrow")
    chrome.dark(False)
    chrome.picture("signin-5-wrong-light-narrow")
    chrome.wide()

    chrome.press(PASSWORD, Keys.ENTER)
    assert chrome.find("#who").text == EMAIL
    assert chrome.place == "/board?x=1", "where they were going"
    chrome.picture("signin-6-board")
    chrome.token()
    cookie = chrome.cookie("__Host-gatepass")
    attributes = {name: cookie[name] for name in ("path", "secure", "httpOnly", "sameSite")}
    assert attributes == {"path": "/", "secure": True, "httpOnly": True, "sameSite": "Lax"}
    assert chrome.run("return document.cookie") == "", "no script sees it"
    chrome.driver.refresh()
    assert chrome.find("#who").text == EMAIL
    assert chrome.fetch("/notes", method="POST") == {"status": 200, "body": "1"}
    assert chrome.fetch("/auth/userinfo")["status"] == 200
    # What a page says itself, as Swagger UI does, comes before what the browser adds.
    bob = Person(gateway, "bob@example.org")
    assert (bob.sign_up().status_code, bob.sign_in().status_code) == (200, 200)
    both = chrome.fetch("/me", headers={"Authorization": f"Bearer {bob.token}"})
    assert (both["status"], json.loads(both["body"])) == (200, {"user": "bob@example.org"})
    assert chrome.fetch("/me", headers={"Authorization": "Bearer x.y.z"})["status"] == 401
    assert json.loads(chrome.fetch("/me")["body"]) == {"user": EMAIL}
    assert chrome.violations() == []
    assert chrome.hosts() == {gateway.url.removeprefix("http://")}

    chrome.find("#out").click()
    chrome.find("#username")
    assert chrome.place == "/auth/signin"
    assert chrome.cookie("__Host-gatepass") is None
    chrome.go(f"{gateway.url}/board")
    assert chrome.place == "/auth/signin?next=%2Fboard"
    # Once more, with a page that asks first.
    sign_in(chrome)
    assert chrome.find("#who").text == EMAIL
    token = chrome.token()
    chrome.go(f"{gateway.url}/auth/signout")
    chrome.find("button")
    chrome.picture("signin-7-sign-out")
    chrome.press(Keys.TAB, Keys.ENTER)
    chrome.find("#username")
    told = httpx.get(f"{gateway.url}/me", headers={"Authorization": f"Bearer {token}"})
    assert told.status_code == 401 and "revoked_login" in told.text
    assert chrome.violations() == []


def test_other_sites_get_nowhere_with_the_cookie(
    folder: Path, application: Application, chrome: Chrome, start: Callable[[Any], Any]
) -> None:
    gateway = gateway_with(PAGE, folder, application, start)
    site = start(Site(gateway.url))
    chrome.go(f"{gateway.url}/auth/signin?next=//127.0.0.1:{site.port}/")
    sign_in(chrome)
    assert chrome.find("#who").text == EMAIL, "not where another site wanted them"
    chrome.token()

    # Another host is another site, which the browser sends no such cookie for; another port is not, and it does.
    for host, path, status, word in [
        ("localhost", "/notes", 401, "missing_token"),
        ("127.0.0.1", "/notes", 403, "cross_site"),
        ("localhost", "/auth/logout", 401, "missing_token"),
        ("127.0.0.1", "/auth/logout", 403, "cross_site"),
        ("localhost", "/auth/signout", 403, "did not come from a page of this site"),
        ("127.0.0.1", "/auth/signout", 403, "did not come from a page of this site"),
        ("localhost", "/auth/signin", 403, "did not come from a page of this site"),
        ("127.0.0.1", "/auth/signin", 403, "did not come from a page of this site"),
    ]:
        chrome.go(f"http://{host}:{site.port}{path}")
        chrome.find("#go").click()
        chrome.until("the gateway has answered", lambda: chrome.driver.current_url == f"{gateway.url}{path}")
        assert chrome.status() == status, (host, path)
        assert word in chrome.find("body").text, (host, path, chrome.find("body").text)
    chrome.picture("signin-8-another-site")
    assert application.notes() == 0

    # Nor does a page of theirs read what the cookie would show, or open a frame on the form.
    chrome.go(f"http://127.0.0.1:{site.port}/")
    assert "blocked" in chrome.fetch(f"{gateway.url}/me", credentials="include")
    chrome.run(
        "const frame = document.createElement('iframe'); frame.src = arguments[0]; document.body.append(frame)",
        f"{gateway.url}/auth/signin",
    )
    chrome.until("the frame is refused", lambda: any("frame-ancestors" in line for line in chrome.violations()))
    # A link from anywhere leads in: that is what `Lax` is for.
    chrome.run("location.href = arguments[0]", f"{gateway.url}/board")
    assert chrome.find("#who").text == EMAIL


def test_a_websocket_opens_by_the_cookie_for_our_own_page_alone(
    folder: Path, live: int, chrome: Chrome, start: Callable[[Any], Any]
) -> None:
    more = '[[route]]\npath = "/live"\nwebsocket = true\n' + PAGE
    gateway = start(Gateway(folder / "gateway", live, more=more)).start()
    assert Person(gateway, EMAIL).sign_up().status_code == 200
    site = start(Site(gateway.url))
    open_one = """
        const [url, done] = arguments;
        const socket = new WebSocket(url);
        socket.onmessage = message => done(message.data);
        socket.onerror = () => done("refused");
    """
    address = f"{gateway.url.replace('http', 'ws')}/live"
    chrome.go(f"{gateway.url}/board")
    sign_in(chrome)
    chrome.until("signed in", lambda: chrome.place == "/board")
    chrome.token()
    assert chrome.driver.execute_async_script(open_one, address) == EMAIL
    # The same browser, with the same cookie: another port is the same site.
    chrome.go(f"http://127.0.0.1:{site.port}/")
    assert chrome.driver.execute_async_script(open_one, address) == "refused"

    def refused() -> list[str]:
        lines = [line for line in gateway.access_log() if line["path"] == "/live"]
        return [line["reason"] for line in lines if line["decision"] == "deny"]

    assert eventually("the refusal is logged", refused) == ["cross_site"]


def test_where_the_page_leads_is_here_to_the_browser_too(
    folder: Path, application: Application, chrome: Chrome, start: Callable[[Any], Any]
) -> None:
    """The gateway's reading of an address against the browser's own, over pieces that attackers make addresses of."""
    gateway = gateway_with(PAGE, folder, application, start)
    pieces = ("/", "\\", "\t", "\n", "\r", "\0", " ", ".", "..", "%2f", "%5c", "%09", "@", ":", ";", "?", "#", "é")
    pieces += ("x", "y", "a=b", "x/y", "evil.test", "https:", "http://", "javascript:", "//evil.test", "%2e%2e")
    chosen = random.Random(20261122)
    tried = {"".join(chosen.choices(pieces, k=chosen.randint(1, 5))) for _ in range(500)}
    tried |= {"/" + "".join(chosen.choices(pieces, k=chosen.randint(0, 4))) for _ in range(700)}
    taken = []
    with httpx.Client(base_url=gateway.url) as client:
        for address in sorted(tried):
            page = client.get("/auth/signin", params={"next": address}).text
            next_place = re.search('name="next" value="([^"]*)"', page)
            assert next_place, page
            if (leads := unescape(next_place[1])) != "/board":
                assert leads == address
                taken.append(address)
    assert len(taken) > 60, "some are taken, or nothing is compared"
    chrome.go(f"{gateway.url}/auth/signin")
    script = "return arguments[0].map(text => { const url = new URL(text, location); return [url.origin, url.pathname + url.search]; })"
    for address, (origin, target) in zip(taken, chrome.run(script, taken), strict=True):
        assert (origin, target.removesuffix("?")) == (gateway.url, address.removesuffix("?")), ascii(address)

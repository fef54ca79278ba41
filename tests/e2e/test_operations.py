"""What an operator relies on: draining, metrics, the access log, and failures that say which and why."""

import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from wire import HeldUpstream
from world import PASSWORD, Gateway, Person, Process, binary, eventually, free_port


def test_sigterm_lets_a_request_in_flight_finish(folder: Path, start: Callable[[Any], Any]) -> None:
    upstream = start(HeldUpstream())
    gateway = start(Gateway(folder / "gateway", upstream.port)).start()
    token = gateway.command("token", "mint", "--sub", "car:42", "--lifetime", "5m").strip()
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(httpx.get(f"{gateway.url}/slow", headers={"Authorization": f"Bearer {token}"}, timeout=60))

    asking = threading.Thread(target=ask)
    asking.start()
    assert upstream.arrived.wait(60), "the request is with the upstream"
    ending: list[int] = []
    stopping = threading.Thread(target=lambda: ending.append(gateway.stop()))
    stopping.start()

    def refuses_new_ones() -> bool:
        try:
            socket.create_connection(("127.0.0.1", gateway.public), timeout=5).close()
        except ConnectionRefusedError:
            return True
        return False

    eventually("new connections are not taken", refuses_new_ones)
    assert not ending, "it waits for the request in flight"
    upstream.release.set()
    asking.join(60)
    stopping.join(60)
    assert answers and (answers[0].status_code, answers[0].content) == (200, upstream.body)
    assert ending == [0]


def test_an_idle_gateway_ends_at_once(gateway: Gateway) -> None:
    assert gateway.stop() == 0


def test_metrics_are_what_prometheus_takes(gateway: Gateway, alice: Person) -> None:
    alice.ask("GET", "/event/")
    httpx.get(f"{gateway.url}/event/")
    alice.sign_out()
    text = httpx.get(f"{gateway.admin_url}/metrics").text
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for name in (
        "gatepass_access_log_dropped_total",
        "gatepass_requests_total",
        "gatepass_request_duration_seconds",
        "gatepass_requests_in_flight",
        "gatepass_decisions_total",
        "gatepass_auth_duration_seconds",
        "gatepass_logins_total",
        "gatepass_password_hash_seconds",
        "gatepass_password_queue",
        "gatepass_tokens_issued_total",
        "gatepass_revocations_total",
        "gatepass_revocation_entries",
        "gatepass_revocation_staleness_seconds",
        "gatepass_store_up",
        "gatepass_upstream_up",
        "gatepass_upstream_duration_seconds",
        "gatepass_build_info",
    ):
        assert f"# TYPE {name} " in text, name
    assert 'reason="missing_token"' in text and 'reason="authenticated"' in text
    assert alice.email not in text and "/event/1" not in text, "labels are routes, not paths or people"


def test_the_access_log_tells_all_but_secrets(gateway: Gateway, alice: Person) -> None:
    wrong = "a password typed wrong"
    assert Person(gateway, alice.email, wrong).sign_in().status_code == 400
    answer = alice.ask("GET", "/event/?token=in-a-query")
    refused = httpx.get(f"{gateway.url}/event/77", headers={"Authorization": "Bearer not.a.token"})
    request_id = refused.json()["request_id"]
    assert answer.status_code == 200 and refused.status_code == 401

    def logged() -> list[dict]:
        return [line for line in gateway.access_log() if request_id in line.values()]

    (line,) = eventually("the refusal is in the log", logged)
    assert line["method"] == "GET" and line["path"] == "/event/77"
    assert line["status"] == 401 and line["reason"] == "malformed_token"
    good = [line for line in gateway.access_log() if line["reason"] == "authenticated"]
    assert [line["path"] for line in good] == ["/event/"], "the path goes without its query"
    assert good[0]["subject"]

    assert gateway.process is not None
    said = gateway.process.stdout_path.read_text() + gateway.process.stderr_path.read_text()
    signature = alice.token.rsplit(".", 1)[1]
    for secret in (PASSWORD, wrong, alice.token, signature, gateway.secret.decode(), "in-a-query"):
        assert secret not in said


def test_an_upstream_that_is_not_there_is_502_with_the_request_id(folder: Path, start: Callable[[Any], Any]) -> None:
    gateway = start(Gateway(folder / "gateway", free_port())).start()
    answer = httpx.get(f"{gateway.url}/openapi.json")
    assert answer.status_code in (502, 503)
    assert "upstream_unavailable" in answer.json()["error_description"]
    assert answer.json()["request_id"]


def test_the_banner_names_listeners_and_public_routes(gateway: Gateway) -> None:
    assert gateway.process is not None
    banner = gateway.process.stderr_path
    # It is printed last, when requests are answered already.
    eventually("the banner is there", lambda: "open to all" in banner.read_text())
    for words in (str(gateway.public), str(gateway.admin), "/docs/**", "/openapi.json", "gatepass.db"):
        eventually(words, lambda: words in banner.read_text())


def test_init_ended_half_way_leaves_nothing(folder: Path, start: Callable[[Any], Any]) -> None:
    here = folder / "new"
    here.mkdir()
    init = start(Process("init", [binary(), "init"], folder=here))
    eventually("it writes", lambda: (here / "gatepass.secret").exists())
    code = init.end(signal.SIGINT)
    made = {path.name for path in here.iterdir()} - {"init.stdout", "init.stderr"}
    said = init.stderr_path.read_text()
    # A slow machine may be told too late: then all of it is there.
    assert (code, made) in ((1, set()), (0, {"gateway.toml", "gatepass.secret", "gatepass.db"})), said
    assert code == 0 or "nothing was kept" in said

"""The security tutorial with its own authentication, and behind Gatepass: requests and sign-ins per second, CPU of each.

Application and gateway share core 0, wrk has core 1: what the gateway costs is taken from the application. One uvicorn
worker, one thread of Gatepass. Each round measures every way once; the medians of the rounds are told. Both sides read the
same table of users and check the same argon2id hashes.
"""

import argparse
import contextlib
import json
import os
import re
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from programs import free_ports, running, wait_for
from recorder import cpu_seconds, family, rss_mib
from tables import Meanwhile, Requests, SignIns, results

EXAMPLE = Path(__file__).resolve().parents[2] / "tests" / "e2e" / "examples" / "tutorial"
PASSWORD = "secret of johndoe"
USERS, CONNECTIONS, SIGNING_IN, WARM_UP = 32, 64, 8, 2
MICROS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}
FORM = "application/x-www-form-urlencoded"
FLAGS = ["--no-access-log", "--proxy-headers", "--forwarded-allow-ips", "127.0.0.1"]


@dataclass
class Way:
    """One way to the application, and the processes that work on it."""

    name: str
    port: int
    app: int
    gateway: int | None
    credentials: list[str]

    def cpu(self) -> tuple[float, float]:
        """Seconds of the application and of the gateway so far."""
        return cpu_seconds(family(self.app)), cpu_seconds(family(self.gateway)) if self.gateway else 0.0


def user(number: int) -> str:
    return f"user{number}"


def seed(path: Path) -> None:
    """The example's own table, with more users; they share a hash, which spares the time to make them."""
    subprocess.run([sys.executable, EXAMPLE / "seed.py", path], check=True)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        copy = "INSERT INTO users (username, full_name, email, hashed_password) SELECT ?, full_name, email, hashed_password"
        for number in range(USERS):
            connection.execute(f"{copy} FROM users WHERE username = 'johndoe'", (user(number),))


def form(number: int) -> str:
    return urllib.parse.urlencode({"username": user(number), "password": PASSWORD, "scope": "me items"})


def sign_in(port: int, number: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/token", form(number).encode()) as answer:
        return f"Authorization: Bearer {json.load(answer)['access_token']}"


def script(folder: Path, name: str, requests: list[tuple[str, str, list[str], str]]) -> Path:
    """A script for wrk that sends these (method, path, headers, body) in turn."""
    made = []
    for method, path, headers, body in requests:
        table = ", ".join(f'["{line.partition(": ")[0]}"] = "{line.partition(": ")[2]}"' for line in headers)
        made.append(f'  requests[#requests + 1] = wrk.format("{method}", "{path}", {{ {table} }}, "{body}")')
    text = "local requests, turn = {}, 0\ninit = function()\n" + "\n".join(made)
    text += "\nend\nrequest = function() turn = turn % #requests + 1; return requests[turn] end\n"
    file = folder / f"{name}.lua"
    file.write_text(text)
    return file


def load(way: Way, file: Path, connections: int, seconds: int) -> Callable[[], tuple[int, float, float, float]]:
    """Starts wrk; what is returned waits for it: how many answers, how many a second, p50 and p99 in microseconds."""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "60s"]
    child = subprocess.Popen([*command, "-s", file, f"http://127.0.0.1:{way.port}"], stdout=subprocess.PIPE, text=True)

    def told() -> tuple[int, float, float, float]:
        out = child.communicate()[0]
        if child.returncode or re.search(r"Non-2xx or 3xx responses|Socket errors", out):
            sys.exit(f"{way.name} did not answer everything:\n{out}")
        p50, p99 = (re.search(rf"{percent}%\s+([\d.]+)(us|ms|s|m)\b", out).groups() for percent in (50, 99))
        count = int(re.search(r"(\d+) requests in", out)[1])
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
        return count, rate, float(p50[0]) * MICROS[p50[1]], float(p99[0]) * MICROS[p99[1]]

    return told


def each(way: Way, before: tuple[float, float], count: int) -> list[float]:
    """Seconds of application and gateway since `before`, by the answers there were."""
    if not count:
        sys.exit(f"{way.name} answered nothing in time: more seconds, or a quieter machine")
    return [(now - then) / count for now, then in zip(way.cpu(), before)]


def measure_requests(way: Way, file: Path, seconds: int) -> Requests:
    before = way.cpu()
    count, rate, p50, p99 = load(way, file, CONNECTIONS, seconds)()
    app, gateway = (spent * 1e6 for spent in each(way, before, count))
    pids = [pid for first in (way.app, way.gateway) if first for pid in family(first)]
    return Requests(rate, app, gateway, p50, p99, rss_mib(pids))


def measure_sign_ins(way: Way, sign_ins: Path, page: Path, seconds: int) -> tuple[SignIns, Meanwhile]:
    """Some sign in, again and again; then they do so while one other, with a token, asks for a page."""
    before = way.cpu()
    count, rate, p50, p99 = load(way, sign_ins, SIGNING_IN, seconds)()
    app, gateway = (spent * 1e3 for spent in each(way, before, count))
    many, one = load(way, sign_ins, SIGNING_IN, seconds), load(way, page, 1, seconds)
    (_, meanwhile, _, _), (_, *other) = many(), one()
    return SignIns(rate, app, gateway, p50 / 1e3, p99 / 1e3), Meanwhile(meanwhile, *other)


def start(stack: contextlib.ExitStack, folder: Path, gatepass: str) -> list[Way]:
    """Before, after behind the gateway, and after alone; each answers, and the first two refuse strangers."""
    ports = free_ports(["BEFORE", "AFTER", "GATEPASS", "ADMIN"])
    database, key = folder / "app.db", secrets.token_hex(32)
    seed(database)
    os.environ |= {"DATABASE": str(database), "SECRET_KEY": key}

    def launch(name: str, command: list[str]) -> int:
        child = stack.enter_context(running(0, command, folder))
        wait_for(child, ports[name])
        return child.pid

    def app(name: str, which: str) -> int:
        command = [sys.executable, "-m", "uvicorn", "main:app", "--app-dir", str(EXAMPLE / which), *FLAGS]
        return launch(name, [*command, "--port", str(ports[name])])

    text = (EXAMPLE / "gateway.toml").read_text()
    for shipped, name in {":8080": "GATEPASS", ":9090": "ADMIN", ":8000": "AFTER"}.items():
        text = text.replace(shipped, f":{ports[name]}")
    (folder / "gateway.toml").write_text(text)
    (folder / "gatepass.secret").touch(mode=0o600)
    (folder / "gatepass.secret").write_text(key)
    before, after = app("BEFORE", "before"), app("AFTER", "after")
    gateway = launch("GATEPASS", [gatepass, "run", "--config", "gateway.toml"])

    tokens = {name: [sign_in(ports[name], number) for number in range(USERS)] for name in ("BEFORE", "GATEPASS")}
    names = [f"X-Auth-User: {user(number)}" for number in range(USERS)]
    return [
        Way("FastAPI, own authentication", ports["BEFORE"], before, None, tokens["BEFORE"]),
        Way("FastAPI behind Gatepass", ports["GATEPASS"], after, gateway, tokens["GATEPASS"]),
        Way("(the same, without Gatepass)", ports["AFTER"], after, None, names),
    ]


def look(way: Way) -> None:
    """Makes sure that it does its work."""
    for path in ("/users/me/", "/status/"):
        name, _, value = way.credentials[3].partition(": ")
        for headers, expected in (({name: value}, 200), ({}, None if name == "X-Auth-User" else 401)):
            request = urllib.request.Request(f"http://127.0.0.1:{way.port}{path}", headers=headers)
            try:
                status, body = 200, urllib.request.urlopen(request).read()
            except urllib.error.HTTPError as error:
                status, body = error.code, b""
            assert expected in (status, None), f"{way.name} answers {status} at {path}"
            assert path != "/users/me/" or status != 200 or user(3).encode() in body, f"{way.name}: {body}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--gatepass", required=True)
    parser.add_argument("--results", type=Path, required=True)
    args = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        sys.exit("needs two cores: application and gateway on one, the load on the other")
    requests: dict[tuple[str, str], list[Requests]] = {}
    sign_ins: dict[str, list[tuple[SignIns, Meanwhile]]] = {}
    with tempfile.TemporaryDirectory(prefix="fastapi-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        ways = start(stack, folder, args.gatepass)
        pages = {}
        for number, way in enumerate(ways):
            look(way)
            for path in ("/users/me/", "/status/"):
                asked = [("GET", path, [credential], "") for credential in way.credentials]
                pages[way.name, path] = script(folder, f"{number}{path.replace('/', '-')}", asked)
                load(way, pages[way.name, path], CONNECTIONS, WARM_UP)()
        forms = [("POST", "/token", [f"Content-Type: {FORM}"], form(number)) for number in range(USERS)]
        at_token = script(folder, "token", forms)
        for turn in range(args.rounds):
            print(f"round {turn + 1} of {args.rounds}", file=sys.stderr)
            for way in ways:
                for path in ("/users/me/", "/status/"):
                    sample = measure_requests(way, pages[way.name, path], args.seconds)
                    requests.setdefault((way.name, path), []).append(sample)
            for way in ways[:2]:
                sample = measure_sign_ins(way, at_token, pages[way.name, "/users/me/"], args.seconds)
                sign_ins.setdefault(way.name, []).append(sample)
    text = results(args.seconds, args.rounds, args.gatepass, (CONNECTIONS, SIGNING_IN), requests, sign_ins)
    print(text)
    args.results.write_text(text)


if __name__ == "__main__":
    main()

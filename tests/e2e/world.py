"""The world of one test: the real gateway binary, a real FastAPI backend, a real Redis; own ports, own temporary folder.

Nothing here sleeps for a guessed time: `eventually` polls a condition until a deadline of tens of seconds. Every
process is stopped by its own id.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

import kept

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
DEADLINE = 60.0
PASSWORD = "correct horse battery staple"

CONFIG = """\
[listen]
public  = ["127.0.0.1:{public}"]
admin   = "127.0.0.1:{admin}"
control = "unix:gatepass.control"

[upstreams.planner]
servers = ["127.0.0.1:{upstream}"]

[routing]
default = "authenticated"

[tokens]
issuer   = "http://localhost:8080"
audience = "planner"
lifetime = "30m"
secret   = {{ file = "gatepass.secret" }}

[users]
store = "sqlite:{users}"

[revocation]
{revocation}

[identity]
headers = {{ "X-Auth-User" = "preferred_username", "X-Auth-Subject" = "sub", "X-Auth-Scopes" = "scope" }}

[endpoints]
token         = ["/token", "/user/signin"]
signup        = "/user/signup"
signup_scopes = ["event:read", "event:write"]

[[route]]
path   = "/docs/**"
access = "public"

[[route]]
path   = "/openapi.json"
access = "public"

[[route]]
path    = "/event/**"
methods = ["POST", "PUT", "DELETE"]
scopes  = ["event:write"]

[[route]]
path    = "/event/**"
methods = ["GET", "HEAD"]
"""


def eventually(what: str, condition: Callable[[], object], deadline: float = DEADLINE) -> Any:
    """The first true answer of `condition`, asked until the deadline; connection errors count as "not yet"."""
    end = time.monotonic() + deadline
    problem: object = None
    while time.monotonic() < end:
        try:
            if answer := condition():
                return answer
            problem = None
        except (httpx.TransportError, OSError) as error:
            problem = error
        time.sleep(0.02)
    raise AssertionError(f"not within {deadline:.0f} s: {what}" + (f" (last: {problem!r})" if problem else ""))


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A child process with its outputs in files, stopped by its id."""

    def __init__(self, name: str, command: list[str], folder: Path, env: dict[str, str] | None = None) -> None:
        self.stdout_path, self.stderr_path = folder / f"{name}.stdout", folder / f"{name}.stderr"
        with self.stdout_path.open("ab") as out, self.stderr_path.open("ab") as err:
            self.child = subprocess.Popen(
                command, cwd=folder, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
        self.name = name

    def alive(self) -> bool:
        """Whether it runs; if it has ended, the test fails with what it said."""
        if self.child.poll() is not None:
            said = self.stderr_path.read_text(errors="replace")[-4000:]
            raise AssertionError(f"{self.name} ended with code {self.child.returncode}:\n{said}")
        return True

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal, waits for the end, tells the exit code."""
        if self.child.poll() is None:
            self.child.send_signal(how)
        return self.child.wait(DEADLINE)

    def close(self) -> None:
        """Makes sure that it is gone."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(DEADLINE)
        # The demo's tour shows its password to whoever began it.
        out = self.stdout_path.read_bytes()
        if self.name in ("gatepass", "init", "demo"):
            kept.heard("stdout", out.partition(b"Ctrl-C ends it.")[2] if self.name == "demo" else out)
            kept.heard("stderr", self.stderr_path.read_bytes())


class Planner(Process):
    """The FastAPI event planner under uvicorn, told to believe the gateway's X-Forwarded-* headers."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        flags = ["--proxy-headers", "--forwarded-allow-ips", "127.0.0.1", "--log-level", "warning"]
        command = [sys.executable, "-m", "uvicorn", "planner.main:app", "--app-dir", str(HERE)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), *flags]
        super().__init__("planner", command, folder, {"PLANNER_DATABASE": str(folder / "events.db")})
        url = f"http://127.0.0.1:{self.port}/openapi.json"
        eventually("the planner answers", lambda: self.alive() and httpx.get(url).is_success)


class Redis(Process):
    """A Redis of one's own, without persistence."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        super().__init__("redis", command, folder)
        eventually("Redis answers", lambda: self.alive() and self._ping())

    def _ping(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")


class Gateway:
    """The real binary with its own file, secret and ports; `start` and `stop` as often as one likes."""

    def __init__(
        self,
        folder: Path,
        upstream: int,
        revocation: str = 'store = "sqlite:gatepass.db"',
        origins: tuple[str, ...] = (),
        secret: bytes | None = None,
        more: str = "",
        users: str = "gatepass.db",
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.public, self.admin = free_port(), free_port()
        self.url, self.admin_url = f"http://127.0.0.1:{self.public}", f"http://127.0.0.1:{self.admin}"
        self.secret = secret or secrets.token_bytes(32).hex().encode()
        kept.secret("key", self.secret.decode())
        secret_file = folder / "gatepass.secret"
        secret_file.touch(mode=0o600)
        secret_file.write_bytes(self.secret)
        text = CONFIG.format(
            public=self.public,
            admin=self.admin,
            upstream=upstream,
            revocation=revocation,
            users=users,
        )
        if origins:
            text += f"\n[cors]\norigins = {json.dumps(origins)}\n"
        (folder / "gateway.toml").write_text(f"{text}\n{more}")
        self.process: Process | None = None

    def start(self) -> "Gateway":
        """Runs it, and waits until it says that it is ready."""
        process = Process("gatepass", [binary(), "run", "--config", "gateway.toml"], self.folder)
        self.process = process
        ready = f"{self.admin_url}/readyz"
        eventually("the gateway is ready", lambda: process.alive() and httpx.get(ready).is_success)
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends it, tells the exit code."""
        assert self.process is not None
        return self.process.end(how)

    def close(self) -> None:
        if self.process is not None:
            self.process.close()

    def command(self, *arguments: str, stdin: str = "") -> str:
        """What `gatepass ARGUMENTS…` prints in the gateway's folder; it must succeed."""
        done = subprocess.run(
            [binary(), *arguments], cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=DEADLINE
        )
        # What is read from stdin is secret: that is what it is for.
        kept.secret("password" if "--password-stdin" in arguments else "token", stdin.strip())
        kept.printed(arguments, done.stdout, done.stderr)
        assert done.returncode == 0, f"gatepass {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def access_log(self) -> list[dict]:
        """The access log so far, parsed; a line that is not a JSON object fails the test."""
        assert self.process is not None
        lines = self.process.stdout_path.read_text().splitlines()
        return [json.loads(line) for line in lines]


class Person:
    """Somebody with a name, a password and, once signed in, a token."""

    def __init__(self, gateway: Gateway, email: str = "alice@example.org", password: str = PASSWORD) -> None:
        self.gateway, self.email, self.password, self.token = gateway, email, password, ""

    def sign_up(self) -> httpx.Response:
        body = {"email": self.email, "password": self.password}
        return httpx.post(f"{self.gateway.url}/user/signup", json=body, timeout=DEADLINE)

    def sign_in(self, path: str = "/token") -> httpx.Response:
        form = {"username": self.email, "password": self.password}
        answer = httpx.post(f"{self.gateway.url}{path}", data=form, timeout=DEADLINE)
        if answer.is_success:
            self.token = answer.json()["access_token"]
        return answer

    def ask(self, method: str, path: str, gateway: Gateway | None = None, **more: object) -> httpx.Response:
        """A request with the token, at the own gateway or another."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{(gateway or self.gateway).url}{path}"
        return httpx.request(method, url, headers=headers, timeout=DEADLINE, **more)

    def sign_out(self) -> httpx.Response:
        return self.ask("POST", "/auth/logout")


def binary() -> str:
    """The gateway's binary, from GATEPASS_BIN."""
    path = os.environ.get("GATEPASS_BIN")
    assert path and os.access(path, os.X_OK), "GATEPASS_BIN must name the built binary; tests/run sets it"
    return path


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A short path, so that a Unix socket fits into it (108 bytes)."""
    with tempfile.TemporaryDirectory(prefix="gp-") as name:
        yield Path(name)

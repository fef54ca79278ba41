"""The world in which instructions are counted: a small upstream, and the real gateway under callgrind.

Gateway and client speak over loopback, one request at a time on one kept connection; the gateway has one core, and so
one worker thread.
"""

import contextlib
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import ssl
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
SMALL = b'{"id":1,"title":"FastAPI Book Launch","location":"Google Meet"}'
LARGE = b"x" * (100 * 1024)
DEADLINE = 120.0
CERTIFICATE = """openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost
    -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"""


def receive(peer: socket.socket, held: bytes) -> tuple[bytes, bytes, bytes]:
    """One message: its head, its body, what came behind it. An empty head is the end."""
    while b"\r\n\r\n" not in held:
        more = peer.recv(1 << 18)
        if not more:
            return b"", b"", b""
        held += more
    head, _, rest = held.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    wanted = int(length[1]) if length else 0
    parts, have = [rest], len(rest)
    while have < wanted:
        more = peer.recv(1 << 18)
        if not more:
            return b"", b"", b""
        parts.append(more)
        have += len(more)
    rest = b"".join(parts)
    return head, rest[:wanted], rest[wanted:]


class Rest:
    """Whether the gateway sleeps. Only then is it given more to read: whether an answer is there before the gateway looks
    for it would be a race, and cost a different number of instructions."""

    def __init__(self) -> None:
        self.process: int | None = None

    def wait(self) -> None:
        """Until all threads slept at two looks: between two threads valgrind may be seen with none running."""
        seen, end = 0, time.monotonic() + DEADLINE
        while self.process and seen < 2:
            if time.monotonic() > end:
                sys.exit("error: the gateway does not come to rest")
            seen = seen + 1 if all(state == "S" for state in self._states()) else 0
            if not seen:
                time.sleep(0.0002)

    def _states(self) -> Iterator[str]:
        for thread in Path(f"/proc/{self.process}/task").iterdir():
            # A thread may end while we look.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                yield (thread / "stat").read_text().rsplit(")", 1)[1].split()[0]


class Upstream:
    """Answers every request with a small JSON; /event/large with 100 KiB."""

    def __init__(self, rest: Rest) -> None:
        self.rest = rest
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        held = b""
        with peer, contextlib.suppress(OSError):
            while True:
                head, _, held = receive(peer, held)
                if not head:
                    return
                body = LARGE if b" /event/large " in head.split(b"\r\n", 1)[0] else SMALL
                said = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                self.rest.wait()
                peer.sendall(said + body)


class Client:
    """One kept connection."""

    def __init__(self, port: int, rest: Rest) -> None:
        self.rest = rest
        self.peer = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, int]:
        """Status and length of the answer."""
        self.rest.wait()
        self.peer.sendall(request)
        head, body, behind = receive(self.peer, b"")
        if not head or behind:
            sys.exit(f"error: the gateway broke off, or said too much, after {request.splitlines()[0].decode()}")
        return int(head[9:12]), len(body)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class House:
    """The folder of one gateway: its settings, its secret, its store with one user."""

    def __init__(self, binary: Path, folder: Path, upstream: int, routes: int, tls: bool) -> None:
        self.binary, self.folder, self.port, self.tls = binary, folder, free_port(), tls
        folder.mkdir()
        values = {"PUBLIC": self.port, "ADMIN": free_port(), "UPSTREAM": upstream}
        text = re.sub(r"@([A-Z]+)@", lambda found: str(values[found[1]]), (HERE / "gateway.toml").read_text())
        for number in range(routes - text.count("[[route]]")):
            text += f'\n[[route]]\npath = "/service{number}/{{id}}/items/**"\nmethods = ["GET"]\nscopes = ["event:read"]\n'
        if tls:
            text += '\n[listen.tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n'
            subprocess.run(CERTIFICATE.split(), cwd=folder, check=True, capture_output=True)
        (folder / "gateway.toml").write_text(text)
        (folder / "gatepass.secret").touch(mode=0o600)
        (folder / "gatepass.secret").write_text(secrets.token_hex(32))

    @contextlib.contextmanager
    def running(self, *before: str) -> Iterator[subprocess.Popen]:
        """The gateway, with `before` in front of its command line, on one core."""
        core = str(min(os.sched_getaffinity(0)))
        command = ["taskset", "-c", core, *before, str(self.binary), "run", "--config", "gateway.toml"]
        errors = self.folder / "stderr"
        with errors.open("ab") as said:
            child = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
            )
        try:
            end = time.monotonic() + DEADLINE
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                    break
                if child.poll() is not None or time.monotonic() > end:
                    sys.exit(f"error: the gateway does not listen; it said:\n{errors.read_text(errors='replace')}")
                time.sleep(0.05)
            yield child
        finally:
            child.terminate()
            try:
                child.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def people(self) -> tuple[str, str]:
        """A token that is good, and one whose user has signed out with it; made without callgrind."""
        url, kind = f"{'https' if self.tls else 'http'}://localhost:{self.port}", {"Content-Type": "application/json"}
        trusted = ssl.create_default_context(cafile=self.folder / "cert.pem") if self.tls else None
        email, password = "ada@example.org", secrets.token_urlsafe(16)
        form = urllib.parse.urlencode({"username": email, "password": password}).encode()

        def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
            request = urllib.request.Request(url + path, body, headers)
            with urllib.request.urlopen(request, timeout=DEADLINE, context=trusted) as answer:
                return answer.read()

        with self.running():
            post("/user/signup", json.dumps({"email": email, "password": password}).encode(), kind)
            good, gone = (json.loads(post("/token", form, {}))["access_token"] for _ in range(2))
            post("/auth/logout", b"", {"Authorization": f"Bearer {gone}"})
        return good, gone

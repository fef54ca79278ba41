"""A client that sends exactly the bytes it is told, and notes how it was answered."""

import contextlib
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

# No product takes longer to answer what it means to answer; what it does not, costs this much.
PATIENCE = 10.0
# Sent behind a case on a connection that is still open: when it is answered, all before it has been dealt with.
FENCE = b"GET /healthz?fence HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n"


@dataclass
class Heard:
    """The answer to the first request, and what became of the connection."""

    status: int | None
    head: str
    ended: bool

    @property
    def outcome(self) -> str:
        if self.status is not None:
            return str(self.status)
        return "closed" if self.ended else "no answer"


def head_of(data: bytes, method: str) -> tuple[str, int] | None:
    """The first final answer's head and where its body ends, once it is whole."""
    at = 0
    while True:
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            return None
        head = data[at : end + 4].decode("latin-1")
        found = re.match(r"HTTP/1\.[01] (\d{3})", head)
        status = int(found[1]) if found else 0
        at = end + 4
        if not 100 <= status < 200 or status == 101:
            break
    if method == "HEAD" or status in (101, 204, 304):
        return head, at
    if re.search(r"(?im)^transfer-encoding: *chunked", head):
        done = data.find(b"0\r\n\r\n", at)
        return None if done < 0 else (head, done + 5)
    length = re.search(r"(?im)^content-length: *(\d+)", head)
    if length is None:
        return None
    return (head, at + int(length[1])) if len(data) >= at + int(length[1]) else None


def receive(stream: socket.socket, data: bytes, method: str, seconds: float, to_the_end: bool) -> tuple[bytes, bool]:
    """Reads until the first answer is whole, or to the end; returns all bytes and whether the connection ended."""
    deadline = time.monotonic() + seconds
    while to_the_end or head_of(data, method) is None:
        stream.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            more = stream.recv(65536)
        except TimeoutError:
            return data, False
        except OSError:
            return data, True
        if not more:
            return data, True
        data += more
    return data, False


def converse(port: int, raw: bytes) -> Heard:
    """Sends one case and waits until it has been dealt with."""
    method = raw.split(b" ", 1)[0].decode("latin-1")
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as stream:
        data, ended = send_and_receive(stream, raw, b"", method, to_the_end=False)
        first = head_of(data, method)
        if not ended and first is not None and re.search(r"(?im)^connection: *close", first[0]):
            # It reads no further. Envoy closes at once only when the client is seen to have stopped, too.
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_WR)
            data, ended = receive(stream, data, method, PATIENCE / 2, to_the_end=True)
        elif not ended and first is not None:
            data, ended = send_and_receive(stream, FENCE, data, method, to_the_end=True)
    found = re.search(rb"(?:\A|\r\n\r\n)(HTTP/1\.[01] (?!1(?!01))(\d{3})[^\n]*\r\n(?:[^\n]+\r\n)*\r\n)", data)
    if found is None:
        return Heard(None, "", ended)
    return Heard(int(found[2]), found[1].decode("latin-1"), ended)


def send_and_receive(
    stream: socket.socket, raw: bytes, data: bytes, method: str, to_the_end: bool
) -> tuple[bytes, bool]:
    stream.settimeout(PATIENCE)
    try:
        stream.sendall(raw)
    except OSError:
        pass  # Refused before it was all sent: the answer may still be there.
    return receive(stream, data, method, PATIENCE / 2 if to_the_end else PATIENCE, to_the_end)


def trickle(port: int, start: bytes, before: bytes, stop: Callable[[], bool], seconds: float = 20.0) -> float | None:
    """How long a connection lives whose head arrives a line a second; `None` if longer than `seconds`."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as stream:
        if before:
            send_and_receive(stream, before, b"", "GET", to_the_end=False)
        began = time.monotonic()
        piece = start
        while time.monotonic() - began < seconds and not stop():
            try:
                stream.sendall(piece)
                stream.settimeout(1.0)
                if not stream.recv(4096):
                    return time.monotonic() - began
            except TimeoutError:
                piece = b"X-Slow: 1\r\n"
            except OSError:
                return time.monotonic() - began
    return None

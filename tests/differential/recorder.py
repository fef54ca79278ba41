"""The upstream: one loop that listens on a port for each product, keeps the exact bytes of every request, answers 200.

No HTTP library, so that nothing is tidied up: a request is what RFC 9112 says of the bytes, and whatever else they may
be read as is left to the judges.
"""

import re
import selectors
import socket
import threading
from dataclasses import dataclass, field

SETTLE = b"GET /settle HTTP/1.1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n"
BODY = b'{"ok":true}'


@dataclass
class Request:
    """One request as it came."""

    head: bytes
    body: bytes = b""

    @property
    def line(self) -> str:
        return self.head.split(b"\n", 1)[0].decode("latin-1").rstrip("\r")

    @property
    def target(self) -> str:
        parts = self.line.split(" ")
        return " ".join(parts[1:-1]) if len(parts) > 2 else self.line

    @property
    def fields(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def values(self, name: str) -> list[str]:
        """All values of a header, by its name without regard to case."""
        return [value for found, value in self.fields if found.lower() == name.lower()]

    def folded(self, name: str) -> list[str]:
        """All values of every header that a CGI-style backend takes for `name`."""
        return [value for found, value in self.fields if fold(found) == fold(name)]


def fold(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", name.lower())


def body_end(head: Request, rest: bytes) -> int | None:
    """Where the body that begins `rest` ends; `None` while it is not whole."""
    if head.values("transfer-encoding"):
        at = 0
        while True:
            size_end = rest.find(b"\r\n", at)
            if size_end < 0:
                return None
            size = int(re.match(rb"\s*([0-9a-fA-F]*)", rest[at:size_end])[1] or b"0", 16)
            if size == 0:
                trailer_end = rest.find(b"\r\n\r\n", size_end)
                return None if trailer_end < 0 else trailer_end + 4
            at = size_end + 2 + size + 2
    lengths = head.values("content-length")
    length = int(lengths[0]) if lengths and lengths[0].isdecimal() else 0
    return length if len(rest) >= length else None


@dataclass
class Peer:
    """One connection."""

    stream: socket.socket
    product: str
    buffer: bytes = b""
    told_to_go_on: bool = False


@dataclass
class Recorder:
    """All ports, and what was seen on each."""

    ports: dict[str, int] = field(default_factory=dict)
    seen: dict[str, list[Request]] = field(default_factory=dict)

    def start(self, products: list[str]) -> None:
        self.selector = selectors.DefaultSelector()
        for product in products:
            listener = socket.create_server(("127.0.0.1", 0), backlog=256)
            listener.setblocking(False)
            self.ports[product] = listener.getsockname()[1]
            self.seen[product] = []
            self.selector.register(listener, selectors.EVENT_READ, product)
        threading.Thread(target=self._run, daemon=True).start()

    def settle(self, product: str) -> None:
        """Returns when everything that had arrived before the call is in `seen`."""
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", self.ports[product]), 30) as stream:
                stream.sendall(SETTLE)
                stream.recv(1)

    def _run(self) -> None:
        waiting: list[socket.socket] = []
        while True:
            events = self.selector.select(0 if waiting else None)
            if not events:
                for stream in waiting:
                    stream.send(b"!")
                    stream.close()
                waiting = []
            for key, _ in events:
                if isinstance(key.data, str):
                    self._accept(key.fileobj, key.data)
                elif self._read(key.data):
                    waiting.append(key.data.stream)

    def _accept(self, listener: socket.socket, product: str) -> None:
        stream, _ = listener.accept()
        stream.setblocking(True)
        self.selector.register(stream, selectors.EVENT_READ, Peer(stream, product))

    def _read(self, peer: Peer) -> bool:
        """Takes in what there is; true if it asks for settling."""
        try:
            data = peer.stream.recv(1 << 20)
        except OSError:
            data = b""
        peer.buffer += data
        if peer.buffer == SETTLE:
            self.selector.unregister(peer.stream)
            return True
        try:
            alive = self._requests(peer)
        except OSError:
            alive = False
        if not data or not alive:
            self.selector.unregister(peer.stream)
            peer.stream.close()
        return False

    def _requests(self, peer: Peer) -> bool:
        while (end := peer.buffer.find(b"\r\n\r\n")) >= 0:
            request, rest = Request(peer.buffer[: end + 4]), peer.buffer[end + 4 :]
            body = body_end(request, rest)
            if body is None:
                if request.values("expect") and not peer.told_to_go_on:
                    peer.told_to_go_on = True
                    peer.stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                return True
            request.body, peer.buffer, peer.told_to_go_on = rest[:body], rest[body:], False
            self.seen[peer.product].append(request)
            peer.stream.sendall(OK if request.line.startswith("HEAD ") else OK + BODY)
            if request.line.endswith("HTTP/1.0"):
                return False
        return True

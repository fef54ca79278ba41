"""What passes over the wire: exact bytes to the gateway, and a backend that holds its answer back."""

import socket
import threading

import kept
from world import DEADLINE


def raw_request(port: int, head: str) -> tuple[int, bytes]:
    """Sends the exact bytes of `head` (lines joined by CRLF), tells status and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = b""
        while part := connection.recv(65536):
            answer += part
    kept.heard("answer", answer)
    response_head, _, body = answer.partition(b"\r\n\r\n")
    status = int(response_head.split(b" ", 2)[1])
    if b"transfer-encoding: chunked" in response_head.lower():
        body = unchunk(body)
    return status, body


def unchunk(body: bytes) -> bytes:
    """Undoes the chunked transfer coding (RFC 9112 section 7.1)."""
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        whole, body = whole + rest[:length], rest[length + 2 :]
        if length == 0:
            break
    return whole


class HeldUpstream:
    """A backend that answers one request only when told to."""

    def __init__(self, body: bytes = b"worth the wait") -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.arrived, self.release, self.body = threading.Event(), threading.Event(), body
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (part := connection.recv(4096)):
                    return  # a health check that only connects
                head += part
            self.arrived.set()
            if self.release.wait(DEADLINE):
                length = f"Content-Length: {len(self.body)}".encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\nConnection: close\r\n\r\n" + self.body)

    def close(self) -> None:
        self.release.set()
        self.listener.close()

"""A client that speaks h2 over TLS, as much of it as asking needs: one request after the other on one connection.

Header fields go into HPACK's table with the first request and are numbers from then on, as browsers do it.
"""

import socket
import ssl
import struct
import sys

from world import DEADLINE, Rest

DATA, HEADERS, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
# The first entry of HPACK's dynamic table, and `:status: 200` of its static one (RFC 7541, appendix A).
DYNAMIC, STATUS_200 = 62, 0x88


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(text: str) -> bytes:
    """A string of HPACK, not Huffman-coded; its length is a number that begins with seven bits."""
    raw, length = text.encode(), b""
    rest = len(raw)
    if rest < 127:
        return bytes([rest]) + raw
    rest -= 127
    while rest >= 128:
        length += bytes([rest % 128 + 128])
        rest //= 128
    return b"\x7f" + length + bytes([rest]) + raw


class H2Client:
    """One kept connection that asks the same again and again."""

    def __init__(self, port: int, rest: Rest, fields: list[tuple[str, str]]) -> None:
        self.rest, self.fields, self.stream = rest, fields, 1
        context = ssl.create_default_context()
        # A certificate of its own, made a moment ago.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", port), DEADLINE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer = context.wrap_socket(plain)
        self.peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b""))

    def ask(self) -> tuple[int, int]:
        """Status and length of the answer."""
        if self.stream == 1:
            # With incremental indexing, each under a new name.
            block = b"".join(b"\x40" + literal(name) + literal(value) for name, value in self.fields)
        else:
            block = bytes(0x80 | DYNAMIC + index for index in reversed(range(len(self.fields))))
        self.rest.wait()
        self.peer.sendall(frame(HEADERS, END_HEADERS | END_STREAM, self.stream, block))
        status, length = 0, 0
        while True:
            kind, flags, stream, payload = self._read()
            if kind == SETTINGS and not flags & ACK:
                self.peer.sendall(frame(SETTINGS, ACK, 0, b""))
            elif kind == GOAWAY or kind == PING:
                sys.exit(f"error: not expected over h2: {payload!r}")
            elif stream == self.stream and kind in (DATA, HEADERS):
                if kind == HEADERS:
                    status = 200 if payload[0] == STATUS_200 else 0
                else:
                    length += len(payload)
                    if payload:
                        self.peer.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload))))
                if flags & END_STREAM:
                    self.stream += 2
                    return status, length

    def _read(self) -> tuple[int, int, int, bytes]:
        head = self._exactly(9)
        size, (kind, flags, stream) = int.from_bytes(head[:3], "big"), struct.unpack(">BBI", head[3:])
        return kind, flags, stream, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        held = b""
        while len(held) < size:
            more = self.peer.recv(size - len(held))
            if not more:
                sys.exit("error: the gateway ended the h2 connection")
            held += more
        return held

"""A WebSocket in a real browser, which can set no header: it opens with its token, and is closed when that is revoked."""

import base64
import hashlib
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from test_cors import Site, browser  # noqa: F401
from world import Gateway, Person

# Runs in the page: opens a WebSocket, remembers its end, and tells how opening went.
OPEN = """
const [url, protocols, done] = arguments;
window.ended = new Promise(resolve => {
  const socket = new WebSocket(url, protocols);
  socket.onmessage = message => done({ protocol: socket.protocol, message: message.data });
  socket.onclose = end => {
    resolve({ code: end.code, reason: end.reason });
    done({ code: end.code });
  };
});
"""

CLOSED = "const [done] = arguments; window.ended.then(done);"

ROUTE = '[[route]]\npath = "/live"\nwebsocket = true\ntoken_query = "access_token"\n'


class Greeter(socketserver.StreamRequestHandler):
    """Accepts every handshake, says one thing and waits."""

    def handle(self) -> None:
        head = {}
        self.rfile.readline()
        while line := self.rfile.readline().strip():
            name, _, value = line.decode().partition(": ")
            head[name.lower()] = value
        if "sec-websocket-key" not in head:
            return
        accept = hashlib.sha1((head["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
        said = f"hello {head.get('x-auth-scopes', '')}".encode()
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(accept.digest()) + b"\r\n\r\n"
            b"\x81" + bytes([len(said)]) + said
        )
        while self.rfile.read(1):
            pass


@pytest.fixture
def greeter() -> Any:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeter)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_a_websocket_opens_with_its_token_and_ends_with_it(
    folder: Path,
    greeter: int,
    browser: webdriver.Chrome,  # noqa: F811
    start: Callable[[Any], Any],
) -> None:
    gateway = start(Gateway(folder / "gateway", greeter, more=ROUTE)).start()
    alice = Person(gateway)
    assert alice.sign_up().status_code == 200
    browser.get(start(Site()).origin)
    url = gateway.url.replace("http://", "ws://") + "/live"

    refused = browser.execute_async_script(OPEN, url, [])
    assert refused == {"code": 1006}, refused
    for ways in ("subprotocol", "query"):
        assert alice.sign_in().status_code == 200
        by_query = ways == "query"
        target = f"{url}?access_token={alice.token}" if by_query else url
        offered = [] if by_query else ["gatepass", f"gatepass.bearer.{alice.token}"]
        opened = browser.execute_async_script(OPEN, target, offered)
        assert opened.get("message", "").startswith("hello"), opened
        assert opened["protocol"] == ("" if by_query else "gatepass"), opened
        assert alice.sign_out().status_code == 204
        ended = browser.execute_async_script(CLOSED)
        assert ended == {"code": 1008, "reason": "token revoked"}, ended

"""Who is in these tests beside the gateway: the application, one with a WebSocket, and another site."""

import base64
import hashlib
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from world import HERE, Gateway, Person, Process, eventually, free_port

EMAIL = "alice@example.org"


class Application(Process):
    """The application with pages, under uvicorn."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "uvicorn", "browser.app:app", "--app-dir", str(HERE), "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--proxy-headers", "--forwarded-allow-ips", "127.0.0.1"]
        super().__init__("application", [*command, "--log-level", "warning"], folder)
        self.url = f"http://127.0.0.1:{self.port}"
        eventually("the application answers", lambda: self.alive() and httpx.get(f"{self.url}/openapi.json").is_success)

    def notes(self) -> int:
        """How many notes there are, asked for behind the gateway's back."""
        return len(httpx.get(f"{self.url}/notes", headers={"X-Auth-User": "test"}).json())


class Live(socketserver.StreamRequestHandler):
    """A page, and a WebSocket that says who has opened it."""

    def handle(self) -> None:
        head = {}
        self.rfile.readline()
        while line := self.rfile.readline().strip():
            name, _, value = line.decode().partition(": ")
            head[name.lower()] = value
        if "sec-websocket-key" not in head:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n")
            return
        accept = hashlib.sha1((head["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
        said = head["x-auth-user"].encode()
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(accept.digest()) + b"\r\n\r\n"
            b"\x81" + bytes([len(said)]) + said
        )
        while self.rfile.read(1):
            pass


class Site:
    """Another site: pages whose forms go elsewhere."""

    def __init__(self, target: str) -> None:
        def page(path: str) -> bytes:
            form = f'<form method="post" action="{target}{path}"><button id="go">Win a prize</button></form>'
            return f'<!doctype html><title>Prizes</title><link rel="icon" href="data:,">{form}'.encode()

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = page(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def gateway_with(more: str, folder: Path, application: Application, start: Callable[[Any], Any]) -> Gateway:
    """A gateway with these sections, alice among its users."""
    gateway = start(Gateway(folder / "gateway", application.port, more=more)).start()
    assert Person(gateway, EMAIL).sign_up().status_code == 200
    return gateway

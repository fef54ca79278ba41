"""What the gateway says and what it is told in confidence, kept for the search that ends a whole run.

`tests/run` names the folder (GATEPASS_KEEP); without it nothing is kept. The Rust tests keep theirs in the same form
(tests/it/world/said.rs): in `said/` records of a line `#SOURCE LENGTH`, that many bytes and a line end; in `secrets/`
lines of a kind and a JSON string. leaks.py reads both.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

# Where a token is handed out.
TOKENS = ("/token", "/user/signin", "/auth/password")

FOLDER = Path(os.environ["GATEPASS_KEEP"]) if "GATEPASS_KEEP" in os.environ else None


def _append(kind: str, data: bytes) -> None:
    if FOLDER:
        (FOLDER / kind).mkdir(parents=True, exist_ok=True)
        with (FOLDER / kind / f"e2e-{os.getpid()}").open("ab") as file:
            file.write(data)


def heard(source: str, data: bytes) -> None:
    """Keeps what was said."""
    if data:
        _append("said", b"#%s %d\n%s\n" % (source.encode(), len(data), data))


def secret(kind: str, value: str) -> None:
    """Notes a secret. What is as short as a word is a word."""
    if len(value) >= (16 if kind == "token" else 8):
        _append("secrets", f"{kind} {json.dumps(value)}\n".encode())


def printed(arguments: tuple[str, ...], out: str, err: str) -> None:
    """Keeps what a command printed; what it was asked for may be secret."""
    if arguments[:2] not in (("token", "mint"), ("user", "export")) and arguments[:1] not in (("hash",), ("init",)):
        heard("stdout", out.encode())
    heard("stderr", err.encode())


# The cookie of the sign-in page, which carries a token.
COOKIE = re.compile(r"(__Host-gatepass=)([^;\s]+)")


def told(request: httpx.Request) -> None:
    """Notes every credential in a request."""
    secret("token", request.headers.get("authorization", "").partition(" ")[2])
    for _, token in COOKIE.findall(request.headers.get("cookie", "")):
        secret("token", token)
    body = request.content.decode(errors="replace")
    pairs = parse_qsl(request.url.query.decode()) + parse_qsl(body)
    if body.startswith("{"):
        pairs += [(name, value) for name, value in json.loads(body).items() if isinstance(value, str)]
    for name, value in pairs:
        if name in ("password", "current_password", "new_password"):
            secret("password", value)
        elif name in ("token", "access_token"):
            secret("token", value)


def answered(answer: httpx.Response) -> None:
    """Keeps an answer, but for the token in one that hands it out."""
    head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    for _, token in COOKIE.findall(head):
        secret("token", token)
    head = COOKIE.sub(r"\1", head)
    body, request = answer.content, answer.request
    if request.method == "POST" and request.url.path in TOKENS and answer.is_success:
        members = answer.json()
        secret("token", members.pop("access_token", ""))
        body = json.dumps(members).encode()
    heard("answer", f"{answer.status_code}\r\n{head}\r\n".encode() + body)


def hear_httpx(patch: Any) -> None:
    """Keeps whatever passes through httpx from now on."""
    usual = httpx.Client.send

    def send(client: httpx.Client, request: httpx.Request, **more: Any) -> httpx.Response:
        told(request)
        answer = usual(client, request, **more)
        answered(answer)
        return answer

    patch.setattr(httpx.Client, "send", send)


def read_said(file: Path) -> Iterator[tuple[str, bytes]]:
    """The records of a file: source and text. A record that breaks off is an error."""
    data, at = file.read_bytes(), 0
    while at < len(data):
        end = data.index(b"\n", at)
        source, _, length = data[at:end].decode().rpartition(" ")
        text = data[end + 1 : end + 1 + int(length)]
        at = end + 2 + int(length)
        assert source.startswith("#") and data[at - 1 : at] == b"\n", f"{file}: a broken record before byte {at}"
        yield source[1:], text


def read_secrets(file: Path) -> Iterator[tuple[str, str]]:
    """The secrets of a file: kind and value."""
    for line in file.read_text().splitlines():
        kind, _, value = line.partition(" ")
        yield kind, json.loads(value)

"""Does a row do what it says, before it is measured? Good tokens reach the upstream, bad ones are refused."""

import hashlib
import http.client
import ssl
from pathlib import Path

from load import Failed
from rows import Row
from stage import Stage


def ask(row: Row, path: str, token: str | None, body: bytes | None = None) -> tuple[int, http.client.HTTPMessage, bytes]:
    """One request on a connection of its own."""
    context = ssl._create_unverified_context()
    kind = http.client.HTTPSConnection("127.0.0.1", row.port, timeout=30, context=context) if row.tls else None
    connection = kind or http.client.HTTPConnection("127.0.0.1", row.port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("POST" if body is not None else "GET", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def check(row: Row, stage: Stage) -> None:
    sent = row.upload.read_bytes() if row.upload else None
    for number, token in {0: row.tokens[0], -1: row.tokens[-1]}.items():
        status, _, body = ask(row, row.paths[number], token, sent)
        if status != 200:
            raise Failed(f"answers {status} to a good token: {body[:200]!r}")
        wanted = row.download.read_bytes() if row.download else row.answer.encode()
        if body != wanted if row.download else not body.startswith(wanted):
            raise Failed(f"does not pass on what the upstream answers: {len(body)} bytes, {body[:100]!r}")
    if row.authenticates:
        # A few bytes: who is refused is not listened to until the end of a long body.
        sent = b"{}" if sent else None
        for token in [None, *row.refused]:
            if (status := ask(row, row.paths[0], token, sent)[0]) != 401:
                raise Failed(f"answers {status} to {'a bad token' if token else 'nobody'}")
    if row.whoami and not ask(row, row.whoami, row.tokens[0])[1]["X-Told"]:
        raise Failed("does not tell the upstream who asks")
    if row.upload:
        arrives(row, stage.kept, row.upload)
    if row.claims:
        row.claims()


def arrives(row: Row, kept: Path, file: Path) -> None:
    """Every byte of an upload is read once by the upstream."""
    there = set(kept.iterdir())
    status, _, _ = ask(row, "/upload/kept/1", row.tokens[0], file.read_bytes())
    new = [path for path in kept.iterdir() if path not in there]
    arrived = [hashlib.sha256(path.read_bytes()).digest() for path in new]
    if status != 200 or arrived != [hashlib.sha256(file.read_bytes()).digest()]:
        raise Failed(f"an upload was answered {status} and arrived {len(new)} times, not once as it was sent")
    for path in new:
        path.unlink()

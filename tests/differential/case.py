"""A case: raw bytes, and how to tell from what the upstream saw whether a product held."""

from collections.abc import Callable
from dataclasses import dataclass, field

from recorder import Request
from wire import Heard


@dataclass
class Outcome:
    """What one product made of one case."""

    heard: Heard
    seen: list[Request] = field(default_factory=list)

    @property
    def forwarded(self) -> bool:
        return bool(self.seen)


# Says what is wrong, in one line; nothing if the product held.
Judge = Callable[[Outcome], str | None]


@dataclass
class Case:
    """One request (or one connection's worth of bytes)."""

    group: str
    what: str
    raw: bytes
    judge: Judge
    # What the case needs of a product beyond the job; a product that does not claim it, and fails, is not blamed.
    feature: str | None = None
    # A connection whose head begins with `raw` and goes on by a line a second, after this request if there is one.
    slow_after: bytes | None = None

    @property
    def key(self) -> str:
        return f"{self.group} {self.what}"


def request(
    target: str = "/api/me",
    *fields: str,
    method: str = "GET",
    version: str = "HTTP/1.1",
    token: str | None = None,
    host: str | None = "gw.test",
    close: bool = True,
    body: str = "",
) -> bytes:
    """A request's bytes; every field verbatim, text as Latin-1 so that any byte can be said."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    lines += fields
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1")

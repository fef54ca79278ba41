"""What is a row of a table, and which tables are there?"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ANSWER = '{"id":1,"title":"FastAPI Book Launch","location":"Google Meet"}'
CONNECTIONS = 64


@dataclass
class Row:
    """One way to the upstream, ready to be measured."""

    port: int
    # The processes whose time and memory count, each with its children.
    pids: list[int]
    tokens: list[str]
    # What is asked for, in turn, each time with the next token.
    paths: list[str] = field(default_factory=lambda: ["/event/1"])
    # A file to send, or the one that is answered.
    upload: Path | None = None
    download: Path | None = None
    # Whether strangers are refused; tokens that must be, too; where the answer says who the upstream was told it is.
    authenticates: bool = False
    refused: list[str] = field(default_factory=list)
    whoami: str | None = None
    # What a good answer begins with.
    answer: str = ANSWER
    connections: int = CONNECTIONS
    # How h2load asks; nothing: wrk does.
    h2load: list[str] | None = None
    tls: bool = False
    # Where an access log grows, and the log of uploads at the upstream.
    logs: list[Path] = field(default_factory=list)
    uploads: Path | None = None
    # A further check, of what only this row claims.
    claims: Callable[[], None] | None = None


@dataclass
class Spec:
    """A row by name, and how it is started."""

    name: str
    start: Callable[[Any], Row]


@dataclass
class Table:
    """Rows measured in turn; `base` is the one that the others are compared to."""

    key: str
    title: str
    base: str
    to_base: str
    rows: list[Spec]
    # What is to be known to read it, in a paragraph.
    note: str = ""


@dataclass
class Sample:
    """What one round said of one row."""

    rps: float
    cpu_micros: float
    p50: float
    p99: float
    p999: float
    rss_mib: float
    mib_per_second: float

"""How is Gatepass started in each of its ways, and how is it shown that it is in that way?"""

import contextlib
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pymongo

from load import Failed
from people import OURS, SCOPES, digest, secret_file
from programs import OTHERS, PROXIES, eventually, fill, free_ports
from rows import Row
from stage import Stage

TABLE, COLLECTION = 'table = "people"', 'collection = "people"'
FIELDS = """
[users.fields]
{place}
id             = "{id}"
login          = ["email"]
email          = "email"
password       = "password"
default_scopes = [{scopes}]"""


@dataclass
class Gateway:
    """A running one."""

    port: int
    admin: int
    child: subprocess.Popen
    folder: Path
    log: Path

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics") as answer:
            found = [line.split() for line in answer.read().decode().splitlines() if line.startswith(f"{name} ")]
        return float(found[0][1]) if found else 0.0


def gateway(
    stage: Stage,
    name: str,
    *,
    core: int = PROXIES,
    users: str = OURS,
    revocation: str = OURS,
    access: bool = True,
    routes: str = "",
    tls: bool = False,
    prepare: Callable[[Path], None] | None = None,
) -> Gateway:
    """Starts one, with a copy of the people's database."""
    own, ports = stage.programs.own_folder(name), free_ports(["PORT", "ADMIN"])
    secret_file(own, stage.people.secret)
    database = own / "gatepass.db"
    database.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(stage.people.database)) as source:
        with contextlib.closing(sqlite3.connect(database)) as copy:
            source.backup(copy)
    if prepare:
        prepare(database)
    certificate = f'\n[listen.tls]\ncertificate = "{stage.shared.certificate}"\nkey = "{stage.shared.key}"\n' if tls else ""
    values = {"TLS": certificate, "USERS": users, "REVOCATION": revocation, "ACCESS": str(access).lower(), "ROUTES": routes}
    config = fill("gateway.toml", own, stage.values | ports | values)
    log = own / "access.log"
    command = [stage.args.gatepass, "run", "--config", config]
    child = stage.programs.launch(core, ports["PORT"], command, own, log)
    return Gateway(ports["PORT"], ports["ADMIN"], child, own, log)


def through(stage: Stage, at: Gateway, access: bool = True) -> Row:
    """A row of requests with tokens."""

    def logs() -> None:
        """The access log is where it was said to be, or nowhere."""
        if not access:
            time.sleep(0.2)  # longer than lines gather
        else:
            eventually("the access log grows", lambda: at.log.stat().st_size, at.child, 10)
        if bool(at.log.stat().st_size) != access:
            raise Failed("there is an access log, and there should be none")

    tokens, bad = stage.people.tokens, stage.bad_tokens()
    row = Row(at.port, [at.child.pid], tokens, authenticates=True, refused=bad, whoami="/event/whoami", claims=logs)
    row.logs = [at.log]
    return row


def default(stage: Stage) -> Gateway:
    return stage.programs.once("gatepass", lambda: gateway(stage, "gatepass"))


def with_token(stage: Stage) -> Row:
    return through(stage, default(stage))


def public(stage: Stage) -> Row:
    at = default(stage)
    return Row(at.port, [at.child.pid], stage.people.tokens, ["/about/1"], logs=[at.log])


def no_log(stage: Stage) -> Row:
    return through(stage, gateway(stage, "nolog", access=False), access=False)


def over_tls(stage: Stage) -> Row:
    row = through(stage, stage.programs.once("tls", lambda: gateway(stage, "tls", tls=True)))
    row.tls = True
    return row


def revoked(count: int) -> Callable[[Stage], Row]:
    """As many tokens revoked; the spare one is among them, in their middle."""

    def start(stage: Stage) -> Row:
        at = gateway(stage, f"revoked{count}", prepare=lambda database: revoke(database, count, stage.people.spare))
        row = through(stage, at)
        row.refused = [*row.refused, stage.people.spare]
        held = "gatepass_revocation_entries"
        eventually(f"{count} revocations are loaded", lambda: at.metric(held) == count, at.child, 600)
        return row

    return start


def revoke(database: Path, count: int, token: str) -> None:
    """Writes them as the log's own statements do, only many at once."""
    now = int(time.time())
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        run = connection.execute
        run("PRAGMA journal_mode = OFF")
        run("PRAGMA synchronous = OFF")
        (index,) = run("SELECT sql FROM sqlite_master WHERE name = 'revocation_log_digest'").fetchone()
        run("BEGIN")
        run("DELETE FROM revocation_log")
        run("DROP INDEX revocation_log_digest")
        run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
            " INSERT INTO revocation_log SELECT i, printf('%016x', i), randomblob(16), ?2 + i, 1, ?3 FROM n",
            (count, (now - 60) * 1_000_000, now + 36_000),
        )
        run("UPDATE revocation_log SET digest = ?1 WHERE seq = ?2", (digest(token), count // 2))
        run(index)
        head = "UPDATE revocation_head SET seq = ?1, mark = printf('%016x', ?1), version = ?2"
        run(head, (count, (now - 60) * 1_000_000 + count))
        run("COMMIT")


def routes(count: int) -> Callable[[Stage], Row]:
    """As many more routes, asked for in turn (a thousand of them at most)."""

    def start(stage: Stage) -> Row:
        paths = [f"/section-{n % 100}/things-{n}" for n in range(count)]
        text = "\n".join(
            f'\n[[route]]\npath = "{path}/{{id}}"\nmethods = ["GET"]\nscopes = ["event:read"]' for path in paths
        )
        row = through(stage, gateway(stage, f"routes{count}", routes=text))
        step = max(1, count // 1000)
        row.paths = [f"{path}/1" for path in paths[::step]]
        return row

    return start


def _redis(stage: Stage) -> int:
    """A server that keeps nothing on disk; its port."""

    def start() -> int:
        port, own = free_ports(["PORT"])["PORT"], stage.programs.own_folder("redis")
        command = ["redis-server", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", port]
        stage.programs.launch(OTHERS, port, command, own)
        return port

    return stage.programs.once("redis", start)


def commands(port: int) -> int:
    """How many commands the Redis has answered."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"INFO stats\r\nQUIT\r\n")
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    return int(text.split("total_commands_processed:")[1].split()[0])


def in_redis(every_request: bool) -> Callable[[Stage], Row]:
    """Revocations shared through Redis: the spare token is revoked at another gateway."""

    def start(stage: Stage) -> Row:
        port = _redis(stage)
        shared = f'store = "redis://127.0.0.1:{port}"'
        settings = f'{shared}\ncheck = "{"every_request" if every_request else "memory"}"'
        name = "asking" if every_request else "following"
        at = gateway(stage, name, revocation=settings)
        elsewhere = stage.programs.once("elsewhere", lambda: gateway(stage, "elsewhere", core=OTHERS, revocation=shared))
        if not elsewhere.metric("gatepass_revocation_entries"):
            command = [stage.args.gatepass, "token", "revoke", "-", "--config", elsewhere.folder / "gateway.toml"]
            subprocess.run(command, input=stage.people.spare, text=True, check=True, capture_output=True)
        eventually("the revocation arrives", lambda: at.metric("gatepass_revocation_entries") >= 1, at.child)
        row = through(stage, at)
        row.refused = [*row.refused, stage.people.spare]
        if every_request:
            row.claims = lambda: _asks(row, port)
        return row

    return start


def _asks(row: Row, port: int) -> None:
    """It asks Redis on every request."""
    before = commands(port)
    for token in row.tokens[:100]:
        headers = {"Authorization": f"Bearer {token}"}
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{row.port}/event/1", headers=headers)).close()
    if commands(port) - before < 100:
        raise Failed("100 requests asked Redis less than 100 times")


def _everybody(stage: Stage) -> list[tuple[str, str, str]]:
    """Id, login and hash of all but the last, whose token is the spare one."""
    with contextlib.closing(sqlite3.connect(stage.people.database)) as connection:
        return connection.execute("SELECT id, login, password FROM users ORDER BY login").fetchall()[:-1]


def _elsewhere(stage: Stage, name: str, users: str) -> Row:
    """Users in another application's store, which does not have the last one: that account check refuses the spare token."""
    row = through(stage, gateway(stage, name, users=users))
    row.refused = [*row.refused, stage.people.spare]
    return row


def _fields(place: str, id: str) -> str:
    return FIELDS.format(place=place, id=id, scopes=", ".join(f'"{scope}"' for scope in SCOPES.split()))


def in_sqlite(stage: Stage) -> Row:
    file = stage.programs.folder / f"app-{secrets.token_hex(4)}.db"
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE people (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL)")
        connection.executemany("INSERT INTO people VALUES (?, ?, ?)", _everybody(stage))
    return _elsewhere(stage, "sqlite", f'store = "sqlite:{file}"{_fields(TABLE, "id")}')


def in_mongodb(stage: Stage) -> Row:
    port, own = free_ports(["PORT"])["PORT"], stage.programs.own_folder("mongodb")
    command = [sys.executable, "-m", "secantus", "--host", "127.0.0.1", "--port", port, "--standalone"]
    command += ["--storage-path", own / "data", "--cache-size", "64M", "--log-level", "WARNING"]
    stage.programs.launch(OTHERS, port, command, own)
    url = f"mongodb://127.0.0.1:{port}/app"
    with pymongo.MongoClient(url, serverSelectionTimeoutMS=30_000) as client:
        people = client.get_default_database()["people"]
        people.insert_many([dict(zip(("_id", "email", "password"), person, strict=True)) for person in _everybody(stage)])
        people.create_index("email", unique=True)
    return _elsewhere(stage, "mongo", f'store = "{url}"{_fields(COLLECTION, "_id")}')

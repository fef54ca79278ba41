"""Which rows are in which table, and what is each compared to?"""

from collections.abc import Callable

import gateways
import neighbours
from rows import Row, Spec, Table
from stage import SIZES, Stage

BARE, GATEPASS, GATEPASS_SILENT = "bare Pingora", "Gatepass, with a token", "Gatepass, without access log"
HAPROXY_JWT, ENVOY_JWT, FASTAPI = "HAProxy, jwt_verify", "Envoy, jwt_authn", "FastAPI, its own authentication"
# What a request with a token is to cost at most, as a multiple of what it costs there.
GOALS = [(HAPROXY_JWT, 1.00), (HAPROXY_JWT, 0.80), (BARE, 1.05), (ENVOY_JWT, 0.35)]

MANY = {"1 KiB": 1000, "100 KiB": 100, "10 MiB": 8}
AT_ONCE = {"1 KiB": 64, "100 KiB": 64, "10 MiB": 4}


def _h2load(start: Callable[[Stage], Row], *options: str, tls: bool = True) -> Callable[[Stage], Row]:
    def make(stage: Stage) -> Row:
        row = start(stage)
        row.h2load, row.tls = list(options), tls
        return row

    return make


def _body(start: Callable[[Stage], Row], size: str, up: bool) -> Callable[[Stage], Row]:
    def make(stage: Stage) -> Row:
        row, file = start(stage), stage.shared.files[size]
        # Rows of several sizes share a process.
        made = Row(row.port, row.pids, row.tokens[: MANY[size]], authenticates=row.authenticates, logs=row.logs)
        made.refused, made.connections = row.refused, AT_ONCE[size]
        if up:
            made.upload, made.uploads, made.paths = file, stage.uploads, ["/upload/1"]
        else:
            made.download, made.paths = file, [f"/files/{file.name}"]
        return made

    return make


def _bodies() -> list[Spec]:
    through = {
        "nginx": neighbours.nginx,
        HAPROXY_JWT: neighbours.haproxy_jwt,
        BARE: neighbours.bare_pingora,
        GATEPASS: gateways.with_token,
    }
    kinds = [(size, False) for size in SIZES] + [("100 KiB", True), ("10 MiB", True)]
    return [
        Spec(f"{'POST' if up else 'GET'} {size}: {name}", _body(start, size, up))
        for size, up in kinds
        for name, start in through.items()
    ]


H1, TLS, H2 = "HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2 over TLS"
PLAIN_H1, OVER_H1 = ["--h1", "-c", "64"], ["--h1", "-c", "64"]
STREAMS = ["-c", "4", "-m", "16"]

TABLES = [
    Table(
        "neighbours",
        "One request through Gatepass, and through its neighbours",
        BARE,
        "to bare Pingora",
        [
            Spec("no proxy", neighbours.direct),
            Spec("nginx, no authentication", neighbours.nginx),
            Spec("HAProxy, no authentication", neighbours.haproxy),
            Spec(HAPROXY_JWT, neighbours.haproxy_jwt),
            Spec("Envoy, no authentication", neighbours.envoy),
            Spec(ENVOY_JWT, neighbours.envoy_jwt),
            Spec("Caddy, no authentication", neighbours.caddy),
            Spec("Caddy, forward_auth", neighbours.caddy_asking),
            Spec("Traefik, no authentication", neighbours.traefik),
            Spec("Traefik, forwardAuth", neighbours.traefik_asking),
            Spec(BARE, neighbours.bare_pingora),
            Spec(GATEPASS, gateways.with_token),
            Spec(GATEPASS_SILENT, gateways.no_log),
            Spec(FASTAPI, neighbours.fastapi),
        ],
        "Gatepass is as operators run it, with its access log in a file; every neighbour is without a log. HAProxy checks\n"
        "signature and expiry; Envoy those, issuer and audience, with its cache of verified tokens on; Gatepass those,\n"
        "revocation, the user's account and the scope. `forward_auth` and `forwardAuth` ask a verifier about each request: the\n"
        "same HAProxy, on the proxy's core, its CPU and memory counted. FastAPI's row is an application: it answers by itself.",
    ),
    Table(
        "with",
        "Gatepass with …",
        "… a token, nothing revoked",
        "to a token",
        [
            Spec(BARE, neighbours.bare_pingora),
            Spec("… a token, nothing revoked", gateways.with_token),
            Spec("… a public route", gateways.public),
            Spec("… no access log", gateways.no_log),
            Spec("… 10,000 revoked", gateways.revoked(10_000)),
            Spec("… 10,000,000 revoked", gateways.revoked(10_000_000)),
            Spec("… 10 more routes, all in use", gateways.routes(10)),
            Spec("… 10,000 more routes, 1,000 in use", gateways.routes(10_000)),
            Spec("… revocations in Redis", gateways.in_redis(False)),
            Spec('… check = "every_request"', gateways.in_redis(True)),
            Spec("… users in another's SQLite", gateways.in_sqlite),
            Spec("… users in MongoDB", gateways.in_mongodb),
        ],
        "One thing is changed in each row. Redis and the server that speaks MongoDB's protocol (SecantusDB) share the core of load\n"
        "and upstream, and are not counted. Accounts are checked as by default, every 60 s.",
    ),
    Table(
        "protocols",
        "What the client speaks",
        H1,
        "to its HTTP/1.1",
        [
            Spec(f"HAProxy, jwt_verify: {H1}", _h2load(neighbours.haproxy_jwt, *PLAIN_H1, tls=False)),
            Spec(f"HAProxy, jwt_verify: {TLS}", _h2load(neighbours.haproxy_tls, *OVER_H1)),
            Spec(f"HAProxy, jwt_verify: {H2}", _h2load(neighbours.haproxy_tls, "-c", "64")),
            Spec(f"HAProxy, jwt_verify: {H2}, 16 streams", _h2load(neighbours.haproxy_tls, *STREAMS)),
            Spec(f"Gatepass: {H1}", _h2load(gateways.with_token, *PLAIN_H1, tls=False)),
            Spec(f"Gatepass: {TLS}", _h2load(gateways.over_tls, *OVER_H1)),
            Spec(f"Gatepass: {H2}", _h2load(gateways.over_tls, "-c", "64")),
            Spec(f"Gatepass: {H2}, 16 streams", _h2load(gateways.over_tls, *STREAMS)),
        ],
        "Measured with h2load, which sends one token; compare within this table only. 64 connections, or 4 with 16 streams each;\n"
        "connections are kept, so that a round has one handshake for each. TLS 1.3; the upstream is always asked in HTTP/1.1.",
    ),
    Table(
        "body",
        "Bodies",
        BARE,
        "to bare Pingora",
        _bodies(),
        "64 connections, 4 for 10 MiB. Before the measurement each download was compared with its file, and each upload with what\n"
        "the upstream had kept; in it, the upstream logged the length of each upload it had read. nginx passes bodies on unbuffered.",
    ),
]


def base_of(table: Table, name: str) -> str:
    """The row that this one is compared to: of its own kind, where it names one."""
    kind, colon, _ = name.partition(": ")
    return f"{kind}: {table.base}" if colon else table.base


def chosen(only: list[str], without: list[str]) -> list[Table]:
    """The tables and rows that `--only` and `--without` leave; a word is a table's key, or part of a row's name."""

    keys = {table.key for table in TABLES}

    def fits(words: list[str], table: Table, row: Spec) -> bool:
        return any(word == table.key if word in keys else word.lower() in row.name.lower() for word in words)

    left = []
    for table in TABLES:
        rows = [row for row in table.rows if (not only or fits(only, table, row)) and not fits(without, table, row)]
        left.append(Table(table.key, table.title, table.base, table.to_base, rows, table.note))
    return [table for table in left if table.rows]

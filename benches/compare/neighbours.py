"""How are the neighbours started for the same job? Each as lean as it can be: no access log, one thread."""

import base64
import importlib.util
import os
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

import bench

from programs import PROXIES, eventually, fill, free_ports
from rows import Row
from stage import Stage

WHOAMI = "/event/whoami"


def direct(stage: Stage) -> Row:
    return Row(stage.upstream, [], stage.people.tokens)


def nginx(stage: Stage) -> Row:
    def start() -> Row:
        own, ports = stage.programs.own_folder("nginx"), free_ports(["PORT"])
        config = fill("nginx-plain.conf", own, stage.values | ports)
        command = ["nginx", "-p", own, "-e", "nginx.log", "-c", config]
        child = stage.programs.launch(PROXIES, ports["PORT"], command, own)
        return Row(ports["PORT"], [child.pid], stage.people.tokens)

    return stage.programs.once("nginx", start)


def _haproxy(stage: Stage, name: str) -> tuple[int, dict[str, int]]:
    """One process with every frontend; what is measured is the one that is asked. Its id, and the ports."""

    def start() -> tuple[int, dict[str, int]]:
        own, ports = stage.programs.own_folder(name), free_ports(["PLAIN", "JWT", "JWTTLS", "VERIFIER"])
        rules = fill("haproxy.rules", own, stage.values).read_text()
        values = stage.values | ports | {"PEM": stage.shared.both, "RULES": rules}
        command = ["haproxy", "-db", "-f", fill("haproxy.cfg", own, values)]
        return stage.programs.launch(PROXIES, ports["PLAIN"], command, own).pid, ports

    return stage.programs.once(name, start)


def haproxy(stage: Stage) -> Row:
    pid, ports = _haproxy(stage, "haproxy")
    return Row(ports["PLAIN"], [pid], stage.people.tokens)


def haproxy_jwt(stage: Stage) -> Row:
    pid, ports = _haproxy(stage, "haproxy")
    tokens, bad = stage.people.tokens, stage.bad_tokens()
    return Row(ports["JWT"], [pid], tokens, authenticates=True, refused=bad, whoami=WHOAMI)


def haproxy_tls(stage: Stage) -> Row:
    row = haproxy_jwt(stage)
    row.port, row.tls = _haproxy(stage, "haproxy")[1]["JWTTLS"], True
    return row


def _envoy(stage: Stage) -> tuple[int, dict[str, int]]:
    def start() -> tuple[int, dict[str, int]]:
        own, ports = stage.programs.own_folder("envoy"), free_ports(["PLAIN", "JWT"])
        jwk = base64.urlsafe_b64encode(stage.people.secret.encode()).rstrip(b"=").decode()
        config = fill("envoy.yaml", own, stage.values | ports | {"JWK": jwk})
        command = [envoy_binary(), "-c", config, "--concurrency", 1, "--use-dynamic-base-id"]
        return stage.programs.launch(PROXIES, ports["JWT"], command, own).pid, ports

    return stage.programs.once("envoy", start)


def envoy_binary() -> Path:
    """The program in the wheel; what is in `bin` is a script before it."""
    return Path(importlib.util.find_spec("envoy").submodule_search_locations[0]) / "_bin" / "envoy"


def envoy(stage: Stage) -> Row:
    pid, ports = _envoy(stage)
    return Row(ports["PLAIN"], [pid], stage.people.tokens)


def envoy_jwt(stage: Stage) -> Row:
    pid, ports = _envoy(stage)
    tokens, bad = stage.people.tokens, stage.bad_tokens()
    return Row(ports["JWT"], [pid], tokens, authenticates=True, refused=bad, whoami=WHOAMI)


def _asking(stage: Stage, name: str, configs: list[str], command: list[str]) -> tuple[list[int], dict[str, int]]:
    """A proxy that asks a verifier about each request; the verifier's cost is part of it."""

    def start() -> tuple[list[int], dict[str, int]]:
        verifier, served = _haproxy(stage, "verifier")
        own, ports = stage.programs.own_folder(name), free_ports(["PLAIN", "ASKING"])
        values = stage.values | ports | {"VERIFIER": served["VERIFIER"], "DYNAMIC": own / "traefik-dynamic.yaml"}
        for config in configs:
            fill(config, own, values)
        os.environ.setdefault("HOME", str(own))
        child = stage.programs.launch(PROXIES, ports["ASKING"], command, own)
        # Traefik listens before it has read where to.
        eventually("its routes are read", lambda: _status(ports["PLAIN"]) == 200, child)
        return [child.pid, verifier], ports

    return stage.programs.once(name, start)


def _status(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/event/1") as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def _plain(stage: Stage, started: tuple[list[int], dict[str, int]]) -> Row:
    pids, ports = started
    return Row(ports["PLAIN"], pids[:1], stage.people.tokens)


def _auth(stage: Stage, started: tuple[list[int], dict[str, int]]) -> Row:
    pids, ports = started
    tokens, bad = stage.people.tokens, stage.bad_tokens()
    return Row(ports["ASKING"], pids, tokens, authenticates=True, refused=bad, whoami=WHOAMI)


def _caddy(stage: Stage) -> tuple[list[int], dict[str, int]]:
    return _asking(stage, "caddy", ["Caddyfile"], ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"])


def _traefik(stage: Stage) -> tuple[list[int], dict[str, int]]:
    return _asking(stage, "traefik", ["traefik-dynamic.yaml", "traefik.yaml"], ["traefik", "--configFile=traefik.yaml"])


def caddy(stage: Stage) -> Row:
    return _plain(stage, _caddy(stage))


def caddy_asking(stage: Stage) -> Row:
    return _auth(stage, _caddy(stage))


def traefik(stage: Stage) -> Row:
    return _plain(stage, _traefik(stage))


def traefik_asking(stage: Stage) -> Row:
    return _auth(stage, _traefik(stage))


def bare_pingora(stage: Stage) -> Row:
    def start() -> Row:
        own, ports = stage.programs.own_folder("bare"), free_ports(["PORT"])
        addresses = [f"127.0.0.1:{port}" for port in (ports["PORT"], stage.upstream)]
        command = [stage.args.passthrough, *addresses]
        # Told to terminate, Pingora would wait minutes for requests in flight.
        child = stage.programs.launch(PROXIES, ports["PORT"], command, own, end=signal.SIGINT)
        return Row(ports["PORT"], [child.pid], stage.people.tokens)

    return stage.programs.once("bare", start)


def fastapi(stage: Stage) -> Row:
    """The security tutorial with its own authentication: the application itself, which answers."""
    own, ports = stage.programs.own_folder("fastapi"), free_ports(["PORT"])
    bench.seed(own / "app.db")
    os.environ |= {"DATABASE": str(own / "app.db"), "SECRET_KEY": stage.people.secret}
    app = ["--app-dir", bench.EXAMPLE / "before", *bench.FLAGS, "--port", ports["PORT"]]
    command = [sys.executable, "-m", "uvicorn", "main:app", *app]
    child = stage.programs.launch(PROXIES, ports["PORT"], command, own)
    tokens = [bench.sign_in(ports["PORT"], number).rpartition(" ")[2] for number in range(bench.USERS)]
    forged = f"{tokens[0][:-4]}{'AAAA' if tokens[0][-4:] != 'AAAA' else 'BBBB'}"
    answer = '{"username":"user'
    return Row(ports["PORT"], [child.pid], tokens, ["/users/me/"], authenticates=True, refused=[forged], answer=answer)

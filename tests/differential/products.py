"""Starts the gateways for the same job on free loopback ports, and stops them by process id."""

import base64
import contextlib
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recorder import Recorder

HERE = Path(__file__).resolve().parent
START = 60.0

GATEPASS, NGINX, HAPROXY, NORMALISING, ENVOY = (
    "Gatepass",
    "nginx + verifier",
    "HAProxy",
    "HAProxy, normalising",
    "Envoy",
)
PRODUCTS = [GATEPASS, NGINX, HAPROXY, NORMALISING, ENVOY]
# Those that must all agree before Gatepass differs "from all"; the second HAProxy is there to be fair to the first.
NEIGHBOURS = [NGINX, HAPROXY, ENVOY]
KEYS = {GATEPASS: "GATEPASS", NGINX: "NGINX", HAPROXY: "HAPROXY", NORMALISING: "NORMALISING", ENVOY: "ENVOY"}

# What only Gatepass promises: rules of RFC 9068 or its own.
OURS = {
    "at+jwt",
    "jti",
    "iat",
    "one audience",
    "one spelling",
    "foreign header members",
    "override headers",
    "no TRACE",
    "short subject",
}
# HAProxy offers the verification of a signature; what else there is to do of RFC 7515 is left to its user. For
# trailers it offers nothing.
THEIRS = {"crit", "claim types", "trailers"}
DISCLAIMED: dict[str, set[str]] = {
    GATEPASS: set(),
    NGINX: OURS,
    HAPROXY: OURS | THEIRS,
    NORMALISING: OURS | THEIRS,
    ENVOY: OURS,
}


@dataclass
class Product:
    """One running gateway."""

    name: str
    port: int
    version: str


def free_ports(names: list[str]) -> dict[str, int]:
    with contextlib.ExitStack() as stack:
        probes = {name: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
        return {name: probe.getsockname()[1] for name, probe in probes.items()}


def fill(name: str, folder: Path, values: dict[str, object]) -> Path:
    """Writes the template `name` into `folder`, every @NAME@ replaced; replacements may hold names themselves."""
    text = (HERE / "peers" / name).read_text()
    while (filled := re.sub(r"@([A-Z_]+)@", lambda found: str(values[found[1]]), text)) != text:
        text = filled
    (folder / name).write_text(text)
    return folder / name


@contextlib.contextmanager
def running(command: list[object], folder: Path, port: int) -> Iterator[None]:
    """Runs a program while the block lasts; it has to listen on `port` first."""
    log = folder / f"{Path(str(command[0])).name}-{port}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A Ctrl-C is for us: we stop the programs, in order.
            start_new_session=True,
        )
        try:
            wait_for(child, port, log)
            yield
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def wait_for(child: subprocess.Popen, port: int, log: Path) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end:
        if child.poll() is not None:
            sys.exit(f"{child.args[0]} ended with code {child.returncode}:\n{log.read_text()[-3000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"{child.args[0]} does not listen after {START:.0f} s:\n{log.read_text()[-3000:]}")


def version(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"\d+\.\d+(?:\.\d+)?", re.sub(r"[0-9a-f]{40}/", "", done.stdout + done.stderr))
    return found[0] if found else "?"


@contextlib.contextmanager
def all_running(folder: Path, recorder: Recorder, gatepass: str, envoy: str) -> Iterator[tuple[str, list[Product]]]:
    """The shared key, and every product ready before `recorder`."""
    recorder.start(PRODUCTS)
    key = secrets.token_hex(32)
    secret = folder / "gatepass.secret"
    secret.touch(mode=0o600)
    secret.write_text(key)
    ports = free_ports([*KEYS.values(), "ADMIN", "VERIFIER"])
    jwk = base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()
    upstreams = {f"{KEYS[name]}_UPSTREAM": recorder.ports[name] for name in PRODUCTS}
    rules = (HERE / "peers" / "haproxy.rules").read_text()
    values = ports | upstreams | {"SECRET": key, "JWK": jwk, "RULES": rules}
    programs: list[tuple[str, list[object]]] = [
        ("VERIFIER", [sys.executable, HERE / "verifier.py", ports["VERIFIER"], secret]),
        ("GATEPASS", [gatepass, "run", "--config", fill("gateway.toml", folder, values)]),
        ("NGINX", ["nginx", "-p", folder, "-e", "nginx.log", "-c", fill("nginx.conf", folder, values)]),
        ("HAPROXY", ["haproxy", "-db", "-f", fill("haproxy.cfg", folder, values)]),
        ("ENVOY", [envoy, "-c", fill("envoy.yaml", folder, values), "--concurrency", 1, "--use-dynamic-base-id"]),
    ]
    haproxy = version("haproxy", "-v")
    versions = {
        GATEPASS: version(gatepass, "--version"),
        NGINX: version("nginx", "-v"),
        HAPROXY: haproxy,
        NORMALISING: haproxy,
        ENVOY: version(envoy, "--version"),
    }
    with contextlib.ExitStack() as stack:
        for name, command in programs:
            stack.enter_context(running(command, folder, ports[name]))
        yield key, [Product(name, ports[KEYS[name]], versions[name]) for name in PRODUCTS]

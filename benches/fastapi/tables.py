"""What the bench says: the machine it was made on, and the tables of medians."""

import importlib.metadata
import os
import platform
import re
import statistics
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar


@dataclass
class Requests:
    """One round of requests with a token: CPU in µs a request, latencies in µs."""

    rate: float
    app: float
    gateway: float
    p50: float
    p99: float
    rss_mib: float


@dataclass
class SignIns:
    """One round of sign-ins: CPU in ms a sign-in, latencies in ms."""

    rate: float
    app: float
    gateway: float
    p50: float
    p99: float


@dataclass
class Meanwhile:
    """One client with a token while others sign in: latencies in µs."""

    sign_ins: float
    rate: float
    p50: float
    p99: float


Kind = TypeVar("Kind", Requests, SignIns, Meanwhile)


def median(rounds: list[Kind]) -> Kind:
    """The median of each field."""
    kind = type(rounds[0])
    return kind(*(statistics.median(getattr(one, field.name) for one in rounds) for field in fields(kind)))


def machine(gatepass: str) -> str:
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    version = subprocess.run([gatepass, "--version"], capture_output=True, text=True).stdout.strip()
    names = ("fastapi", "uvicorn", "uvloop", "httptools", "PyJWT", "pwdlib", "argon2-cffi")
    python = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return (
        f"* Machine: {cpu[1] if cpu else platform.processor()}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}\n"
        f"* {version}, profile `{Path(gatepass).parent.name}`; Python {platform.python_version()}, {python}"
    )


def results(
    seconds: int,
    rounds: int,
    gatepass: str,
    connections: tuple[int, int],
    requests: dict[tuple[str, str], list[Requests]],
    sign_ins: dict[str, list[tuple[SignIns, Meanwhile]]],
) -> str:
    asked = [
        "| with a token | page | req/s | CPU µs/request: application | gateway | both, to its own | p50 ms | p99 ms | RSS MiB |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    own: dict[str, float] = {}
    for (name, path), samples in requests.items():
        m = median(samples)
        ratio = (m.app + m.gateway) / own.setdefault(path, m.app + m.gateway)
        gateway = f"{m.gateway:.0f}" if m.gateway else ""
        asked.append(
            f"| {name} | `{path}` | {m.rate:.0f} | {m.app:.0f} | {gateway} | {ratio:.2f}x"
            f" | {m.p50 / 1e3:.1f} | {m.p99 / 1e3:.1f} | {m.rss_mib:.0f} |"
        )
    signed = [
        "| signing in | sign-ins/s | CPU ms/sign-in: application | gateway | p50 ms | p99 ms |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    others = ["| while they sign in, one other asks | req/s | p50 ms | p99 ms | sign-ins/s |", "|---|---:|---:|---:|---:|"]
    for name, samples in sign_ins.items():
        m, other = median([one for one, _ in samples]), median([other for _, other in samples])
        gateway = f"{m.gateway:.1f}" if m.gateway else ""
        signed.append(f"| {name} | {m.rate:.1f} | {m.app:.1f} | {gateway} | {m.p50:.0f} | {m.p99:.0f} |")
        others.append(
            f"| {name} | {other.rate:.0f} | {other.p50 / 1e3:.1f} | {other.p99 / 1e3:.1f} | {other.sign_ins:.1f} |"
        )
    lines = [*asked, "", *signed, "", *others]
    return f"""# FastAPI's security tutorial with its own authentication, and behind Gatepass

Written by `benches/fastapi/run {seconds} {rounds}`. The applications are those of `tests/e2e/examples/tutorial`: one uvicorn worker
(uvloop, httptools, no access log), one thread of Gatepass with its access log; application and gateway share a core, the
load has the other. {connections[0]} connections with a token; or {connections[1]} that sign in, while one other asks for
`/users/me/` with a token. Both check argon2id hashes of the same table. Medians of {rounds} interleaved rounds of {seconds} s.

{machine(gatepass)}

{chr(10).join(lines)}
"""

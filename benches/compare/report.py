"""What does the comparison say? The machine, the goals, and a table of medians for each question."""

import argparse
import os
import platform
import re
import statistics
import subprocess
from pathlib import Path

from neighbours import envoy_binary
from people import PEOPLE
from plan import GATEPASS, GATEPASS_SILENT, GOALS, base_of
from rows import CONNECTIONS, Sample, Table

Samples = dict[str, list[Sample]]


def median(rounds: list[Sample]) -> Sample:
    return Sample(*(statistics.median(getattr(one, field) for one in rounds) for field in Sample.__annotations__))


def ratios(rounds: list[Sample], base: list[Sample]) -> list[float]:
    """CPU per request, to that of the same round there."""
    return [one.cpu_micros / other.cpu_micros for one, other in zip(rounds, base, strict=True) if other.cpu_micros]


def _first_line(*command: object) -> str:
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    except OSError:
        return "unknown"
    return (done.stdout + done.stderr).strip().partition("\n")[0] or "unknown"


def _version(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    # Envoy names its own path and commit first.
    said = re.sub(r"[0-9a-f]{40}/", "", (done.stdout + done.stderr).replace(str(command[0]), ""))
    found = re.search(r"\d+\.\d+(?:\.\d+)?", said)
    return found[0] if found else "?"


def machine(args: argparse.Namespace) -> str:
    """What this was measured on, and what with."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    versions = {
        "nginx": _version("nginx", "-v"),
        "HAProxy": _version("haproxy", "-v"),
        "Envoy": _version(envoy_binary(), "--version"),
        "Caddy": _version("caddy", "version"),
        "Traefik": _version("traefik", "version"),
        "Redis": _version("redis-server", "--version"),
    }
    tools = {"wrk": _version("wrk", "-v"), "h2load": _version("h2load", "--version")}
    told = [", ".join(f"{name} {version}" for name, version in found.items()) for found in (versions, tools)]
    return (
        f"* Machine: {cpu[1] if cpu else platform.processor()}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}\n"
        f"* {_first_line(args.gatepass, '--version')}, profile `{args.gatepass.parent.name}`,"
        f" {_first_line('rustc', '--version')}; bare Pingora: the same build, flags and allocator\n"
        f"* {told[0]}; FastAPI on one uvicorn worker, Python {platform.python_version()}\n"
        f"* Load: {told[1]}"
    )


def goals(samples: Samples) -> str:
    """What is asked of a request with a token, and whether it is so."""
    lines = [
        "| CPU of a request with a token, to the same through | goal | access log in a file | | no access log | |",
        "|---|---:|---:|---|---:|---|",
    ]
    for name, most in GOALS:
        cells = [name, f"≤ {most:.2f}"]
        for ours in (GATEPASS, GATEPASS_SILENT):
            if name not in samples or ours not in samples:
                cells += ["", "not measured"]
                continue
            found = ratios(samples[ours], samples[name])
            value = statistics.median(found)
            cells += [f"{value:.2f} ({min(found):.2f}–{max(found):.2f})", "met" if value <= most else "**not met**"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _line(table: Table, name: str, samples: Samples, failed: dict[str, str]) -> str:
    bodies = table.key == "body"
    if name in failed:
        return f"| {name} | failed: {failed[name].partition(chr(10))[0][:100]} |" + " |" * (7 if bodies else 6)
    m, base = median(samples[name]), samples.get(base_of(table, name))
    ratio = statistics.median(ratios(samples[name], base) or [0]) if base else 0
    cells = [name, f"{m.cpu_micros:.1f}" if m.cpu_micros else "", f"{ratio:.2f}x" if ratio and m.cpu_micros else ""]
    if bodies:
        cells.append(f"{m.mib_per_second:.0f}")
    cells += [f"{m.rps:.0f}", *(f"{value:.0f}" for value in (m.p50, m.p99, m.p999))]
    return f"| {' | '.join([*cells, f'{m.rss_mib:.1f}' if m.rss_mib else ''])} |"


def lines(table: Table, samples: Samples, failed: dict[str, str]) -> str:
    columns = ["through" if table.key == "neighbours" else "", "CPU µs/request", table.to_base]
    columns += ["MiB/s"] if table.key == "body" else []
    columns += ["req/s", "p50 µs", "p99 µs", "p99.9 µs", "RSS MiB"]
    head = [f"| {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) - 1)}"]
    return "\n".join([*head, *(_line(table, row.name, samples, failed) for row in table.rows)])


def section(table: Table, samples: Samples, failed: dict[str, str]) -> str:
    """A table under its title, with what is to be known of it."""
    parts = [f"## {table.title}", lines(table, samples, failed), table.note]
    if table.key == "neighbours":
        parts += ["## Goals", goals(samples), "Median of the rounds' ratios, with the least and the most."]
    return "\n\n".join(parts)


def results(sections: list[str], args: argparse.Namespace) -> str:
    return f"""# What a request costs

Written by `benches/compare/run {args.seconds} {args.rounds}`. The proxies have one core and use one thread each; load and upstream have
another. {CONNECTIONS} connections, {PEOPLE:,} people in turn, each with a token that Gatepass issued; the upstream answers a small
JSON. Medians of {args.rounds} interleaved rounds of {args.seconds} s.

* **CPU µs/request**: user and system time of the proxy's processes in the round, by the requests answered in it. This is what
  a core is worth; it is the figure to compare.
* **A ratio** is the median of the rounds' ratios, and holds within its table: another run has other absolute figures.
* **req/s** and latencies are those of {CONNECTIONS} connections that ask as fast as they are answered: a busy proxy, or, with the
  cheapest of them, a busy load generator.
* Before the measurement each row showed its work: a good token reaches the upstream, and where the row authenticates, the
  upstream is told who asks, and no token, a forged, an expired and (where there are some) a revoked one are refused. One
  answer that is not 2xx, or one socket error, fails the run.

{machine(args)}

{(chr(10) * 2).join(sections)}
"""

"""What the comparison says: the machine it was made on, and the table of medians."""

import os
import platform
import re
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BARE = "bare Pingora"


@dataclass
class Sample:
    """What one round said of one target."""

    rps: float
    cpu_micros: float
    p50: float
    p99: float
    rss_mib: float


def machine() -> str:
    """What this was measured on, and what with."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())

    def first_line(*command: str) -> str:
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except OSError:
            return "unknown"
        return (done.stdout + done.stderr).strip().partition("\n")[0] or "unknown"

    return "\n".join(
        (
            f"* Machine: {cpu[1] if cpu else platform.processor()}, {os.cpu_count()} cores, Linux {platform.release()}",
            f"* Gatepass: {first_line('rustc', '--version')}, profile `dist`; bare Pingora: the same build, flags and allocator",
            f"* Neighbours: {first_line('nginx', '-v')}; {first_line('haproxy', '-v')}",
        )
    )


def table(samples: dict[str, list[Sample]]) -> str:
    medians = {
        name: Sample(*(statistics.median(getattr(one, field) for one in rounds) for field in Sample.__annotations__))
        for name, rounds in samples.items()
    }
    bare = medians[BARE].cpu_micros
    lines = [
        f"| {'through':25} | {'CPU µs/request':>14} | {'to bare Pingora':>15} | {'req/s':>8} | {'p50 µs':>7} | {'p99 µs':>7} | {'RSS MiB':>7} |",
        f"|{'-' * 27}|{'-' * 15}:|{'-' * 16}:|{'-' * 9}:|{'-' * 8}:|{'-' * 8}:|{'-' * 8}:|",
    ]
    for name, m in medians.items():
        lines.append(
            f"| {name:25} | {m.cpu_micros:14.1f} | {m.cpu_micros / bare:14.2f}x | {m.rps:8.0f} | {m.p50:7.0f} |"
            f" {m.p99:7.0f} | {m.rss_mib:7.1f} |"
        )
    return "\n".join(lines)

"""What a fresh gateway takes: time until it serves, memory, threads, disk; and the time to build it from nothing.

Each start is one of a fresh `gatepass init` folder, with its own store, in front of a real upstream. The time is from
just before the process is made until a request with a token has been answered 200 through the proxy.
"""

import argparse
import contextlib
import http.client
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from programs import free_ports

ROOT = Path(__file__).resolve().parents[2]
REQUESTS, CONNECTIONS, IDLE, PATIENCE = 1000, 16, 2.0, 30.0
MIB = 1 << 20
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Start:
    """One start: seconds until the first answer and CPU seconds of them, then what the process held, in MiB."""

    seconds: float
    cpu: float
    idle: dict[str, float]
    busy: dict[str, float]
    threads: int


def answer(stream: socket.socket) -> None:
    """Two bytes for every request, which none of this bench's clients sends in pieces."""
    with stream, contextlib.suppress(OSError):
        while stream.recv(65536):
            stream.sendall(ANSWER)


def serve(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=answer, args=(stream,), daemon=True).start()


@contextlib.contextmanager
def upstream() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def fresh(gatepass: str, folder: Path, port: int) -> tuple[int, str]:
    """A folder as `gatepass init` leaves it, but for the ports; the public one, and a token."""
    command = [gatepass, "init", "--upstream", f"127.0.0.1:{port}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    ports = free_ports(["PUBLIC", "ADMIN"])
    file = folder / "gateway.toml"
    text = file.read_text()
    for shipped, name in {"127.0.0.1:8080": "PUBLIC", "127.0.0.1:9090": "ADMIN"}.items():
        assert text.count(f'"{shipped}"') == 1, f"{shipped} is not what init listens on"
        text = text.replace(f'"{shipped}"', f'"127.0.0.1:{ports[name]}"')
    file.write_text(text)
    mint = [gatepass, "token", "mint", "--sub", "car:42"]
    return ports["PUBLIC"], subprocess.run(mint, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def ask(connection: http.client.HTTPConnection, token: str) -> None:
    connection.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
    reply = connection.getresponse()
    assert (reply.status, reply.read()) == (200, b"ok"), f"the gateway answers {reply.status}"


def first_answer(child: subprocess.Popen, port: int, token: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        if child.poll() is not None or time.monotonic() > end:
            sys.exit(f"no gateway on {port}; exit code: {child.returncode}")
        with contextlib.suppress(ConnectionRefusedError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            ask(connection, token)
            connection.close()
            return
        # Finer than what is measured, and not so fine that it takes the gateway's core.
        time.sleep(0.0005)


def cpu_seconds(pid: int) -> float:
    """What the threads of the process have had of all cores: the part of a start that another load does not lengthen."""
    stats = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(stat.split()[0]) for stat in stats) / 1e9


def memory(pid: int) -> dict[str, float]:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text() + Path(f"/proc/{pid}/status").read_text()
    wanted = {"RSS": "Rss", "PSS": "Pss", "of its own": "RssAnon", "of files": "RssFile", "huge pages": "AnonHugePages"}
    return {name: int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M)[1]) / 1024 for name, key in wanted.items()}


def start(gatepass: str, port: int) -> Start:
    with tempfile.TemporaryDirectory(prefix="footprint-") as name:
        folder = Path(name)
        public, token = fresh(gatepass, folder, port)
        with (folder / "log").open("wb") as log:
            began = time.perf_counter()
            child = subprocess.Popen(
                [gatepass, "run"], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                first_answer(child, public, token)
                seconds, cpu = time.perf_counter() - began, cpu_seconds(child.pid)
                time.sleep(IDLE)
                idle, threads = memory(child.pid), len(list(Path(f"/proc/{child.pid}/task").iterdir()))
                clients = [http.client.HTTPConnection("127.0.0.1", public, timeout=PATIENCE) for _ in range(CONNECTIONS)]
                for number in range(REQUESTS):
                    ask(clients[number % CONNECTIONS], token)
                for client in clients:
                    client.close()
                return Start(seconds, cpu, idle, memory(child.pid), threads)
            finally:
                child.terminate()
                child.wait(PATIENCE)


def sizes(gatepass: str) -> tuple[float, float]:
    """The binary as it is, and without any symbols."""
    with tempfile.TemporaryDirectory(prefix="footprint-") as name:
        copy = Path(name) / "gatepass"
        shutil.copy(gatepass, copy)
        subprocess.run(["strip", "-s", copy], check=True)
        return Path(gatepass).stat().st_size / MIB, copy.stat().st_size / MIB


def cold_build() -> float:
    """Seconds of `cargo build` with nothing built, crates downloaded, two cores."""
    subprocess.run(["cargo", "fetch", "--locked"], cwd=ROOT, check=True)
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))[:2]))
    with tempfile.TemporaryDirectory(prefix="footprint-") as name:
        began = time.perf_counter()
        command = ["taskset", "-c", cores, "cargo", "build", "--locked", "--target-dir", name]
        subprocess.run(command, cwd=ROOT, check=True)
        return time.perf_counter() - began


def told(starts: list[Start], gatepass: str, cold: float | None) -> str:
    """The table, with what was wanted."""

    def median(of: str, what: str) -> float:
        return statistics.median(getattr(one, of)[what] for one in starts)

    seconds = sorted(one.seconds * 1e3 for one in starts)
    cpu = statistics.median(one.cpu * 1e3 for one in starts)
    whole, stripped = sizes(gatepass)
    rows: list[tuple[str, str, float | None, float, str]] = [
        ("start to first served request, median", "ms", 100, statistics.median(seconds), f"{seconds[0]:.0f} to {seconds[-1]:.0f}; {cpu:.0f} of CPU"),
        ("resident memory (RSS), idle", "MiB", 25, median("idle", "RSS"), parts(median, "idle")),
        (f"resident memory (RSS), after {REQUESTS:,} requests", "MiB", None, median("busy", "RSS"), parts(median, "busy")),
        ("binary, stripped", "MiB", 25, stripped, f"{whole:.1f} with its symbols"),
        ("threads, idle", "", None, statistics.median(one.threads for one in starts), f"{os.cpu_count()} cores"),
    ]
    if cold is not None:
        rows.append(("`cargo build` from nothing, 2 cores", "s", None, cold, "profile `dev`, crates downloaded"))
    lines = ["| | wanted | is | met | |", "|---|---:|---:|---|---|"]
    for name, unit, wanted, found, note in rows:
        limit = "" if wanted is None else f"≤ {wanted:g} {unit}"
        met = "" if wanted is None else "yes" if found <= wanted else "**no**"
        shown = f"{found:.1f} {unit}" if unit == "MiB" else f"{found:.0f} {unit}".strip()
        lines.append(f"| {name} | {limit} | {shown} | {met} | {note} |")
    return "\n".join(lines)


def parts(median, of: str) -> str:
    return (
        f"PSS {median(of, 'PSS'):.1f}; {median(of, 'of its own'):.1f} of its own"
        f" ({median(of, 'huge pages'):.0f} in huge pages), {median(of, 'of files'):.1f} of files"
    )


def machine() -> str:
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    pages = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    huge = re.search(r"\[(\w+)\]", pages.read_text())[1] if pages.exists() else "unknown"
    return (
        f"* Machine: {cpu[1] if cpu else platform.processor()}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]},"
        f" transparent huge pages: {huge}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gatepass", required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--cold", action="store_true", help="also build from nothing: some minutes")
    args = parser.parse_args()
    with upstream() as port:
        starts = [start(args.gatepass, port) for _ in range(args.starts)]
    table = told(starts, args.gatepass, cold_build() if args.cold else None)
    print(table)
    args.results.write_text(f"""# How small Gatepass is, and how soon it is there

Written by `benches/footprint/run{" --cold" if args.cold else ""}`: medians of {args.starts} starts of a fresh `gatepass init`, default features,
profile `dist`. A start is timed from before the process is made until a request with a token has been answered 200
through the proxy. Idle is {IDLE:.0f} s later.

{machine()}

{table}
""")


if __name__ == "__main__":
    main()

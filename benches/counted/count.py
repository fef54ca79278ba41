"""How many instructions does a request cost? Asks the gateway each of the pinned requests, and judges the counts."""

import argparse
import base64
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from callgrind import Counter
from h2 import H2Client
from judge import Count, judge, record
from world import LARGE, SMALL, Client, House, Rest, Upstream

BASELINE = Path(__file__).resolve().parent / "baseline.json"
# Requests before anything is counted, and how many are counted at a time, how often: the middle of those is told.
WARM_UP, PART, PARTS = 100, 100, 9
# Parts that differ by more than this are no measurement; it is tried again, so often.
NOISY, ATTEMPTS = 0.015, 4


@dataclass(frozen=True)
class Pinned:
    """A request that is counted, and what is to come of it. Its gateway is one of `GATEWAYS`."""

    name: str
    gateway: str
    path: str
    token: str | None = "good"
    body: bytes = b""
    status: int = 200
    length: int | None = len(SMALL)


# By name: how many routes, and whether over TLS.
GATEWAYS = {"plain": (3, False), "large table": (1000, False), "tls": (3, True)}
PINNED = [
    Pinned("token", "plain", "/event/1"),
    Pinned("public route", "plain", "/about/1", token=None),
    Pinned("bad signature", "plain", "/event/1", token="forged", status=401, length=None),
    Pinned("revoked token", "plain", "/event/1", token="gone", status=401, length=None),
    Pinned("POST of 1 KiB", "plain", "/event/", body=b"x" * 1024),
    Pinned("answer of 100 KiB", "plain", "/event/large", length=len(LARGE)),
    Pinned("token, 1,000 routes", "large table", "/event/1"),
    Pinned("token, h2 over TLS", "tls", "/event/1"),
]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def asking(pinned: Pinned, house: House, rest: Rest, tokens: dict[str, str]) -> Callable[[], tuple[int, int]]:
    """A connection, and what asks over it once."""
    said = {"accept": "application/json", "user-agent": "counted"}
    if pinned.token:
        said["authorization"] = f"Bearer {tokens[pinned.token]}"
    if house.tls:
        pseudo = {":method": "GET", ":scheme": "https", ":authority": "localhost", ":path": pinned.path}
        return H2Client(house.port, rest, list((pseudo | said).items())).ask
    if pinned.body:
        said |= {"content-type": "application/json", "content-length": str(len(pinned.body))}
    line = f"{'POST' if pinned.body else 'GET'} {pinned.path} HTTP/1.1\r\nHost: localhost\r\n"
    head = line + "".join(f"{name}: {value}\r\n" for name, value in said.items()) + "\r\n"
    client = Client(house.port, rest)
    return lambda: client.ask(head.encode() + pinned.body)


def count(pinned: Pinned, ask: Callable[[], tuple[int, int]], counter: Counter, profile: Path) -> Count:
    """What one request costs: the middle of some parts. `profile` is to show where it goes."""

    def several(number: int) -> None:
        for _ in range(number):
            status, length = ask()
            if status != pinned.status or pinned.length not in (None, length):
                sys.exit(f"error: {pinned.name}: answered {status} with {length} bytes")

    several(WARM_UP)
    for _ in range(ATTEMPTS):
        before, parts = counter.at_rest(), []
        for _ in range(PARTS):
            several(PART)
            parts.append(counter.span())
        profile.write_bytes(counter.last().read_bytes())
        # On both sides: what it does by itself depends on how busy the machine is, which may change meanwhile.
        alone = before.plus(counter.at_rest())
        parts = sorted((part.without(alone) for part in parts), key=lambda part: part.cost)
        middle = parts[PARTS // 2]
        # The quartiles: a part in which something else was done does not matter.
        spread = (parts[PARTS * 3 // 4].cost - parts[PARTS // 4].cost) / middle.cost
        per_second = PART * PARTS / sum(part.seconds for part in parts)
        say(
            f"{pinned.name}: {middle.cost / PART:,.0f} instructions, spread {spread:.2%}, "
            f"{per_second:.0f} requests a second; {alone.rate():,.0f} instructions a second without requests"
        )
        if abs(spread) < NOISY:
            return Count(round(middle.cost / PART), round(middle.allocator_calls / PART))
    sys.exit(f"error: {pinned.name}: counts differ by more than {NOISY:.1%} from part to part: is the machine very busy?")


def count_all(binary: Path, folder: Path, pinned: list[Pinned], profiles: Path) -> dict[str, Count]:
    rest, counts = Rest(), {}
    upstream = Upstream(rest)
    for name, (routes, tls) in GATEWAYS.items():
        of_this = [one for one in pinned if one.gateway == name]
        if not of_this:
            continue
        house = House(binary, folder / name.replace(" ", "-"), upstream.port, routes, tls)
        good, gone = house.people()
        forged = good.rsplit(".", 1)[0] + "." + base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()
        tokens = {"good": good, "gone": gone, "forged": forged}
        counter = Counter(house.folder)
        with house.running(*counter.command()) as child:
            rest.process = counter.child = child.pid
            counter.at_rest()
            for one in of_this:
                profile = profiles / f"{one.name.replace(' ', '-')}.callgrind"
                counts[one.name] = count(one, asking(one, house, rest, tokens), counter, profile)
            rest.process = None
    return counts


def tools() -> dict[str, str]:
    """What moves the counts beside our own code."""

    def said(*command: str) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return {
        "machine": platform.machine(),
        "rustc": said("rustc", "--version").split()[1],
        "valgrind": said("valgrind", "--version").removeprefix("valgrind-"),
        "libc": " ".join(platform.libc_ver()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="benches/counted/run", description=__doc__)
    parser.add_argument("--binary", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--profiles", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bless", action="store_true", help="make these counts the baseline")
    parser.add_argument("--only", metavar="WORD", help="count only what has this in its name")
    args = parser.parse_args()
    if args.bless and args.only:
        parser.error("--bless takes all counts")
    pinned = [one for one in PINNED if (args.only or "") in one.name]
    args.profiles.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gatepass-counted-") as folder:
        counts = count_all(args.binary, Path(folder), pinned, args.profiles)
    if args.bless:
        BASELINE.write_text(json.dumps(record(tools(), counts), indent=2) + "\n")
    verdict = judge(json.loads(BASELINE.read_text()), tools(), counts, complete=not args.only)
    print(f"\n{verdict.table}\n")
    for remark in verdict.remarks:
        print(remark)
    if verdict.failed:
        print(f"Where they go: callgrind_annotate {args.profiles}/NAME.callgrind")
    print(f"counted requests: {verdict.passed} passed, {verdict.failed} failed")
    return 1 if verdict.failed else 0


if __name__ == "__main__":
    os.umask(0o077)
    # Ended from outside, it still ends its gateway.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended by SIGTERM"))
    sys.exit(main())

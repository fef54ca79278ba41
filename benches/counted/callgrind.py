"""A gateway under callgrind: how many instructions since it was last asked?

`cost` charges the allocator a flat price a call. What mimalloc does at a call depends on how full its pages happen to be:
the same requests cost up to 4 % more or less for it, by what was allocated long before. How often it is called does
not.
"""

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

DEADLINE = 120.0
# Instructions for one call of the allocator or of `free`, when its pages are neither empty nor full.
CALL = 49
ALLOCATOR = re.compile(r"_?_?mi_|__popcountdi2$")
# More than this in a second, and it does not wait for requests: it still starts.
RESTLESS = 5_000_000
NAMED = re.compile(r"c?fn=\((\d+)\)(?: (.*))?$")


@dataclass(frozen=True)
class Span:
    """What was counted, and in how many seconds."""

    cost: float
    allocator_calls: float
    seconds: float

    def rate(self) -> float:
        """Instructions a second."""
        return self.cost / self.seconds

    def plus(self, other: "Span") -> "Span":
        """Both together."""
        calls = self.allocator_calls + other.allocator_calls
        return Span(self.cost + other.cost, calls, self.seconds + other.seconds)

    def without(self, alone: "Span") -> "Span":
        """What is left without what the gateway does by itself, of which `alone` is a sample."""
        part = self.seconds / alone.seconds
        return Span(self.cost - alone.cost * part, self.allocator_calls - alone.allocator_calls * part, self.seconds)


def read(profile: str) -> tuple[int, int]:
    """From a profile: instructions outside the allocator, and calls into it."""
    names: dict[str, bool] = {}
    outside = calls = 0
    inside = called = inclusive = False
    for line in profile.splitlines():
        first = line[:1]
        if first and first in "+-*0123456789":
            # The line behind `calls=` is what the callee took.
            if not inclusive and not inside:
                # No cost is not written.
                outside += sum(map(int, line.split(" ", 2)[1:2]))
            inclusive = False
        elif named := NAMED.match(line):
            if named[2] is not None:
                names[named[1]] = bool(ALLOCATOR.match(named[2]))
            if first == "c":
                called = names[named[1]]
            else:
                inside = names[named[1]]
        elif line.startswith("calls="):
            inclusive = True
            if called and not inside:
                calls += int(line[6:].split(" ", 1)[0])
    return outside, calls


class Counter:
    """Asks valgrind inside the gateway `child`, whose command line began with `command`."""

    def __init__(self, folder: Path) -> None:
        self.pipes, self.out = f"--vgdb-prefix={folder / 'vgdb'}", folder / "callgrind.out"
        self.dumps, self.child, self.since = 0, 0, 0.0

    def command(self) -> list[str]:
        """Polls often for our questions, so that no thread has to be interrupted for one."""
        return [
            "valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={self.out}", self.pipes, "--vgdb-poll=500",
        ]  # fmt: skip

    def span(self) -> Span:
        """All threads, since this was last asked."""
        seconds = time.monotonic() - self.since
        asked = subprocess.run(
            ["vgdb", f"--pid={self.child}", self.pipes, "dump"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE,
        )  # fmt: skip
        self.since = time.monotonic()
        self.dumps += 1
        if asked.returncode or not self.last().exists():
            sys.exit(f"error: valgrind does not say what it counted: {asked.stdout}{asked.stderr}")
        if self.dumps > 1:
            Path(f"{self.out}.{self.dumps - 1}").unlink()
        outside, calls = read(self.last().read_text())
        return Span(outside + calls * CALL, calls, seconds)

    def last(self) -> Path:
        """The profile of what was counted last."""
        return Path(f"{self.out}.{self.dumps}")

    def at_rest(self) -> Span:
        """Waits until the gateway has started in full (it hashes a password for nobody), and counts what it does by itself."""
        end = time.monotonic() + DEADLINE
        self.span()
        while time.monotonic() < end:
            time.sleep(1)
            if self.span().rate() < RESTLESS:
                time.sleep(3)
                alone = self.span()
                if alone.rate() < RESTLESS:
                    return alone
        sys.exit(f"error: without a request, the gateway does not come below {RESTLESS:,} instructions a second")

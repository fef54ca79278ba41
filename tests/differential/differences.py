"""Where does Gatepass forward what all neighbours refuse, or refuse what all of them forward, and is there a reason?

differences.md is a table: the side, a pattern for the names of cases (`*` is anything), and the reason.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from case import Case, Outcome
from products import GATEPASS, NEIGHBOURS

FORWARDS, REFUSES = "forwards", "refuses"
ROW = re.compile(r"\| *(forwards|refuses) *\| *`(.+?)` *\| *(.+?) *\|\Z")


@dataclass(frozen=True)
class Entry:
    """A reason, and what it is the reason for."""

    side: str
    pattern: str
    why: str

    def matches(self, side: str, key: str) -> bool:
        parts = (re.escape(part) for part in self.pattern.split("*"))
        return side == self.side and re.fullmatch(".*".join(parts), key, re.DOTALL) is not None


def find(cases: list[Case], outcomes: dict[str, dict[str, Outcome]]) -> list[tuple[str, Case]]:
    """The side Gatepass is on, alone, and the case."""
    found = []
    for case in cases:
        if case.slow_after is not None:
            continue
        ours = outcomes[GATEPASS][case.key].forwarded
        if all(outcomes[name][case.key].forwarded != ours for name in NEIGHBOURS):
            found.append((FORWARDS if ours else REFUSES, case))
    return found


def read(path: Path) -> list[Entry]:
    rows = (ROW.match(line.strip()) for line in path.read_text().splitlines())
    return [Entry(*row.groups()) for row in rows if row]


def reason(entries: list[Entry], side: str, case: Case) -> str | None:
    return next((entry.why for entry in entries if entry.matches(side, shown(case))), None)


def shown(case: Case) -> str:
    """The case's name as a table can hold it."""
    return case.key.replace("|", "¦").replace("`", "'")


def check(found: list[tuple[str, Case]], entries: list[Entry]) -> list[str]:
    """Differences without a reason, and reasons without a difference."""
    problems = [
        f"no reason in differences.md: {side} {shown(case)}"
        for side, case in found
        if reason(entries, side, case) is None
    ]
    for entry in entries:
        if not any(entry.matches(side, shown(case)) for side, case in found):
            problems.append(f"differences.md: no difference is `{entry.side} {entry.pattern}`")
    return problems

"""What to say of the counts: beside the committed baseline, within a band, in both directions.

A request that has become dearer fails. One that has become cheaper fails too: with a baseline that is out of date, all
that was gained could be lost again unseen.
"""

from dataclasses import dataclass

# Per cent.
BAND = 3
# Another compiler, C library or valgrind moves the counts by itself; nobody should have to renew the baseline at once.
WIDE_BAND = 10
BLESS = "benches/counted/run --bless"


@dataclass(frozen=True)
class Count:
    """What one request costs: instructions, and how many of its calls went to the allocator."""

    instructions: int
    allocator_calls: int


@dataclass(frozen=True)
class Verdict:
    """A table, what is to be said besides, and the totals."""

    table: str
    remarks: list[str]
    passed: int
    failed: int


def record(tools: dict[str, str], counts: dict[str, Count]) -> dict:
    """The counts as benches/counted/baseline.json keeps them."""
    return {"tools": tools, "requests": {name: vars(count) for name, count in counts.items()}}


def judge(baseline: dict, tools: dict[str, str], counts: dict[str, Count], complete: bool = True) -> Verdict:
    """Compares; unless `complete`, what was not counted is not missed."""
    before = {name: Count(**count) for name, count in baseline["requests"].items()}
    differing = [
        f"{name} {tools.get(name, 'absent')} (the baseline: {baseline['tools'].get(name, 'absent')})"
        for name in sorted(tools.keys() | baseline["tools"].keys())
        if tools.get(name) != baseline["tools"].get(name)
    ]
    band = WIDE_BAND if differing else BAND
    remarks = []
    if differing:
        remarks.append(
            f"warning: counted with {', '.join(differing)}: compared within {band} % instead of {BAND} % until the "
            f"baseline is renewed: {BLESS}"
        )
    rows, failed = [], 0
    for name, now in counts.items():
        problem = explain(name, before.get(name), now, band)
        then = before.get(name)
        ratio = f"{now.instructions / then.instructions:.3f}" if then else "-"
        rows.append([
            name, f"{then.instructions:,}" if then else "-", f"{now.instructions:,}", ratio,
            f"{then.allocator_calls}" if then else "-", f"{now.allocator_calls}", "FAILED" if problem else "ok",
        ])  # fmt: skip
        if problem:
            remarks.append(problem)
            failed += 1
    for name in before.keys() - counts.keys() if complete else ():
        remarks.append(f"error: {name}: in the baseline, but not counted. If it is gone for good: {BLESS}")
        failed += 1
    if not counts:
        remarks.append("error: nothing was counted")
        failed += 1
    return Verdict(table(rows), remarks, sum(row[-1] == "ok" for row in rows), failed)


def explain(name: str, then: Count | None, now: Count, band: int) -> str | None:
    """What is wrong with a count, and the remedy."""
    if then is None:
        return f"error: {name}: not in the baseline. Take it in: {BLESS}"
    change = now.instructions - then.instructions
    if abs(change) * 100 <= band * then.instructions:
        return None
    calls = now.allocator_calls - then.allocator_calls
    said = (
        f"error: {name}: {now.instructions:,} instructions a request, the baseline is {then.instructions:,}: "
        f"{abs(change) / then.instructions * 100:.1f} % {'dearer' if change > 0 else 'cheaper'}, the band is {band} %; "
        f"calls of the allocator: {calls:+d}. "
    )
    if change > 0:
        return said + f"Find what was added and make it cheaper; if it is worth its price: {BLESS}, and say why"
    return said + f"Keep what was gained: {BLESS}"


def table(rows: list[list[str]]) -> str:
    """Markdown, numbers to the right."""
    head = ["request", "baseline", "counted", "ratio", "allocator calls before", "now", ""]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(row: list[str]) -> str:
        cells = [cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths))]
        return f"| {' | '.join(cells)} |"

    rule = [("-" * width) if at == 0 else "-" * (width - 1) + ":" for at, width in enumerate(max(w, 3) for w in widths)]
    widths = [max(width, 3) for width in widths]
    return "\n".join([line(head), f"| {' | '.join(rule)} |", *map(line, rows)])

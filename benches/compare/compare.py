"""What does a request cost through Gatepass, through its neighbours, and through Gatepass in each of its ways?

Proxies run with one thread on the first core; load, upstream and stores have the second. A table's rows are measured
in turn, round by round. Compare the ratios within a table: machines differ, and have moods.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import people
import plot
import report
from checks import check
from load import Failed, Load
from plan import chosen
from rows import Row, Sample, Table
from stage import Props, Stage, props

# Long enough for each of the people to be seen, and asked about, once.
WARM_UP = 2.0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def started(table: Table, stage: Stage) -> dict[str, Row]:
    """Every row, running and shown to do its work."""
    rows = {}
    for spec in table.rows:
        say(f"  starting {spec.name}")
        try:
            rows[spec.name] = spec.start(stage)
            check(rows[spec.name], stage)
        except (Failed, OSError) as why:
            sys.exit(f"error: {table.title}: {spec.name}: {why}")
    return rows


def measured(table: Table, folder: Path, shared: Props, args: argparse.Namespace) -> tuple[dict, dict]:
    """The samples of each row, and why rows failed."""
    samples: dict[str, list[Sample]] = {}
    failed: dict[str, str] = {}
    say(f"{table.key}: {len(table.rows)} rows")
    with contextlib.ExitStack() as stack:
        own = folder / table.key
        own.mkdir(mode=0o755)
        rows = started(table, Stage(stack, own, shared, args))
        loads = {name: Load(row, own, number) for number, (name, row) in enumerate(rows.items())}
        for turn in range(args.rounds + 1):
            if turn:
                say(f"  round {turn} of {args.rounds}")
            for name, load in loads.items():
                if name in failed:
                    continue
                try:
                    sample = load.round(args.seconds if turn else WARM_UP)
                except Failed as why:
                    failed[name] = str(why)
                    say(f"  FAILED: {name}: {why}")
                    continue
                if turn:
                    samples.setdefault(name, []).append(sample)
    return {name: found for name, found in samples.items() if name not in failed}, failed


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=int, nargs="?", default=2, help="of a round, for each row (default: 2)")
    parser.add_argument("rounds", type=int, nargs="?", default=6, help="how many (default: 6)")
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="only these tables or rows")
    parser.add_argument("--without", action="append", default=[], metavar="WORD", help="not these tables or rows")
    parser.add_argument("--list", action="store_true", help="name the tables and rows, and end")
    parser.add_argument("--gatepass", type=Path, required=True, help="its binary")
    parser.add_argument("--passthrough", type=Path, required=True, help="the binary of bare Pingora")
    parser.add_argument("--results", type=Path, required=True, help="folder for RESULTS.md, results.json, results.svg")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    tables = chosen(args.only, args.without)
    if args.list:
        print("\n".join(f"{table.key}: {row.name}" for table in tables for row in table.rows))
        return
    if not tables:
        sys.exit("nothing is left to measure; --list names the tables and rows")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("needs two cores: the proxies on one, load and upstream on the other")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("stopped"))
    samples, failed, sections = {}, False, []
    with tempfile.TemporaryDirectory(prefix="compare-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's worker is another user
        say(f"{people.PEOPLE} people sign in")
        shared = props(folder, people.settle(folder, args.gatepass))
        for table in tables:
            samples[table.key], why = measured(table, folder, shared, args)
            sections.append(report.section(table, samples[table.key], why))
            failed = failed or bool(why)
            print(f"{sections[-1]}\n", flush=True)
    if failed:
        sys.exit("error: rows failed; nothing was written")
    if args.only or args.without:
        say("a part only: nothing was written")
        return
    (args.results / "RESULTS.md").write_text(report.results(sections, args))
    (args.results / "results.svg").write_text(plot.bars(samples["neighbours"]))
    (args.results / "results.json").write_text(raw(samples))


def raw(samples: dict[str, dict[str, list[Sample]]]) -> str:
    """What every round said, as JSON: a line for each row."""

    def line(name: str, rounds: list[Sample]) -> str:
        fields = {field: [round(getattr(one, field), 2) for one in rounds] for field in Sample.__annotations__}
        return f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(fields)}"

    tables = [
        f" {json.dumps(key)}: {{\n" + ",\n".join(line(name, rounds) for name, rounds in found.items()) + "\n }"
        for key, found in samples.items()
    ]
    return "{\n" + ",\n".join(tables) + "\n}\n"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped")

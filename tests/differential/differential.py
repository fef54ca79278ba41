"""The same raw requests through Gatepass, nginx, HAProxy and Envoy: who holds, and where does Gatepass stand alone?

Every product is asked every case in the same order, one connection each, in a thread of its own.
"""

import argparse
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import differences
import report
from case import Case, Outcome
from cases import all_cases
from products import GATEPASS, Product, all_running
from recorder import Recorder
from tokens import Mint
from wire import Heard, converse, trickle

HERE = Path(__file__).resolve().parent
stopping = threading.Event()


def ask(product: Product, cases: list[Case], recorder: Recorder) -> dict[str, Outcome]:
    """Every case put to one product, one after the other."""
    outcomes = {}
    for case in cases:
        if stopping.is_set():
            break
        if case.slow_after is not None:
            continue
        before = len(recorder.seen[product.name])
        began = time.monotonic()
        heard = converse(product.port, case.raw)
        recorder.settle(product.name)
        seen = [one for one in recorder.seen[product.name][before:] if not one.target.endswith("/healthz?fence")]
        outcomes[case.key] = Outcome(heard, seen)
        took = time.monotonic() - began
        if took > 2:
            print(f"{product.name}: {took:.0f} s for {case.key} ({heard.outcome})", file=sys.stderr)
    return outcomes


def ask_slowly(product: Product, case: Case) -> tuple[str, Outcome]:
    lived = trickle(product.port, case.raw, case.slow_after or b"", stopping.is_set)
    return case.key, Outcome(Heard(None, "", lived is not None))


def ask_all(products: list[Product], cases: list[Case], recorder: Recorder) -> dict[str, dict[str, Outcome]]:
    """Product, then case, to what became of it."""
    slow = [case for case in cases if case.slow_after is not None]
    with ThreadPoolExecutor(len(products) * (1 + len(slow))) as threads:
        asked = {product.name: threads.submit(ask, product, cases, recorder) for product in products}
        late = {product.name: [threads.submit(ask_slowly, product, case) for case in slow] for product in products}
        try:
            return {name: future.result() | dict(one.result() for one in late[name]) for name, future in asked.items()}
        finally:
            stopping.set()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gatepass", required=True)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--show", help="print what became of the cases whose name begins so, and write nothing")
    args = parser.parse_args()
    # So that Ctrl-C and a stop from outside both unwind, and every program is stopped.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    recorder = Recorder()
    gatepass = str(Path(args.gatepass).resolve())
    with tempfile.TemporaryDirectory(prefix="differential-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's worker is another user
        with all_running(folder, recorder, gatepass, args.envoy) as (key, products):
            mint = Mint(key, int(time.time()))
            cases = all_cases(mint)
            if args.show:
                cases = [case for case in cases if case.key.startswith(args.show)]
            outcomes = ask_all(products, cases, recorder)
    if args.show:
        print(report.shown(cases, outcomes, mint))
        return
    found = differences.find(cases, outcomes)
    entries = differences.read(HERE / "differences.md")
    problems = differences.check(found, entries)
    failed = report.not_held(GATEPASS, cases, outcomes)
    problems += [f"Gatepass did not hold {case.key}: {wrong}" for case, wrong in failed]
    text = report.results(products, cases, outcomes, found, entries, mint)
    (HERE / "RESULTS.md").write_text(text)
    print(text.split("\n## ")[0])
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

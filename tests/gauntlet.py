#!/usr/bin/env python3
"""The security cases (tests/it/attacks/cases.txt) and what came of them.

gauntlet.py report LOG   the table, from what cargo nextest or cargo test printed into LOG; 1 if a case does not hold
gauntlet.py tests        the tests beside `attacks::` that show a case, one a line
"""
import os
import re
import sys
from collections import defaultdict

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "it", "attacks", "cases.txt")
GROUPS = {
    "A": "tokens",
    "B": "credentials and headers",
    "C": "paths and routes",
    "D": "messages",
    "E": "signing in",
    "F": "revocation and failures",
    "G": "resources",
    "H": "conformance",
}
# `PASS [ 0.012s] ( 1/300) gatepass::it attacks::x::y`, and `test attacks::x::y ... ok`.
NEXTEST = re.compile(r"^ *(?:TRY \d+ )?([A-Z]+(?:-[A-Z]+)*) \[[^]]*\] +(?:\([^)]*\) +)?\S+ (\S+)$")
LIBTEST = re.compile(r"^test (\S+) (?:- should panic )?\.\.\. (\w+)")
IDENTIFIER = re.compile(r"[a-h]\d\d[a-z]?$")


def cases():
    """identifier -> (why it waits or None, the tests elsewhere that show it)"""
    listed = {}
    with open(CASES, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                head, *notes = line.strip().split(" | ")
                notes = dict(note.split(": ", 1) for note in notes)
                shown = notes.get("shown by", "")
                listed[re.match(r"\w+", head)[0]] = notes.get("waiting"), shown.split(", ") if shown else []
    return listed


def results(log):
    """test -> whether it passed, for every test that ran"""
    ran = {}
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            if match := NEXTEST.match(line):
                if match[1] not in ("SLOW", "SKIP", "START"):
                    ran[match[2]] = match[1] in ("PASS", "FLAKY", "LEAK")
            elif match := LIBTEST.match(line):
                if match[2] != "ignored":
                    ran[match[1]] = match[2] == "ok"
    return ran


def claims(test):
    words = test.rsplit("::", 1)[-1].split("_")
    for word in words:
        if not IDENTIFIER.match(word):
            return
        yield word[0].upper() + word[1:]


def report(log):
    listed, ran = cases(), results(log)
    shown_by = defaultdict(list)
    for test in ran:
        if test.startswith("attacks::"):
            for case in claims(test):
                shown_by[case].append(test)
    counts = {group: [0, 0, 0, 0] for group in GROUPS}
    failing, waiting = [], []
    for case, (why, elsewhere) in listed.items():
        count = counts[case[0]]
        count[0] += 1
        if why:
            count[3] += 1
            waiting.append((case, why))
            continue
        tests = shown_by[case] + elsewhere
        bad = [test for test in tests if not ran.get(test)]
        if tests and not bad:
            count[1] += 1
        else:
            count[2] += 1
            told = [f"{test} {'failed' if test in ran else 'did not run'}" for test in bad]
            failing.append((case, ", ".join(told) or "no test claims it"))
    total = [sum(column) for column in zip(*counts.values())]
    print(f"{'Security cases':30}{'cases':>7}{'held':>7}{'failing':>9}{'waiting':>9}")
    for name, count in [*((f"{group}  {name}", counts[group]) for group, name in GROUPS.items()), ("all", total)]:
        print(f"{name:30}{count[0]:7}{count[1]:7}{count[2]:9}{count[3]:9}")
    for title, lines in ("failing", failing), ("waiting", waiting):
        if lines:
            print(f"\n{title}:")
            for case, why in lines:
                print(f"  {case:5} {why}")
    return 1 if failing else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["report", log]:
            sys.exit(report(log))
        case ["tests"]:
            for test in sorted({test for _, shown in cases().values() for test in shown}):
                print(test)
        case _:
            sys.exit(__doc__)

"""The tables: product by group, every case that was not held and why, and every difference with its reason."""

import re

import differences
from case import Case, Outcome
from differences import Entry
from products import DISCLAIMED, PRODUCTS, Product
from tokens import Mint

GROUPS = {
    "A": "A, H: tokens and challenges",
    "B": "B: credentials and headers",
    "C": "C: paths, methods, hosts",
    "D": "D: framing, upgrades, versions",
    "G": "G: heads that never end",
    "N": "N: ordinary requests",
}
HELD, NOT_HELD, NOT_ITS_JOB = "held", "not held", "not its job"
Outcomes = dict[str, dict[str, Outcome]]


def room(case: Case) -> str:
    return "A" if case.group.startswith("H") else case.group[0]


def verdict(name: str, case: Case, outcomes: Outcomes) -> tuple[str, str]:
    """How a product did, and what is wrong if it did not hold."""
    wrong = case.judge(outcomes[name][case.key])
    if not wrong:
        return HELD, ""
    return (NOT_ITS_JOB if case.feature in DISCLAIMED[name] else NOT_HELD), wrong


def not_held(name: str, cases: list[Case], outcomes: Outcomes) -> list[tuple[Case, str]]:
    judged = ((case, verdict(name, case, outcomes)) for case in cases)
    return [(case, wrong) for case, (said, wrong) in judged if said == NOT_HELD and room(case) != "N"]


def table(products: list[Product], cases: list[Case], outcomes: Outcomes) -> str:
    heads = [f"{product.name} {product.version}" for product in products]
    rows = ["| | cases | " + " | ".join(heads) + " |", "|---|---:|" + "---:|" * len(heads)]
    for letter, name in GROUPS.items():
        mine = [case for case in cases if room(case) == letter]
        cells = []
        for product in products:
            said = [verdict(product.name, case, outcomes)[0] for case in mine]
            others = f" + {said.count(NOT_ITS_JOB)}" if NOT_ITS_JOB in said else ""
            cells.append(f"{said.count(HELD)}{others}")
        rows.append(f"| {name} | {len(mine)} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def code(text: str, limit: int = 160) -> str:
    """Text as a table's cell can hold it, in one line."""
    text = text.encode("unicode_escape").decode("ascii").replace("|", "¦").replace("`", "'")
    return f"`{text if len(text) <= limit else text[:limit] + '…'}`"


def sent(case: Case, mint: Mint) -> str:
    """The request as it was sent, tokens named and what all requests have left out."""
    text = (
        mint.scrub(case.raw.decode("latin-1"))
        .replace("Host: gw.test\r\n", "", 1)
        .replace("Connection: close\r\n", "", 1)
    )
    return (
        text.removesuffix("\r\n\r\n").replace("\r\n", "⏎") if text.count("\r\n\r\n") == 1 else text.replace("\r\n", "⏎")
    )


def line(case: Case, wrong: str, mint: Mint) -> str:
    request = code(sent(case, mint)).replace("\\u23ce", "⏎").replace("\\u2026", "…")
    return (
        f"* **{case.group}** {differences.shown(case)[len(case.group) + 1 :]!r}: {request}: {stable(mint.scrub(wrong))}"
    )


def stable(text: str) -> str:
    """Without what changes from run to run."""
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:PORT", text)
    return text.replace("\r", "\\r").replace("\n", "\\n").replace("\0", "\\0")


def section(product: Product, cases: list[Case], outcomes: Outcomes, mint: Mint) -> str:
    ordinary = [case for case in cases if room(case) == "N"]
    refused = [case for case in ordinary if verdict(product.name, case, outcomes)[0] != HELD]
    parts = [f"## {product.name} {product.version}"]
    failed = not_held(product.name, cases, outcomes)
    parts.append("\n".join(line(case, wrong, mint) for case, wrong in failed) or "Every case was held.")
    disclaimed = [case for case in cases if verdict(product.name, case, outcomes)[0] == NOT_ITS_JOB]
    if disclaimed:
        parts.append(
            "Not its job, and not done: " + "; ".join(f"{differences.shown(case)}" for case in disclaimed) + "."
        )
    if refused:
        said = (
            f"{differences.shown(case)} ({verdict(product.name, case, outcomes)[1].removeprefix('not let through: ')})"
            for case in refused
        )
        parts.append("Ordinary requests not let through: " + "; ".join(said) + ".")
    return "\n\n".join(parts)


def results(
    products: list[Product],
    cases: list[Case],
    outcomes: Outcomes,
    found: list[tuple[str, Case]],
    entries: list[Entry],
    mint: Mint,
) -> str:
    lone = "\n".join(
        f"* Gatepass {side} `{differences.shown(case)}`: {differences.reason(entries, side, case) or '**why?**'}"
        for side, case in found
    )
    sections = "\n\n".join(section(product, cases, outcomes, mint) for product in products)
    return f"""# The same requests through Gatepass and its neighbours

Written by `tests/differential/run`. {len(cases)} cases, each the same bytes to every product, all configured for one
job: three public routes, an HS256 token for everything else, a scope for `/api/admin`, identity in `X-Auth-User`, and
nothing of the client's in its place. The configurations are in `tests/differential/peers`. Counted is what was held;
behind a `+`, what was not done and is not that product's job.

{table(products, cases, outcomes)}

How to read it: a case is held or not by what the upstream saw, never by the status alone, so repairing a request is as
good as refusing it if what is forwarded has one reading only. nginx has no module for tokens: what it says of group A,
a verifier of fifty lines on PyJWT says, asked by `auth_request`; it decides on the normalised path and passes on the
raw one, as `proxy_pass` without a path does. HAProxy stands there twice: as it comes, and with the path normalisers
that 2.6 calls experimental. Other versions and other configurations of the neighbours may do better or worse.
`⏎` is CR LF; a token is named in angle brackets; `Host: gw.test` and `Connection: close` are left out.

## Where Gatepass stands alone

What it forwards and nginx, HAProxy and Envoy all refuse, or refuses and they all forward; the reasons are in
`tests/differential/differences.md`.

{lone or "Nowhere."}

{sections}
"""


def shown(cases: list[Case], outcomes: Outcomes, mint: Mint) -> str:
    """For working on cases: everything about a few."""
    parts = []
    for case in cases:
        parts.append(f"== {case.key}\n{sent(case, mint)[:600]!r}")
        for name in PRODUCTS:
            outcome = outcomes[name][case.key]
            said, wrong = verdict(name, case, outcomes)
            parts.append(f"-- {name}: {outcome.heard.outcome}, {said} {wrong}")
            parts += [mint.scrub(repr(one.head)[:900]) + mint.scrub(repr(one.body)[:200]) for one in outcome.seen]
    return "\n".join(parts)

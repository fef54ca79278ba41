"""Every case, grouped by the identifiers of the security cases; `N` are ordinary requests that must be let through."""

from case import Case
from tokens import Mint

from . import framing, headers, ordinary, paths, tokens


def all_cases(mint: Mint) -> list[Case]:
    found = [case for room in (tokens, headers, paths, framing, ordinary) for case in room.cases(mint)]
    keys = [case.key for case in found]
    doubled = sorted({key for key in keys if keys.count(key) > 1})
    assert not doubled, f"two cases have one name: {doubled}"
    return found

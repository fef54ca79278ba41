"""After a whole run: is a secret in anything that any gateway of any test has said? Runs last (conftest.py)."""

import os
from collections import Counter

import pytest

import kept
from leaks import Search

# The least that each half must have kept, in bytes and in secrets: less means that the tests no longer listen.
LEAST = {"rust": ("it", 4_000_000, 1_000), "e2e": ("e2e", 100_000, 30)}


def test_no_secret_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    halves = os.environ.get("GATEPASS_RAN", "").split()
    assert kept.FOLDER and halves, "nothing was kept: run the tests with tests/run, which names the folder"
    secrets: set[tuple[str, str]] = set()
    said: Counter[str] = Counter()
    # A secret is one wherever it shows; many answers are the same, so each is looked at once.
    texts: dict[bytes, str] = {}
    for half in halves:
        prefix, least_said, least_secrets = LEAST[half]
        noted = [secret for file in kept.FOLDER.glob(f"secrets/{prefix}-*") for secret in kept.read_secrets(file)]
        secrets.update(noted)
        size = 0
        for file in kept.FOLDER.glob(f"said/{prefix}-*"):
            for source, text in kept.read_said(file):
                texts.setdefault(text, f"{file.name}, {source}")
                said[source] += len(text)
                size += len(text)
        assert size >= least_said, f"{half}: only {size} bytes were kept"
        assert len(set(noted)) >= least_secrets, f"{half}: only {len(set(noted))} secrets were noted"
    assert said["answer"] and said["stderr"] and said["stdout"], said

    search = Search(secrets)
    leaks = [f"{where}: {leak}" for text, where in texts.items() for leak in search.leaks(text)]
    kinds = Counter(kind for kind, _ in secrets)
    with capsys.disabled():
        print(
            f"\nsearched {sum(said.values())} bytes ({', '.join(f'{n} {source}' for source, n in said.most_common())})"
            f" for {len(secrets)} secrets ({', '.join(f'{n} {kind}' for kind, n in kinds.most_common())})"
        )
    assert not leaks, f"{len(leaks)} leaks:\n" + "\n".join(leaks[:200])

"""Fixtures: everything that a test starts is stopped when it ends, however it ends."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import kept
from world import Gateway, Person, Planner, temporary_folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The search through what all have said comes last."""
    items.sort(key=lambda item: item.path.name == "test_zz_secrets.py")


@pytest.fixture(autouse=True)
def _listening(monkeypatch: pytest.MonkeyPatch) -> None:
    kept.hear_httpx(monkeypatch)


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as path:
        yield path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[Any], Any]]:
    """Takes over whatever has a `close`, and closes it after the test, last one first."""
    with ExitStack() as stack:

        def keep(thing: Any) -> Any:
            stack.callback(thing.close)
            return thing

        yield keep


@pytest.fixture
def planner(folder: Path, start: Callable[[Any], Any]) -> Planner:
    return start(Planner(folder))


@pytest.fixture
def gateway(folder: Path, planner: Planner, start: Callable[[Any], Any]) -> Gateway:
    """One gateway before the planner, on embedded stores."""
    return start(Gateway(folder / "gateway", planner.port)).start()


@pytest.fixture
def alice(gateway: Gateway) -> Person:
    """Somebody signed up and signed in."""
    person = Person(gateway)
    assert person.sign_up().status_code == 200
    assert person.sign_in().status_code == 200
    return person

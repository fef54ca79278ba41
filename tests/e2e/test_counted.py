"""Does the guard of instruction counts (benches/counted) notice what it is there for?"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load(name: str) -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benches" / "counted" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"counted_{name}", path)
    module = importlib.util.module_from_spec(spec)
    # Where its data classes look themselves up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


judging, callgrind = load("judge"), load("callgrind")
TOOLS = {"machine": "x86_64", "rustc": "1.95.0"}
BASELINE = judging.record(TOOLS, {"token": judging.Count(100_000, 200), "public route": judging.Count(90_000, 190)})


def judged(token: int, tools: dict[str, str] = TOOLS, public: int = 90_000) -> tuple[int, int, str]:
    counts = {"token": judging.Count(token, 210), "public route": judging.Count(public, 190)}
    verdict = judging.judge(BASELINE, tools, counts)
    return verdict.passed, verdict.failed, "\n".join(verdict.remarks)


@pytest.mark.parametrize("token", [97_000, 100_000, 103_000])
def test_within_the_band_is_well(token: int) -> None:
    assert judged(token) == (2, 0, "")


def test_dearer_fails_and_says_what_to_do() -> None:
    passed, failed, said = judged(103_100)
    assert (passed, failed) == (1, 1)
    for part in ("token", "103,100", "100,000", "3.1 % dearer", "the band is 3 %", "+10", "run --bless, and say why"):
        assert part in said


def test_cheaper_fails_too_so_that_the_gain_is_kept() -> None:
    passed, failed, said = judged(96_900)
    assert (passed, failed) == (1, 1)
    assert "3.1 % cheaper" in said and "Keep what was gained: benches/counted/run --bless" in said


def test_another_compiler_widens_the_band_and_is_told() -> None:
    other = TOOLS | {"rustc": "1.96.0"}
    passed, failed, said = judged(109_000, other)
    assert (passed, failed) == (2, 0)
    assert said.startswith("warning: counted with rustc 1.96.0 (the baseline: 1.95.0)") and "--bless" in said
    assert judged(111_000, other)[:2] == (1, 1)
    assert judged(89_000, other)[:2] == (1, 1)


def test_new_and_missing_requests_fail() -> None:
    new = judging.judge(BASELINE, TOOLS, {"new": judging.Count(1, 1)})
    assert (new.passed, new.failed) == (0, 3)
    some = judging.judge(BASELINE, TOOLS, {"token": judging.Count(100_000, 200)}, complete=False)
    assert (some.passed, some.failed) == (1, 0)
    assert judging.judge(BASELINE, TOOLS, {}, complete=False).failed == 1


PROFILE = """\
version: 1
fn=(1) gatepass::serve
+3 70
cfn=(2) mi_malloc_aligned
calls=3 0
* 400
+1 30

fn=(2)
0 100
cfn=(3) _mi_malloc_generic
calls=1 0
0 300

fn=(3)
0 300

fn=(4) memcpy
7
-2 11

totals: 511
"""


def test_a_profile_is_read_without_what_the_allocator_takes() -> None:
    assert callgrind.read(PROFILE) == (70 + 30 + 11, 3)

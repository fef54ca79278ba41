"""Does the README tell the truth? Every `sh` block of it is run here, and what it says is printed is compared.

A block's kind stands behind `sh` in its fence. A line that begins with `#=>` is what the step above it prints, with
`…` for anything. Ports of the README that are taken on this machine are replaced throughout.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from world import CHECKOUT, DEADLINE, Gateway, Process, binary, eventually, free_port

README = (CHECKOUT / "README.md").read_text()
BLOCKS = dict(re.findall(r"^```sh *(\S*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
KINDS = {"demo", "test", "tour", "install", "own", "backend", "run", "own-tour"}
MARK = "\x1e"
GATEWAY, ADMIN, BACKEND = 8080, 9090, 8000
BUILD_DEADLINE = 1800.0


@pytest.fixture
def ports() -> dict[int, int]:
    """The README's ports, and what to use instead: themselves where they are free."""

    def free(port: int) -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
        return True

    return {port: port if free(port) else free_port() for port in (GATEWAY, ADMIN, BACKEND)}


def block(kind: str, ports: dict[int, int]) -> str:
    text = BLOCKS[kind]
    for port, instead in ports.items():
        text = re.sub(rf"\b{port}\b", str(instead), text)
    return text


def steps(text: str) -> list[tuple[str, str]]:
    """Each step of a block, and what the README says it prints ("…" if it says nothing)."""
    found: list[tuple[str, str]] = []
    command, expected = "", ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#=>"):
            expected += line.removeprefix("#=>").strip() + "\n"
            continue
        if command and not command.endswith("\\\n"):
            found.append((command, expected.strip() or "…"))
            command, expected = "", ""
        if not line.startswith("#"):
            command += f"{line}\n" if line.strip() or command else ""
    return found


def session(text: str, folder: Path, env: dict[str, str]) -> list[str]:
    """Runs a block in one bash session, compares what its steps print, tells it."""
    todo = steps(text)
    assert todo, "a block without a command"
    script = "set -e\n" + "".join(f"{command}printf '{MARK}'\n" for command, _ in todo)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=DEADLINE * 2)
    printed = [output.strip() for output in done.stdout.split(MARK)]
    assert done.returncode == 0, f"after {len(printed) - 1} steps: {done.stdout}\n{done.stderr}"
    for (command, expected), output in zip(todo, printed, strict=False):
        pattern = ".*".join(re.escape(part) for part in expected.split("…"))
        assert re.fullmatch(pattern, output, re.DOTALL), f"{command}\nprints  {output}\ninstead {expected}"
    return printed


def with_path(*folders: Path | str) -> dict[str, str]:
    return os.environ | {"PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]])}


def answers(port: int, path: str, status: int) -> Callable[[], bool]:
    return lambda: httpx.get(f"http://127.0.0.1:{port}{path}").status_code == status


def test_every_command_of_the_readme_is_known_here() -> None:
    fences = re.findall(r"^```(?:sh|bash|shell|console)\b *(\S*)$", README, re.MULTILINE)
    assert sorted(fences) == sorted(KINDS), "each kind once, and no command that is not run"


def test_the_command_for_the_tests_is_this_one() -> None:
    assert BLOCKS["test"].strip() == "tests/run"
    assert os.access(CHECKOUT / "tests" / "run", os.X_OK)


def section(name: str) -> str:
    """The text under the heading `name`."""
    return README.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]


def test_the_keys_are_those_of_the_reference(tmp_path: Path) -> None:
    told: set[str] = set()
    place = ""
    for row in re.findall(r"^\| (.+?) \|", section("Configuration"), re.MULTILINE):
        if heading := re.fullmatch(r"\*\*`\[+([a-z_]+(?:\.[a-z_]+)?)[^`]*`\*\*", row):
            place = heading[1]
        else:
            told |= {f"{place}.{key}" for key in re.findall(r"`([a-z_.]+)`", row)}
    known: set[str] = set()
    for line in (CHECKOUT / "gateway.toml").read_text().splitlines():
        if heading := re.match(r"(?:# )?\[+([a-z_.]+)\]", line):
            place = heading[1].replace("upstreams.planner", "upstreams")
        elif key := re.match(r"(?:# )?([a-z_]+) = ", line):
            known.add(f"{place}.{key[1]}")
    # Keys that the reference names in prose.
    prose = {
        "any_scope",
        "body_limit",
        "forward_authorization",
        "host",
        "idle_timeout",
        "name",
        "on_stale",
        "timeout",
        "token_query",
        "upstream",
        "websocket",
    }
    others = {"expect.host", "revocation.ca", "revocation.confirm", "tokens.also"}
    others |= {"endpoints.signup_claims", "signin_page.cookie", "signin_page.same_site"}
    # Sections that the reference only points to; the binary itself says what is known there.
    for place, before in {
        "users.fields": '[users]\nstore = "sqlite:a.db"\n[users.fields]',
        "tokens.trusted": "[[tokens.trusted]]",
    }.items():
        there = {f"{place}.{key}" for key in known_in(f"{before}\nno_such_key_at_all = 1\n", tmp_path)}
        assert {key for key in told if key.startswith(f"{place}.")} - {"users.fields.collection"} == there
        others |= there | {"users.fields.collection"}
    assert told - known <= {f"route.{key}" for key in prose} | others
    assert known <= told


def known_in(text: str, folder: Path) -> list[str]:
    """The keys that `gatepass check` names for an unknown one."""
    file = folder / "gateway.toml"
    file.write_text(text)
    said = subprocess.run([binary(), "check", file], capture_output=True, text=True, timeout=60)
    return re.search(r"known here: ([a-z_, ]+)", said.stdout + said.stderr)[1].strip().split(", ")


def test_the_metrics_are_those_that_are_there(gateway: Gateway) -> None:
    told = set(re.findall(r"`(gatepass_[a-z_]+)", section("Metrics")))
    httpx.get(f"{gateway.url}/event/")

    def there() -> set[str]:
        text = httpx.get(f"{gateway.admin_url}/metrics").text
        return set(re.findall(r"^# TYPE (gatepass_[a-z_]+) ", text, re.MULTILINE))

    # A request is counted after its answer.
    eventually("the request is counted", lambda: "gatepass_requests_total" in there())
    # This one is there while a Redis is set up so that it may lose revocations.
    assert told - {"gatepass_revocation_store_warning"} == there()


def test_the_outcomes_are_those_of_the_source() -> None:
    told = set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", section("Outcomes"))) - {"error_description", "on_stale"}
    source = (CHECKOUT / "src" / "access" / "reason.rs").read_text()
    assert told == set(re.findall(r'Self::\w+ => "([a-z_]+)"', source))


def test_the_figures_are_those_of_the_kept_runs() -> None:
    kept = (CHECKOUT / "tests/differential/RESULTS.md").read_text()
    table = kept[kept.index("| | cases |") :].split("\n\n")[0]
    assert table.count("\n") >= 7 and table in README
    kept = (CHECKOUT / "benches/compare/RESULTS.md").read_text()
    goals = kept[kept.index("| CPU of a request with a token") :].split("\n\n")[0]
    assert goals.count("\n") >= 4 and goals in README
    kept = (CHECKOUT / "benches/footprint/RESULTS.md").read_text()
    started, held, _, size = (float(found) for found in re.findall(r"\| (\d+(?:\.\d+)?) (?:ms|MiB) \|", kept)[:4])
    assert f"takes {started:.0f} ms, idle it holds {held:.0f} MiB, and the stripped binary has {size:.0f} MiB" in README


def test_what_the_readme_points_to_is_there() -> None:
    paths = set(re.findall(r"\]\((?!https?://|#)([^)#]+)", README))
    assert len(paths) > 8 and all((CHECKOUT / path).exists() for path in paths), paths
    benches = re.findall(r"cargo bench --bench (\w+)", README)
    assert benches and all((CHECKOUT / f"benches/{bench}.rs").exists() for bench in benches), benches
    assert "--profile long" in README and "[profile.long]" in (CHECKOUT / ".config/nextest.toml").read_text()
    scripts = {"tests/run", "tests/differential/run", "fuzz/run", "benches/compare/run", "benches/counted/run", "benches/footprint/run", "packaging/demo"}
    for script in scripts:
        assert script in README and os.access(CHECKOUT / script, os.X_OK), script


def test_the_demo_and_the_tour(folder: Path, ports: dict[int, int], start: Callable[[Any], Any]) -> None:
    (command,) = BLOCKS["demo"].splitlines()
    if ports[GATEWAY] != GATEWAY:
        command += f" --port {ports[GATEWAY]}"
    demo = start(Process("demo", ["bash", "-c", f"cd '{CHECKOUT}' && exec {command}"], folder))
    up = answers(ports[GATEWAY], "/event/", 401)
    eventually("the demo answers", lambda: demo.alive() and up(), BUILD_DEADLINE)
    session(block("tour", ports), folder, with_path())
    said = demo.stdout_path.read_text() + demo.stderr_path.read_text()
    assert said.count("curl ") >= 4, f"it prints its own tour:\n{said}"
    assert demo.end() == 0


def test_your_own_backend_in_five_minutes(folder: Path, ports: dict[int, int], start: Callable[[Any], Any]) -> None:
    # The one word added: a debug build, which is there already.
    (install,) = BLOCKS["install"].splitlines()
    root = os.environ | {"CARGO_INSTALL_ROOT": str(folder / "installed")}
    subprocess.run(["bash", "-c", f"{install} --debug"], cwd=CHECKOUT, env=root, check=True, timeout=BUILD_DEADLINE)
    env = with_path(folder / "installed" / "bin", Path(sys.executable).parent)

    (backend,) = block("backend", ports).splitlines()
    here = Path(__file__).parent
    (folder / "main.py").write_text("from planner.main import app\n")
    own = env | {"PYTHONPATH": f"{folder}:{here}", "PLANNER_DATABASE": str(folder / "events.db")}
    uvicorn = start(Process("backend", ["bash", "-c", f"exec {backend}"], folder, own))
    there = answers(ports[BACKEND], "/openapi.json", 200)
    eventually("the backend answers", lambda: uvicorn.alive() and there())

    session(block("own", ports), folder, env)
    config = folder / "my-gateway" / "gateway.toml"
    text = config.read_text()
    for port in (GATEWAY, ADMIN):
        text = re.sub(rf"\b{port}\b", str(ports[port]), text)
    config.write_text(text)
    assert (config.parent / "gatepass.secret").stat().st_mode & 0o777 == 0o600

    (run,) = BLOCKS["run"].splitlines()
    gateway = start(Process("gatepass", ["bash", "-c", f"exec {run}"], config.parent, env))
    ready = answers(ports[ADMIN], "/readyz", 200)
    eventually("the gateway is ready", lambda: gateway.alive() and ready())
    printed = session(block("own-tour", ports), config.parent, env)
    assert any("Not Found" in output for output in printed), "the backend itself has answered"
    assert gateway.end() == 0

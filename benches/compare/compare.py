"""Gatepass beside bare Pingora, nginx and HAProxy on loopback: CPU per request, throughput, latency, memory.

Every proxy runs with one worker thread on core 0, the upstream and one wrk thread on core 1; each round measures every
target once, and the medians of the rounds are told. Compare the ratios within one run: machines differ, and have moods.
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from report import BARE, Sample, machine, table

HERE = Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")
MICROS = {"us": 1.0, "ms": 1e3, "s": 1e6}
TOKENS, CONNECTIONS, WARM_UP = 1000, 64, 2


@dataclass
class Target:
    """One proxy (or one way through it) to be measured."""

    name: str
    port: int
    path: str
    pid: int


def free_ports(names: list[str]) -> dict[str, int]:
    with contextlib.ExitStack() as stack:
        probes = {name: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
        return {name: probe.getsockname()[1] for name, probe in probes.items()}


def fill(name: str, folder: Path, values: dict[str, object]) -> Path:
    """Writes the template `name` into `folder`, every @NAME@ replaced."""
    text = re.sub(r"@([A-Z]+)@", lambda found: str(values[found[1]]), (HERE / name).read_text())
    (folder / name).write_text(text)
    return folder / name


@contextlib.contextmanager
def running(core: int, command: list[str], folder: Path) -> Iterator[subprocess.Popen]:
    errors = (folder / f"{Path(command[0]).name}-{core}.stderr").open("ab")
    pinned = ["taskset", "-c", str(core), *command]
    child = subprocess.Popen(pinned, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        errors.close()


def status(port: int, path: str, token: str | None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def wait_for(child: subprocess.Popen, port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if child.poll() is not None:
            sys.exit(f"{child.args} ended with code {child.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"nothing listens on {port} after 60 s: {child.args}")


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(part: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def sign_in(port: int) -> str:
    """The token of a user who signs up and in at the gateway."""
    email, password = "model@example.org", secrets.token_urlsafe(16)
    url, as_json = f"http://127.0.0.1:{port}", {"Content-Type": "application/json"}
    body = json.dumps({"email": email, "password": password}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{url}/user/signup", body, as_json)).close()
    form = urllib.parse.urlencode({"username": email, "password": password}).encode()
    with urllib.request.urlopen(f"{url}/token", form) as answer:
        return json.load(answer)["access_token"]


def many_tokens(model: str, secret: str) -> list[str]:
    """A thousand tokens of a thousand users, modelled on one that Gatepass issued: same header, same claims."""
    head, body, _ = model.split(".")
    claims = decode(body)

    def token(number: int) -> str:
        email = f"user{number:04d}@example.org"
        user = {"sub": encode(secrets.token_bytes(16)), "preferred_username": email, "email": email}
        own = claims | user | {"jti": encode(secrets.token_bytes(16)), "sid": encode(secrets.token_bytes(16))}
        signed = f"{head}.{encode(json.dumps(own, separators=(',', ':')).encode())}"
        return f"{signed}.{encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"

    return [token(number) for number in range(TOKENS)]


def wrk_script(folder: Path, path: str, tokens: list[str]) -> Path:
    """A script that sends the tokens in turn; the same requests to every target but for the path."""
    (folder / "tokens.txt").write_text("\n".join(tokens))
    script = folder / f"load{path.replace('/', '-')}.lua"
    script.write_text(f"""
local requests, turn = {{}}, 0
init = function()
  for token in io.lines("{folder / 'tokens.txt'}") do
    local headers = {{ ["Authorization"] = "Bearer " .. token, ["Accept"] = "application/json", ["User-Agent"] = "wrk" }}
    requests[#requests + 1] = wrk.format("GET", "{path}", headers)
  end
end
request = function() turn = turn % #requests + 1; return requests[turn] end
""")
    return script


def family(pid: int) -> list[int]:
    """The process and its children (nginx works in one)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def cpu_seconds(pids: list[int]) -> float:
    """User and system time so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def rss_mib(pids: list[int]) -> float:
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) for text in texts) / 1024


def measure(target: Target, script: Path, seconds: int) -> Sample:
    pids = family(target.pid)
    before = cpu_seconds(pids)
    load = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script)]
    out = subprocess.run([*load, f"http://127.0.0.1:{target.port}"], capture_output=True, text=True, check=True).stdout
    if re.search(r"Non-2xx or 3xx responses|Socket errors", out):
        sys.exit(f"{target.name} did not answer everything:\n{out}")
    count = int(re.search(r"(\d+) requests in", out)[1])

    def latency(percentile: int) -> float:
        value, unit = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", out).groups()
        return float(value) * MICROS[unit]

    rps = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    return Sample(rps, (cpu_seconds(pids) - before) / count * 1e6, latency(50), latency(99), rss_mib(pids))


def start_all(stack: contextlib.ExitStack, folder: Path, args: argparse.Namespace) -> tuple[list[Target], list[str]]:
    """Starts everything and makes sure that each does its work: the right answers, and 401 without a token."""
    ports = free_ports(["UPSTREAM", "NGINX", "HAPROXY", "BARE", "GATEPASS", "ADMIN"])
    secret = secrets.token_hex(32)
    values = ports | {"SECRET": secret}
    (folder / "gatepass.secret").touch(mode=0o600)
    (folder / "gatepass.secret").write_text(secret)

    def launch(core: int, port: str, *command: object) -> int:
        child = stack.enter_context(running(core, [str(part) for part in command], folder))
        wait_for(child, ports[port])
        return child.pid

    nginx = ["nginx", "-p", folder, "-e", "nginx.log", "-c"]
    launch(1, "UPSTREAM", *nginx, fill("nginx-upstream.conf", folder, values))
    plain = launch(0, "NGINX", *nginx, fill("nginx-plain.conf", folder, values))
    haproxy = launch(0, "HAPROXY", "haproxy", "-db", "-f", fill("haproxy.cfg", folder, values))
    addresses = [f"127.0.0.1:{ports[name]}" for name in ("BARE", "UPSTREAM")]
    bare = launch(0, "BARE", args.passthrough, *addresses)
    targets = [
        Target("nginx, no authentication", ports["NGINX"], "/event/1", plain),
        Target("HAProxy, jwt_verify", ports["HAPROXY"], "/event/1", haproxy),
        Target(BARE, ports["BARE"], "/event/1", bare),
    ]
    config = fill("gateway.toml", folder, values)
    gatepass = launch(0, "GATEPASS", args.gatepass, "run", "--config", config)
    targets.append(Target("Gatepass, public route", ports["GATEPASS"], "/about/1", gatepass))
    targets.append(Target("Gatepass, with a token", ports["GATEPASS"], "/event/1", gatepass))
    tokens = many_tokens(sign_in(ports["GATEPASS"]), secret)
    for target in targets:
        assert status(target.port, target.path, tokens[-1]) == 200, f"{target.name} does not answer"
    for target in (targets[1], targets[4]):
        assert status(target.port, target.path, None) == 401, f"{target.name} lets strangers in"
        assert status(target.port, target.path, tokens[0][:-4] + "AAAA") == 401, f"{target.name} believes a forgery"
    return targets, tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--gatepass", required=True)
    parser.add_argument("--passthrough", required=True)
    parser.add_argument("--results", type=Path, required=True)
    args = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        sys.exit("needs two cores: the proxies on one, load and upstream on the other")
    samples: dict[str, list[Sample]] = {}
    with tempfile.TemporaryDirectory(prefix="compare-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's worker is another user
        targets, tokens = start_all(stack, folder, args)
        scripts = {target.path: wrk_script(folder, target.path, tokens) for target in targets}
        for target in targets:
            measure(target, scripts[target.path], WARM_UP)
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
            for target in targets:
                samples.setdefault(target.name, []).append(measure(target, scripts[target.path], args.seconds))
    result = table(samples)
    print(result)
    args.results.write_text(f"""# One request through Gatepass, and through its neighbours

Written by `benches/compare/run {args.seconds} {args.rounds}`. One worker thread each, {CONNECTIONS} connections, {TOKENS} different tokens in turn;
medians of {args.rounds} interleaved rounds of {args.seconds} s. Ratios hold within this run only.

{machine()}

{result}
""")


if __name__ == "__main__":
    main()

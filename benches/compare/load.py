"""How is a row put under load, and what does it cost meanwhile? Any answer but 2xx, and any error, fails the row."""

import json
import re
import subprocess
from pathlib import Path

from programs import OTHERS
from recorder import cpu_seconds, family, rss_mib
from rows import Row, Sample

MIB = 1024 * 1024
MICROS = {"us": 1.0, "ms": 1e3, "s": 1e6}
PARTS = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
# Bytes from which on a body is long, and from which on a round must not be short.
LONG, LARGE = 64 * 1024, MIB
SCRIPT = """
local requests, turn = {}, 0
init = function()
  local body
  if "@BODY@" ~= "" then
    local file = io.open("@BODY@", "rb")
    body = file:read("*a")
    file:close()
  end
  for line in io.lines("@LINES@") do
    local path, token = line:match("^(%S+) (%S+)$")
    local headers = { ["Authorization"] = "Bearer " .. token, ["Accept"] = "application/json", ["User-Agent"] = "wrk" }
    requests[#requests + 1] = wrk.format("@METHOD@", path, headers, body)
  end
end
request = function() turn = turn % #requests + 1; return requests[turn] end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"bytes":%d,"micros":%d,"bad":%d,"failed":%d,"p50":%f,"p99":%f,"p999":%f}\\n',
    summary.requests, summary.bytes, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""


class Failed(Exception):
    """A row did not do what it is there for."""


class Load:
    """The requests of a row, ready to be sent again and again."""

    def __init__(self, row: Row, folder: Path, number: int) -> None:
        self.row = row
        self.folder = folder
        self.pids = [pid for first in row.pids for pid in family(first)]
        self.size = (row.upload or row.download).stat().st_size if row.upload or row.download else 0
        lines, self.script = folder / f"{number}.requests", folder / f"{number}.lua"
        count = max(len(row.paths), len(row.tokens))
        turns = [f"{row.paths[n % len(row.paths)]} {row.tokens[n % len(row.tokens)]}" for n in range(count)]
        lines.write_text("\n".join(turns))
        values = {"BODY": row.upload or "", "LINES": lines, "METHOD": "POST" if row.upload else "GET"}
        self.script.write_text(re.sub(r"@([A-Z]+)@", lambda found: str(values[found[1]]), SCRIPT))
        self.log = folder / f"{number}.h2load"
        # Requests a second, as far as is known.
        self.rate = 2000.0

    def round(self, seconds: float) -> Sample:
        """One round: what it cost, and how it went."""
        for log in [*self.row.logs, self.row.uploads]:
            if log and log.exists():
                # Its writer appends, and goes on at the new end.
                log.open("r+").truncate(0)
        if self.size >= LARGE:
            seconds = max(seconds, 2)
        before = cpu_seconds(self.pids)
        told = self._h2load(seconds) if self.row.h2load is not None else self._wrk(seconds)
        cpu = cpu_seconds(self.pids) - before
        if not told["requests"]:
            raise Failed("not one answer in time")
        if self.row.uploads:
            told["bytes"] = self._uploaded(told["requests"])
        elif told["bytes"] < self.size * told["requests"]:
            raise Failed(f"{told['requests']} answers had {told['bytes']} bytes, fewer than {self.size} each")
        # Of long bodies, those that were under way in the end count by their bytes.
        requests = told["bytes"] / self.size if self.size >= LONG else told["requests"]
        rps = requests / told["micros"] * 1e6
        return Sample(
            rps,
            cpu / requests * 1e6,
            told["p50"],
            told["p99"],
            told["p999"],
            rss_mib(self.pids),
            rps * self.size / MIB,
        )

    def _wrk(self, seconds: float) -> dict:
        row = self.row
        command = ["taskset", "-c", str(OTHERS), "wrk", "-t1", f"-c{row.connections}", f"-d{seconds:g}s", "--timeout", "30s"]
        done = subprocess.run([*command, "-s", self.script, f"http://127.0.0.1:{row.port}"], capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            raise Failed(f"wrk ended with code {done.returncode}: {done.stdout}{done.stderr}")
        told = json.loads(lines[-1])
        if told["bad"] or told["failed"]:
            raise Failed(f"{told['bad']} answers were not 2xx, {told['failed']} socket errors, of {told['requests']}")
        return told

    def _h2load(self, seconds: float) -> dict:
        """h2load knows one set of headers: these requests have one token. It is told how many to send, as many as it did
        in that time before: told a time, it never ends if a handshake takes longer."""
        row = self.row
        self.log.unlink(missing_ok=True)
        count = max(1000, int(self.rate * seconds))
        command = ["taskset", "-c", str(OTHERS), "h2load", "-t1", "-n", str(count), f"--log-file={self.log}"]
        headers = [f"authorization: Bearer {row.tokens[0]}", "accept: application/json", "user-agent: h2load"]
        for header in headers:
            command += ["-H", header]
        url = f"{'https' if row.tls else 'http'}://127.0.0.1:{row.port}{row.paths[0]}"
        try:
            done = subprocess.run([*command, *row.h2load, url], capture_output=True, text=True, timeout=60 + seconds * 20)
        except subprocess.TimeoutExpired as why:
            raise Failed(f"h2load does not end with its {count} requests") from why
        out = done.stdout + done.stderr
        counts = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out)
        lost = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", out)
        took = re.search(r"finished in ([\d.]+)(us|ms|s),", out)
        if done.returncode or not counts or not lost or not took:
            raise Failed(f"h2load ended with code {done.returncode}: {out}")
        spoken = re.search(r"Application protocol: (\S+)", out)
        wanted = "h2" if row.tls and "--h1" not in row.h2load else "http/1.1"
        if not spoken or spoken[1] != wanted:
            raise Failed(f"h2load spoke {spoken[1] if spoken else 'nothing known'}, not {wanted}")
        if any(int(count) for count in [*counts.groups()[1:], *lost.groups()]):
            raise Failed(f"not every answer was 2xx: {counts[0]}; {lost[0]}")
        entries = [line.split("\t") for line in self.log.read_text().splitlines()]
        times = sorted(int(entry[2]) for entry in entries if entry[1] == "200")
        if int(counts[1]) != count or len(times) != count:
            raise Failed(f"h2load sent {count} requests, counted {counts[1]} good answers, and logged {len(times)}")
        micros = float(took[1]) * MICROS[took[2]]
        self.rate = count / micros * 1e6
        at = {name: times[min(count - 1, int(count * part))] for name, part in PARTS.items()}
        return at | {"requests": count, "bytes": 0, "micros": micros}

    def _uploaded(self, requests: int) -> int:
        """How many bytes the upstream read; of as many uploads as were answered, all of them."""
        lengths = [int(line) for line in self.row.uploads.read_text().split()]
        if sum(length >= self.size for length in lengths) < requests:
            raise Failed(
                f"of {requests} uploads the upstream read {len(lengths)}, the shortest {min(lengths, default=0)} bytes"
            )
        return sum(lengths)

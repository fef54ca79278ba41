"""How is a program of the comparison started, pinned to a core, waited for and stopped?"""

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# The proxies have the first core; load, upstream and stores the other.
PROXIES, OTHERS = 0, 1
START, STOP = 60.0, 10.0


def free_ports(names: list[str]) -> dict[str, int]:
    with contextlib.ExitStack() as stack:
        probes = {name: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
        return {name: probe.getsockname()[1] for name, probe in probes.items()}


def fill(name: str, folder: Path, values: dict[str, object]) -> Path:
    """Writes the template `name` into `folder`, every @NAME@ replaced; replacements may hold names themselves."""
    text = (HERE / "configs" / name).read_text()
    while (filled := re.sub(r"@([A-Z]+)@", lambda found: str(values[found[1]]), text)) != text:
        text = filled
    (folder / name).write_text(text)
    return folder / name


@contextlib.contextmanager
def running(
    core: int, command: list[Any], folder: Path, stdout: Path | None = None, end: signal.Signals = signal.SIGTERM
) -> Iterator[subprocess.Popen]:
    """Runs a program while the block lasts. It has a session of its own, because a Ctrl-C is for us, who stop it; and
    it is told to end should we be killed."""
    pinned = ["setpriv", "--pdeathsig", end.name, "taskset", "-c", str(core), *map(str, command)]
    with (folder / f"{Path(str(command[0])).name}-{core}.stderr").open("ab") as errors, contextlib.ExitStack() as stack:
        output: Any = stack.enter_context(stdout.open("ab")) if stdout else subprocess.DEVNULL
        child = subprocess.Popen(
            pinned, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
        )
        try:
            yield child
        finally:
            child.send_signal(end)
            try:
                child.wait(STOP)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def eventually(what: str, condition: Callable[[], Any], child: subprocess.Popen, seconds: float = START) -> Any:
    """The first true answer; a program that ends before ends the run."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if child.poll() is not None:
            sys.exit(f"{' '.join(child.args[5:])} ended with code {child.returncode}")
        with contextlib.suppress(OSError):
            if answer := condition():
                return answer
        time.sleep(0.05)
    sys.exit(f"not after {seconds:.0f} s: {what}: {' '.join(child.args[5:])}")


def wait_for(child: subprocess.Popen, port: int) -> None:
    def listens() -> bool:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True

    eventually(f"listens on {port}", listens, child)


class Programs:
    """What runs for one table of the comparison: each program once, in a folder of its own."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.made: dict[str, Any] = {}

    def once(self, name: str, start: Callable[[], Any]) -> Any:
        """What `start` gave when it was first asked for."""
        if name not in self.made:
            self.made[name] = start()
        return self.made[name]

    def own_folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(mode=0o755)
        return folder

    def launch(
        self,
        core: int,
        port: int,
        command: list[Any],
        folder: Path,
        stdout: Path | None = None,
        end: signal.Signals = signal.SIGTERM,
    ) -> subprocess.Popen:
        """Starts a program that listens on `port` by the time this returns."""
        child = self.stack.enter_context(running(core, command, folder, stdout, end))
        try:
            wait_for(child, port)
        except SystemExit:
            for file in folder.glob("*.stderr"):
                print(f"{file.name}: {file.read_text(errors='replace')[-3000:]}", file=sys.stderr)
            raise
        return child

"""The applications of examples/: each as its team had it (`before`), with its authentication deleted (`after`), the
`gateway.toml` that takes over, and the application's own client, which knows nothing of all this.

`python tests/e2e/example.py` prints the table of examples/README.md: what goes away.
"""

import difflib
import importlib.util
import os
import re
import secrets
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import httpx
import pymongo

import kept
from world import Gateway, Process, eventually, free_port

EXAMPLES = Path(__file__).resolve().parent / "examples"
FORWARDED = ["--proxy-headers", "--forwarded-allow-ips", "127.0.0.1"]


def script(name: str) -> ModuleType:
    """A script of an example, such as `planner/client.py`, under a name of its own."""
    path = EXAMPLES / name
    spec = importlib.util.spec_from_file_location(name.removesuffix(".py").replace("/", "_"), path)
    assert spec and spec.loader, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class App(Process):
    """An application of an example, such as `planner/before`, under uvicorn."""

    def __init__(self, name: str, folder: Path, env: dict[str, str], flags: list[str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "uvicorn", "main:app", "--app-dir", str(EXAMPLES / name)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), *(FORWARDED if flags is None else flags)]
        super().__init__(name.replace("/", "-"), command, folder, env | {"PYTHONDONTWRITEBYTECODE": "1"})
        eventually(f"{name} answers", lambda: self.alive() and httpx.get(f"{self.url}/openapi.json").is_success)

    def access_log(self) -> str:
        """What uvicorn says of requests."""
        return self.stdout_path.read_text()


class ExampleGateway(Gateway):
    """The real binary on the file of an example as it is shipped, but for ports, a store's address and what a test adds."""

    def __init__(self, file: str, folder: Path, upstream: int, key: str, changes: dict[str, str] | None = None) -> None:
        self.folder, self.process = folder, None
        folder.mkdir(parents=True, exist_ok=True)
        self.public, self.admin = free_port(), free_port()
        self.url, self.admin_url = f"http://127.0.0.1:{self.public}", f"http://127.0.0.1:{self.admin}"
        text = (EXAMPLES / file).read_text()
        ports = {":8080": f":{self.public}", ":9090": f":{self.admin}", ":8000": f":{upstream}"}
        for shipped, ours in (ports | (changes or {})).items():
            assert shipped in text, f"{file} has no {shipped}"
            text = text.replace(shipped, ours)
        (folder / "gateway.toml").write_text(text)
        for name in set(re.findall(r'file = "(\w+\.secret)"', text)):
            secret_file(folder / name, key)


def secret_file(path: Path, key: str) -> None:
    """Writes a key as only its owner may read it."""
    kept.secret("key", key)
    path.touch(mode=0o600)
    path.write_text(key)


class MongoDB(Process):
    """A MongoDB-wire server of one's own; or a database in the server that GATEPASS_TEST_MONGODB names."""

    def __init__(self, folder: Path) -> None:
        elsewhere = os.environ.get("GATEPASS_TEST_MONGODB")
        self.child = None
        if elsewhere:
            self.url = urlsplit(elsewhere)._replace(path=f"/gatepass-{secrets.token_hex(4)}").geturl()
        else:
            port = free_port()
            self.url = f"mongodb://127.0.0.1:{port}/planner"
            command = [sys.executable, "-m", "secantus", "--host", "127.0.0.1", "--port", str(port), "--standalone"]
            command += ["--storage-path", str(folder / "mongodb"), "--cache-size", "64M", "--log-level", "WARNING"]
            super().__init__("mongodb", command, folder)
        self.client = pymongo.MongoClient(self.url, serverSelectionTimeoutMS=1000)
        self.database = self.client.get_default_database()
        eventually("MongoDB answers", self._ping)

    def _ping(self) -> bool:
        try:
            return bool(self.client.admin.command("ping")) and (self.child is None or self.alive())
        except pymongo.errors.PyMongoError as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        if self.child is None:
            self.client.drop_database(self.database.name)
        self.client.close()
        if self.child is not None:
            super().close()


def code(folder: Path) -> dict[str, list[str]]:
    """The Python files of a folder: their lines, without the empty ones."""
    files = sorted(folder.rglob("*.py"))
    lines = {file: file.read_text().splitlines() for file in files}
    return {str(file.relative_to(folder)): [line for line in lines[file] if line.strip()] for file in files}


def packages(folder: Path) -> list[str]:
    """What the folder's requirements.txt names, without versions."""
    return [re.split(r"[\[<>=]", line)[0] for line in (folder / "requirements.txt").read_text().splitlines()]


def row(name: str) -> str:
    """What goes away in an example, as a row of the table."""
    before, after = code(EXAMPLES / name / "before"), code(EXAMPLES / name / "after")
    removed = added = 0
    for file in before.keys() | after.keys():
        for line in difflib.unified_diff(before.get(file, []), after.get(file, []), lineterm="", n=0):
            removed += line.startswith("-") and not line.startswith("---")
            added += line.startswith("+") and not line.startswith("+++")
    kept_ones = packages(EXAMPLES / name / "after")
    gone = [package for package in packages(EXAMPLES / name / "before") if package not in kept_ones]
    lines = [sum(map(len, files.values())) for files in (before, after)]
    assert lines[0] - removed + added == lines[1], f"{name}: the diff does not add up"
    return f"| {name} | {lines[0]} | {lines[1]} | {removed} | {added} | {', '.join(gone)} |"


def table() -> str:
    """What goes away in all of them."""
    head = "| example | lines before | lines after | removed | added | packages no longer needed |"
    return "\n".join([head, "|---|---:|---:|---:|---:|---|", *map(row, ("planner", "tutorial"))])


if __name__ == "__main__":
    print(table())

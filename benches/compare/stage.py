"""What do the rows of a table share? The upstream with its files, the people who ask, a certificate, the binaries."""

import argparse
import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from people import AUDIENCE, ISSUER, People
from programs import OTHERS, Programs, fill, free_ports
from rows import ANSWER

SIZES = {"1 KiB": 1024, "100 KiB": 100 * 1024, "10 MiB": 10 * 1024 * 1024}


@dataclass
class Props:
    """What is made once for all tables."""

    people: People
    files: dict[str, Path]
    certificate: Path
    key: Path
    both: Path


def props(folder: Path, people: People) -> Props:
    """Files of random bytes, which nothing on the way can shorten, and a certificate for this machine."""
    files = {}
    (folder / "files").mkdir(mode=0o755)
    for name, size in SIZES.items():
        files[name] = folder / "files" / name.replace(" ", "-")
        files[name].write_bytes(os.urandom(size))
    certificate, key, both = folder / "cert.pem", folder / "key.pem", folder / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    both.touch(mode=0o600)
    both.write_text(certificate.read_text() + key.read_text())
    return Props(people, files, certificate, key, both)


class Stage:
    """One table's programs, with the upstream that all its rows lead to."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path, shared: Props, args: argparse.Namespace) -> None:
        self.programs = Programs(stack, folder)
        self.shared, self.people, self.args = shared, shared.people, args
        own = self.programs.own_folder("upstream")
        self.upstream = free_ports(["UPSTREAM"])["UPSTREAM"]
        self.values: dict[str, object] = {
            "UPSTREAM": self.upstream,
            "SECRET": self.people.secret,
            "ISSUER": ISSUER,
            "AUDIENCE": AUDIENCE,
            "ANSWER": ANSWER,
            "FOLDER": shared.files["1 KiB"].parent.parent,
        }
        self.uploads, self.kept = own / "uploads.log", own / "uploaded"
        config = fill("nginx-upstream.conf", own, self.values)
        self.programs.launch(OTHERS, self.upstream, ["nginx", "-p", own, "-e", "nginx.log", "-c", config], own)

    def bad_tokens(self) -> list[str]:
        return [self.people.forged, self.people.expired]

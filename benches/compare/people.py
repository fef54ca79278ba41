"""Who asks? A thousand people of the gateway's own store, with tokens that it issued to them; and bad tokens."""

import base64
import concurrent.futures
import contextlib
import hashlib
import hmac
import json
import secrets
import subprocess
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from programs import OTHERS, Programs, fill, free_ports

ISSUER, AUDIENCE = "http://localhost:8080", "planner"
PEOPLE, SCOPES = 1000, "event:read event:write"
# Where the gateway keeps its people, and what it hashes their one password with.
OURS = 'store = "sqlite:gatepass.db"'


@dataclass
class People:
    """The secret of all gateways here, the tokens signed with it, and the database with their people."""

    secret: str
    tokens: list[str]
    # The last of them, whose token no load sends: to be revoked.
    spare: str
    database: Path
    forged: str
    expired: str


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(token: str) -> dict:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed(token: str, secret: str, changed: dict) -> str:
    """The token with other claims, signed again."""
    body = encode(json.dumps(claims(token) | changed, separators=(",", ":")).encode())
    text = f"{token.split('.')[0]}.{body}"
    return f"{text}.{encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())}"


def digest(token: str) -> bytes:
    """What a revocation of this one token is kept under."""
    parts = [b"token", ISSUER.encode(), claims(token)["jti"].encode()]
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()[:16]


def secret_file(folder: Path, secret: str) -> None:
    file = folder / "gatepass.secret"
    file.touch(mode=0o600)
    file.write_text(secret)


def settle(folder: Path, gatepass: str) -> People:
    """Imports the people, and lets each of them sign in at a gateway that runs for that long."""
    secret = secrets.token_hex(32)
    with contextlib.ExitStack() as stack:
        programs = Programs(stack, folder)
        own = programs.own_folder("people")
        secret_file(own, secret)
        ports = free_ports(["PORT", "ADMIN"])
        values = ports | {"UPSTREAM": ports["ADMIN"], "TLS": "", "USERS": OURS, "REVOCATION": OURS, "ACCESS": "false"}
        config = fill("gateway.toml", own, values | {"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "ROUTES": ""})
        logins = {f"user{number:04d}@example.org": secrets.token_urlsafe(12) for number in range(PEOPLE + 1)}
        users = own / "users.jsonl"
        rows = [{"login": name, "email": name, "password": word, "scopes": SCOPES} for name, word in logins.items()]
        users.write_text("\n".join(map(json.dumps, rows)))
        command = [gatepass, "user", "import", users, "--hash-passwords", "--config", config]
        subprocess.run(command, check=True, capture_output=True)
        programs.launch(OTHERS, ports["PORT"], [gatepass, "run", "--config", config], own)

        def sign_in(person: tuple[str, str]) -> str:
            form = urllib.parse.urlencode(dict(zip(("username", "password"), person, strict=True))).encode()
            with urllib.request.urlopen(f"http://127.0.0.1:{ports['PORT']}/token", form) as answer:
                return json.load(answer)["access_token"]

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            tokens = list(pool.map(sign_in, logins.items()))
    head, _, signature = tokens[0].rpartition(".")
    forged = f"{head}.{signature[:-4]}{'AAAA' if signature[-4:] != 'AAAA' else 'BBBB'}"
    then = int(time.time()) - 3600
    expired = signed(tokens[0], secret, {"iat": then - 60, "nbf": then - 60, "exp": then})
    return People(secret, tokens[:-1], tokens[-1], own / "gatepass.db", forged, expired)

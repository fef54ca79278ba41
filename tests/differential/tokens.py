"""Tokens of every kind, good and bad, each remembered with a label, so that reports name it instead of printing it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

ISSUER, AUDIENCE = "https://gw.test", "planner"
DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
# What a change may say instead of a value: the member is left out.
ABSENT = object()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def encode(members: Mapping[str, Any] | str) -> str:
    text = members if isinstance(members, str) else json.dumps(members, separators=(",", ":"))
    return b64(text.encode())


class Mint:
    """Signs with the shared key, or another."""

    def __init__(self, key: str, now: int) -> None:
        self.key, self.now = key.encode(), now
        self.labels: dict[str, str] = {}

    def named(self, label: str, token: str) -> str:
        """Remembers what to call a token."""
        self.labels.setdefault(token, f"<{label}>")
        return token

    def header(self, **changes: Any) -> dict[str, Any]:
        return changed({"alg": "HS256", "typ": "at+jwt"}, changes)

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = self.now
        usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "differential", "jti": "0" * 22}
        return changed(usual | {"iat": now, "exp": now + 1800}, changes)

    def sign(
        self, header: Mapping | str, claims: Mapping | str, digest: str = "HS256", key: bytes | None = None
    ) -> str:
        signed = f"{encode(header)}.{encode(claims)}"
        mac = hmac.new(self.key if key is None else key, signed.encode(), DIGESTS[digest])
        return f"{signed}.{b64(mac.digest())}"

    def token(self, label: str = "alice", **claims: Any) -> str:
        """A token good in all but the changed claims."""
        return self.named(label, self.sign(self.header(), self.claims(**claims)))

    def headed(self, label: str, key: bytes | None = None, digest: str = "HS256", **header: Any) -> str:
        """A token good in all but the changed header members (and the key)."""
        return self.named(label, self.sign(self.header(**header), self.claims(), digest, key))

    def scrub(self, text: str) -> str:
        """The text with every token replaced by its label."""
        for token in sorted(self.labels, key=len, reverse=True):
            if len(token) > 20:
                text = text.replace(token, self.labels[token])
        return text


def changed(members: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = members | changes
    return {name: value for name, value in merged.items() if value is not ABSENT}

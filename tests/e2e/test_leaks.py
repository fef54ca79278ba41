"""Does the search for secrets find them? One of every kind and in every form, planted in an innocent text."""

import base64
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

import kept
from leaks import Search

HEADER = "eyJhbGciOiJIUzI1NiJ9"
CLAIMS = "eyJzdWIiOiJhbGljZSIsImp0aSI6IjEyMyJ9"
SIGNATURE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
OPAQUE = "0123-an-opaque-token_4567"
PASSWORD = "correct horse/battery+é"
KEY = "0123456789abcdef0123456789abcdef"
SECRETS = [("token", f"{HEADER}.{CLAIMS}.{SIGNATURE}"), ("token", OPAQUE), ("password", PASSWORD), ("key", KEY)]
INNOCENT = b"""HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm="gatepass", error="invalid_token"\r\n
{"error":"invalid_token","error_description":"malformed_token","request_id":"01j9zq3m4k5n6p7q8r9s"}
# HELP gatepass_tokens_issued_total Tokens issued
INFO send it as `Authorization: Bearer TOKEN`; the hash of another scheme; the password is at least 8 characters
"""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PLANTED = {
    "a token": f"{HEADER}.{CLAIMS}.{SIGNATURE}",
    "a token nobody knew": f"{HEADER}.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl",
    "its claims": f"sub={CLAIMS} ",
    "its signature": f"({SIGNATURE})",
    "a token in base64": encoded(f"{HEADER}.{CLAIMS}.{SIGNATURE}"),
    "a token of another kind": f'"{OPAQUE}"',
    "the beginning of a token": "authorization: bearer eyJhbGci",
    "a header with a credential": 'RequestHeader { "authorization": "Basic YWxpY2U6c2VjcmV0" }',
    "a password": f"password={PASSWORD}&",
    "a password in a URL": f"/token?password={quote(PASSWORD, safe='')}",
    "a password in a form": f"username=a&password={quote_plus(PASSWORD)}",
    "a password in small letters": f"password={quote(PASSWORD, safe='').lower()}",
    "a password in JSON": r'{"password":"correct horse/battery+\u00e9"}',
    "a password in base64": encoded(PASSWORD),
    "a password in a Basic credential": encoded(f"al:{PASSWORD}"),
    "the same, shifted": encoded(f"ali:{PASSWORD}!"),
    "a key": f"key {KEY}.",
    "a key in hexadecimal": KEY.encode().hex(),
    "a hash": "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
    "an older hash": "$2y$10$",
    "a private key": "-----BEGIN PRIVATE KEY-----\nMIG",
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_secret_is_found(what: str) -> None:
    middle = len(INNOCENT) // 2
    planted = INNOCENT[:middle] + PLANTED[what].encode() + INNOCENT[middle:]
    assert list(Search(SECRETS).leaks(planted)), what


def test_an_innocent_text_is_let_pass() -> None:
    assert list(Search(SECRETS).leaks(INNOCENT)) == []


def test_the_kept_form_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    records = [("log", b"one\n#two 3\n"), ("answer", b"\r\n\xff\n"), ("log", b"three")]
    for source, text in records:
        kept.heard(source, text)
    kept.secret("password", "short")
    kept.secret("password", PASSWORD)
    (said,), (secrets,) = (tmp_path / "said").iterdir(), (tmp_path / "secrets").iterdir()
    assert list(kept.read_said(said)) == records
    assert list(kept.read_secrets(secrets)) == [("password", PASSWORD)]
    said.write_bytes(said.read_bytes()[:-3])
    with pytest.raises(AssertionError):
        list(kept.read_said(said))

"""Is there a secret in this text? Secrets that are known, in the forms a log or an answer may give them, and whatever
looks like one.

Tokens are tens of thousands, so the text is cut into words and each is looked up. For passwords, keys and what a test sent
as a token, each of their forms is searched for, all in one walk (Aho and Corasick).
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

import ahocorasick

# What nobody needs to know beforehand. Two parts of a token are enough: who has logged its claims has read it.
PATTERNS = {
    "token": rb"eyJ[\w-]{8,}\.(?:eyJ)?[\w-]{8,}",
    "token in base64": rb"ZXlK[A-Za-z0-9+/_-]{24,}",
    "bearer": rb"(?i:bearer)(?: |%20|\+)+ey",
    "credential": rb"(?i:authorization)\W{1,6}(?i:bearer|basic)\W+[\w.~+/-]{6,}",
    "password hash": rb"\$2[aby]\$",
    "private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY",
}
WORD = re.compile(rb"[\w-]{16,}", re.ASCII)
SHORTEST = 8


def parts(token: str) -> list[str]:
    """What of a token is secret: all but the header, which many share."""
    pieces = token.split(".")
    secret = pieces[1:] if len(pieces) > 2 and pieces[0].startswith("ey") else [token]
    return [part for part in secret if len(part) >= 16]


def in_base64(value: bytes) -> Iterator[bytes]:
    """What of `value` shows in the base64 of a text that has it somewhere."""
    for before in range(3):
        bits = base64.b64encode(bytes(before) + value)
        # The first and the last character also depend on the neighbours.
        whole = bits[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))


def forms(value: str) -> set[bytes]:
    """A password or a key as it may be written."""
    raw = value.encode()
    encoded = quote(value, safe=""), quote_plus(value), quote(value), json.dumps(value)[1:-1]
    lower = [re.sub(r"%..", lambda code: code[0].lower(), text) for text in encoded[:3]]
    every = {raw, raw.hex().encode(), *(text.encode() for text in [*encoded, *lower]), *in_base64(raw)}
    return {form for form in every if len(form) >= SHORTEST}


class Search:
    """Looks for these secrets."""

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        # One character again and again is no secret, and a long body may well say it.
        self.known = {(kind, value) for kind, value in secrets if len(set(value)) > 2}
        self.words: set[bytes] = set()
        # Over bytes, each taken for the character of its number.
        self.phrases = ahocorasick.Automaton()
        for kind, value in self.known:
            found = parts(value) if kind == "token" else [value]
            for part in found:
                if kind == "token" and WORD.fullmatch(part.encode()):
                    self.words.add(part.encode())
                else:
                    for form in forms(part):
                        self.phrases.add_word(form.decode("latin-1"), (kind, len(form)))
        self.phrases.make_automaton()
        self.patterns = [(name, re.compile(pattern)) for name, pattern in PATTERNS.items()]

    def leaks(self, text: bytes) -> Iterator[str]:
        """Every secret in the text: what it is, and what stands around it."""
        for name, pattern in self.patterns:
            for match in pattern.finditer(text):
                yield f"{name}: {around(text, match.start(), match.end())}"
        for match in WORD.finditer(text):
            if match[0] in self.words:
                yield f"part of a token: {around(text, match.start(), match.end())}"
        if not len(self.phrases):
            return
        for last, (kind, length) in self.phrases.iter(text.decode("latin-1")):
            yield f"{kind}: {around(text, last + 1 - length, last + 1)}"


def around(text: bytes, start: int, end: int) -> str:
    return ascii(text[max(0, start - 60) : end + 20].decode(errors="replace"))

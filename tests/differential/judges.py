"""What must hold, told from what the upstream saw. Each judge returns what is wrong, or nothing."""

import re
from urllib.parse import unquote_to_bytes

from case import Judge, Outcome
from recorder import Request

IDENTITY = ("x-auth-user", "x-auth-roles", "x-auth-email")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


def both(*judges: Judge) -> Judge:
    def judge(outcome: Outcome) -> str | None:
        return next((wrong for one in judges if (wrong := one(outcome))), None)

    return judge


def refused(outcome: Outcome) -> str | None:
    """Nothing reaches the upstream."""
    return f"the upstream got `{outcome.seen[0].line}`" if outcome.seen else None


def refused_or(judge: Judge) -> Judge:
    return lambda outcome: judge(outcome) if outcome.seen else None


def forwarded(outcome: Outcome) -> str | None:
    """An ordinary request, to be let through."""
    return None if outcome.seen else f"not let through: {outcome.heard.outcome}"


def challenged(outcome: Outcome) -> str | None:
    """401 with exactly one challenge that has a parameter (RFC 9110 §11.6.1, RFC 6750 §3)."""
    found = re.findall(r"(?im)^www-authenticate: *(.*?)\r$", outcome.heard.head)
    if outcome.seen or outcome.heard.status != 401:
        return refused(outcome) or f"answered {outcome.heard.outcome}"
    if len(found) != 1 or not re.match(r"(?i)bearer +\w+=", found[0]):
        return f"challenges: {found}"
    return f"an error where no credentials were sent: {found[0]}" if "error=" in found[0] else None


def identity(user: str | None) -> Judge:
    """Every request upstream says this user, once, in every spelling; no client's roles or e-mail address."""
    wanted = [] if user is None else [user]

    def judge(outcome: Outcome) -> str | None:
        for seen in outcome.seen:
            got = seen.folded("x-auth-user")
            if got != wanted:
                return f"X-Auth-User upstream, in all spellings: {got}"
            for name in IDENTITY[1:]:
                if "admin" in " ".join(seen.folded(name)):
                    return f"the client's {name} reached the upstream"
            if b"x-auth-user" in seen.body.lower():
                return "the client's X-Auth-User reached the upstream in the trailers"
        return None

    return judge


def named(outcome: Outcome) -> str | None:
    """Every request upstream has one X-Auth-User that says something, and no line that the client's text made."""
    for seen in outcome.seen:
        got = seen.values("x-auth-user")
        if len(got) != 1 or not got[0].strip():
            return f"forwarded with X-Auth-User {got}"
    return clean(outcome)


def no_second_credential(outcome: Outcome) -> str | None:
    for seen in outcome.seen:
        if len(seen.values("authorization")) > 1 or len(seen.folded("x-auth-user")) != 1:
            return f"two credentials, and forwarded with X-Auth-User {seen.folded('x-auth-user')}"
    return None


def without(*names: str) -> Judge:
    """None of these headers reaches the upstream, in any spelling, with what the client said."""

    def judge(outcome: Outcome) -> str | None:
        for seen in outcome.seen:
            for name in names:
                if any("client-said" in value for value in seen.folded(name)):
                    return f"the client's {name} reached the upstream"
        return None

    return judge


def unspoken(name: str) -> Judge:
    """This header does not reach the upstream at all, in any spelling."""

    def judge(outcome: Outcome) -> str | None:
        found = [value for seen in outcome.seen for value in seen.folded(name)]
        return f"{name} reached the upstream: {found}" if found else None

    return judge


def last_address(outcome: Outcome) -> str | None:
    """Whoever reads X-Forwarded-For from the right finds what the product says of the client first.

    (127.0.0.1, but Envoy writes the machine's own address for a client on loopback.)"""
    for seen in outcome.seen:
        addresses = ", ".join(seen.folded("x-forwarded-for")).split(",")
        if addresses[-1].strip() in ("", "1.2.3.4", "5.6.7.8", "client-said"):
            return f"X-Forwarded-For upstream: {addresses}"
    return None


def clean(outcome: Outcome) -> str | None:
    """What is forwarded can be read in one way only, and holds nothing smuggled."""
    return next((wrong for seen in outcome.seen if (wrong := unclear(seen))), None)


def unclear(seen: Request) -> str | None:
    if "smuggled" in seen.line:
        return f"a smuggled request reached the upstream: `{seen.line}`"
    lines = seen.head.split(b"\r\n")[:-2]
    if any(set(line) & {0, 10, 13} for line in lines):
        return f"a control character in the head upstream: {next(line for line in lines if set(line) & {0, 10, 13})!r}"
    if any(not TOKEN.match(name) for name, _ in seen.fields):
        return f"a header name upstream that is none: {[name for name, _ in seen.fields if not TOKEN.match(name)]}"
    lengths, encodings = seen.values("content-length"), seen.values("transfer-encoding")
    if len(lengths) + len(encodings) > 1:
        return f"two lengths upstream: Content-Length {lengths}, Transfer-Encoding {encodings}"
    if any(not length.isdecimal() for length in lengths) or any(e.lower() != "chunked" for e in encodings):
        return f"an odd length upstream: Content-Length {lengths}, Transfer-Encoding {encodings}"
    if not re.match(r"[A-Z]+ \S+ HTTP/1\.[01]\Z", seen.line):
        return f"an odd request line upstream: {seen.line!r}"
    return None


def readings(target: str) -> set[str]:
    """The paths that backends may take a target for: as it stands, decoded, slashes merged, dot segments resolved."""
    path = re.sub(r"^[a-z]+://[^/?]*", "", target).split("?")[0].split("#")[0]
    # RFC 3986 §6.2.2.2: an encoded letter is that letter to everybody.
    found = {
        re.sub(
            r"(?i)%(4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a]|3[0-9]|2d|2e|5f|7e)", lambda octet: chr(int(octet[1], 16)), path
        )
    }
    for _ in range(2):
        found |= {unquote_to_bytes(one).decode("latin-1") for one in found}
    found |= {one.replace("\\", "/") for one in found}
    found |= {re.sub(r";[^/]*", "", one) for one in found}
    found |= {re.sub(r"//+", "/", one) for one in found}
    return found | {resolved(one) for one in found}


def resolved(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept[1:] = kept[1:-1]
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept) or "/"


def is_public(path: str) -> bool:
    return path in ("/", "/healthz", "/public") or path.startswith("/public/")


def public_only(outcome: Outcome) -> str | None:
    """A stranger reaches public paths only, however the backend reads them."""
    for seen in outcome.seen:
        private = sorted(one for one in readings(seen.target) if not is_public(one))
        if private:
            return f"a stranger reached `{seen.target}`, which may be read as `{private[0]}`"
    return None


def not_admin(outcome: Outcome) -> str | None:
    """Who lacks the scope does not reach /api/admin, however the backend reads it."""
    for seen in outcome.seen:
        if any(re.match(r"/api/admin(/|\Z)", one) for one in readings(seen.target)):
            return f"without the scope, `{seen.target}` was reached, which may be read as /api/admin"
    return None

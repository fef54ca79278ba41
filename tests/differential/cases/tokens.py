"""A: tokens that must not be believed, each sent as `GET /api/me`; and H01, the challenge to who brings none."""

from typing import Any

from case import Case, request
from judges import both, challenged, clean, identity, named, refused, refused_or
from tokens import ABSENT, Mint, b64, encode


def bad(group: str, what: str, token: str, feature: str | None = None) -> Case:
    return Case(group, what, request(token=token), refused, feature)


def algorithms(mint: Mint) -> list[Case]:
    claims, good = mint.claims(), mint.token()
    signature = good.rsplit(".", 1)[1]
    cases = []
    for name in ("none", "None", "NONE", "nOnE"):
        unsigned = f"{encode(mint.header(alg=name))}.{encode(claims)}"
        for what, token in (
            ("no signature", unsigned + "."),
            ("the old signature", f"{unsigned}.{signature}"),
            ("two parts", unsigned),
        ):
            label = f"alg {name}, {what}"
            cases.append(bad("A01", label, mint.named(label, token)))
    for digest in ("HS384", "HS512"):
        cases.append(
            bad("A03", f"alg {digest}, the right key", mint.headed(f"alg {digest}", digest=digest, alg=digest))
        )
    for value in ("hs256", ["HS256"], ABSENT, "", 5, None):
        shown = "absent" if value is ABSENT else repr(value)
        cases.append(bad("A03", f"alg {shown}", mint.headed(f"alg {shown}", alg=value)))
    return cases


def keys(mint: Mint) -> list[Case]:
    attacker = b"the attacker's key, long enough to be one"
    jwk = {"kty": "oct", "k": b64(attacker), "alg": "HS256"}
    brought: dict[str, Any] = {
        "jwk": jwk,
        "jku": "http://127.0.0.1:9/k",
        "x5u": "http://127.0.0.1:9/k",
        "x5c": [b64(attacker)],
    }
    cases = [
        bad(
            "A04" if name == "jwk" else "A05",
            f"a key in {name}",
            mint.headed(f"a key in {name}", key=attacker, **{name: value}),
        )
        for name, value in brought.items()
    ]
    for kid in ("../../../../dev/null", "' OR 1=1 --", "kid\0", "k" * 6000, ["a"], {"$ne": 1}):
        label = f"kid {str(kid)[:24]!r}, empty key"
        cases.append(bad("A06", label, mint.headed(label, key=b"", kid=kid)))
    return cases


CLAIMS: list[tuple[str, str, list[Any], str | None]] = [
    ("A09", "aud", [ABSENT, 123, {}, [1], [], "other", None, "", "planner ", "Planner"], None),
    ("A09", "iss", [ABSENT, 5, "https://evil.test", None, "", ["https://gw.test"], "https://gw.test/"], None),
    ("A12", "aud", [["other", "planner"], ["planner", "other"]], "one audience"),
    ("A15", "exp", [ABSENT, 0, -1, "never", None, [], "1"], None),
    ("A17", "iat", [ABSENT, "now", None], "iat"),
    ("A19", "nbf", ["never", None], "claim types"),
    ("A23", "jti", [ABSENT, "", 1, None, "j" * 4096, "a\r\nb", ["a"]], "jti"),
]


def claims(mint: Mint) -> list[Case]:
    cases = []
    for group, name, values, feature in CLAIMS:
        for value in values:
            label = f"{name} {'absent' if value is ABSENT else str(repr(value))[:24]}"
            cases.append(bad(group, label, mint.token(label, **{name: value}), feature))
    now = mint.now
    cases += [
        bad("A15", "exp 30 s ago", mint.token("exp 30 s ago", exp=now - 30)),
        bad("A15", "exp an hour ago", mint.token("exp an hour ago", exp=now - 3600)),
        bad("A17", "iat in an hour", mint.token("iat in an hour", iat=now + 3600, exp=now + 5400), "iat"),
        bad("A19", "nbf in 15 min", mint.token("nbf in 15 min", nbf=now + 900)),
    ]
    return cases


def subjects(mint: Mint) -> list[Case]:
    cases = []
    for sub in (ABSENT, "", " ", 1, None, ["alice"], {"a": "alice"}):
        label = f"sub {'absent' if sub is ABSENT else str(repr(sub))[:24]}"
        cases.append(Case("A18", label, request(token=mint.token(label, sub=sub)), refused_or(named)))
    cases.append(bad("A18", "sub of 5000 letters", mint.token("sub of 5000 letters", sub="s" * 5000), "short subject"))
    for sub in (
        "alice\r\nX-Auth-Roles: admin",
        "alice\nX-Auth-Roles: admin",
        "alice\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "alice\0",
        "alice,admin",
        "al\u00efce",
        "\u0085x",
        "alice\t",
        "a" * 300,
        "alice\x7f",
        "\ud83d\ude00",
    ):
        label = f"sub {sub[:32]!r}" if len(sub) < 100 else "sub of 300 letters"
        cases.append(
            Case("A20", label, request(token=mint.token(label, sub=sub)), refused_or(both(named, clean, no_roles)))
        )
    return cases


def no_roles(outcome: Any) -> str | None:
    for seen in outcome.seen:
        if seen.folded("x-auth-roles"):
            return f"the subject made a header of its own: X-Auth-Roles {seen.folded('x-auth-roles')}"
    return None


def header_members(mint: Mint) -> list[Case]:
    cases = []
    for crit in (["x"], ["b64"], [], ["exp"], "x", None):
        extra: dict[str, Any] = {"x": 1} if crit == ["x"] else {"b64": False} if crit == ["b64"] else {}
        label = f"crit {crit!r}"
        cases.append(bad("A26", label, mint.headed(label, crit=crit, **extra), "crit"))
    for typ in (ABSENT, "JWT", "secevent+jwt", "logout+jwt", "dpop+jwt", "rt+jwt", 5):
        label = f"typ {'absent' if typ is ABSENT else repr(typ)}"
        cases.append(bad("A27", label, mint.headed(label, typ=typ), "at+jwt"))
    for name, value in (("zip", "DEF"), ("cty", "JWT"), ("enc", "A128GCM")):
        cases.append(
            bad("A28", f"{name} {value}", mint.headed(f"{name} {value}", **{name: value}), "foreign header members")
        )
    for alg, more in (("dir", {}), ("PBES2-HS256+A128KW", {"p2c": 2**31, "p2s": "AAAA"})):
        jwe = f"{encode({'alg': alg, 'enc': 'A128GCM'} | more)}..AAAA.AAAA.AAAA"
        cases.append(bad("A28", f"JWE {alg}", mint.named(f"JWE {alg}", jwe)))
    return cases


def spellings(mint: Mint) -> list[Case]:
    good, other = mint.token(), mint.token("bob", sub="bob")
    head, body, signature = good.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = signature[:-1] + last[last.index(signature[-1]) + 1]
    twice = mint.sign(mint.header(), '{"sub":"admin",' + encode_members(mint.claims()))
    forged = {
        "another's payload": f"{head}.{other.split('.')[1]}.{signature}",
        "another's signature": f"{head}.{body}.{other.split('.')[2]}",
        "no signature": f"{head}.{body}.",
        "half a signature": f"{head}.{body}.{signature[:20]}",
        "four parts": f"{good}.x",
        "an empty header": f".{body}.{signature}",
        "dots alone": "..",
    }
    cases = [bad("A31", what, mint.named(what, token)) for what, token in forged.items()]
    for at in range(0, len(good), 37):
        flipped = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
        cases.append(bad("A31", f"letter {at} changed", mint.named(f"letter {at} changed", flipped)))
    for what, token in (("the last letter's spare bits", twin), ("padding", good + "="), ("sub twice", twice)):
        cases.append(bad("A32", what, mint.named(what, token), "one spelling"))
    return cases


def encode_members(members: dict[str, Any]) -> str:
    import json

    return json.dumps(members, separators=(",", ":"))[1:]


def public(mint: Mint) -> list[Case]:
    expired = mint.token("exp 30 s ago", exp=mint.now - 30)
    return [
        Case("A11", f"{what} on a public route", request("/public/x", token=token), identity(None))
        for what, token in (
            ("an expired token", expired),
            ("garbage", "garbage"),
            ("a good token of another issuer", mint.token("other iss", iss="x")),
        )
    ]


def challenges(_: Mint) -> list[Case]:
    return [
        Case("H01", f"{method}, no credentials", request(method=method, body=""), challenged)
        for method in ("GET", "HEAD", "POST", "DELETE")
    ] + [Case("H01", "GET, Basic credentials", request("/api/me", "Authorization: Basic YTpi"), challenged)]


def cases(mint: Mint) -> list[Case]:
    rooms = (algorithms, keys, claims, subjects, header_members, spellings, public, challenges)
    return [case for room in rooms for case in room(mint)]

"""Makes tokens.json: tokens by another implementation (PyJWT, and the standard library where PyJWT refuses to sign what
an attacker would), each with the outcome the verifier must name. The frozen file is what the tests read; run this only
to add a case:  python -m venv V && V/bin/pip install pyjwt && V/bin/python make.py > tokens.json
"""

import base64
import hashlib
import hmac
import json

import jwt

SECRET = "the fixture's signing secret, 0123456789abcdef"
PREVIOUS = "the fixture's former secret, 0123456789abcdef"
REMOVED = "the fixture's removed secret, 0123456789abcdef"
ISSUER, AUDIENCE, NOW = "https://gateway.test", "planner", 1_800_000_000


def kid(secret):
    return hmac.new(secret.encode(), b"gatepass kid", hashlib.sha256).hexdigest()[:16]


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


def mac(signed, secret=SECRET, digest=hashlib.sha256):
    return b64(hmac.new(secret.encode(), signed.encode(), digest).digest())


ABSENT = object()
CLAIMS = {
    "iss": ISSUER, "sub": "0192f0c1", "aud": AUDIENCE, "exp": NOW + 600, "iat": NOW, "nbf": NOW, "jti": "t-1",
    "sid": "s-1", "scope": "event:read event:write", "client_id": "web", "preferred_username": "ada@example.org",
    "email": "ada@example.org", "login_version": 7, "roles": ["ignored"],
}
HEADER = {"alg": "HS256", "typ": "at+jwt", "kid": kid(SECRET)}


def change(base, changes):
    merged = {**base, **changes}
    return {name: value for name, value in merged.items() if value is not ABSENT}


def T(secret=SECRET, **changes):
    """A token by PyJWT, right in all respects but the claims shown."""
    payload = json.dumps(change(CLAIMS, changes)).encode()
    header = {"typ": "at+jwt", "kid": kid(secret)}
    return jwt.api_jws.encode(payload, secret, algorithm="HS256", headers=header)


def raw(header, claims, secret=SECRET, digest=hashlib.sha256):
    """A token by hand: header and claims are the JSON texts, taken as they are."""
    signed = b64(header) + "." + b64(claims)
    return signed + "." + mac(signed, secret, digest)


def H(secret=SECRET, digest=hashlib.sha256, **changes):
    """A token right in all respects but the header members shown."""
    return raw(json.dumps(change(HEADER, changes)), json.dumps(CLAIMS), secret, digest)


cases = []


def case(outcome, name, token):
    cases.append({"name": name, "outcome": outcome, "token": token})


GOOD = T()
h, p, s = GOOD.split(".")
case("ok", "good", GOOD)
case("ok", "good, by the previous key", T(PREVIOUS))
case("ok", "good, by jwt.encode", jwt.encode(CLAIMS, SECRET, algorithm="HS256", headers={"typ": "at+jwt", "kid": kid(SECRET)}))
for typ in ["AT+JWT", "application/at+jwt", "Application/At+Jwt"]:
    case("ok", f"typ {typ}", H(typ=typ))
case("ok", "A05 jwk, jku, x5u, x5c are not looked at",
     H(jwk={"kty": "oct", "k": "AA"}, jku="http://127.0.0.1:1/k", x5u="http://127.0.0.1:1/k", x5c=["AA"]))
case("ok", "aud a list of ours alone", T(aud=[AUDIENCE]))
case("ok", "without what is optional",
     T(nbf=ABSENT, sid=ABSENT, scope=ABSENT, client_id=ABSENT, preferred_username=ABSENT, email=ABSENT, login_version=ABSENT))
case("ok", "fractional dates", T(iat=NOW - 0.5, exp=NOW + 0.25, nbf=NOW - 0.5))
case("ok", "iat and nbf 5 s ahead", T(iat=NOW + 5, nbf=NOW + 5))
case("ok", "lives as long as is allowed", T(exp=NOW + 86400))

for alg in ["none", "None", "NONE", "nOnE"]:
    none = b64(json.dumps(change(HEADER, {"alg": alg})))
    case("algorithm_not_allowed", f"A01 {alg}, empty signature", f"{none}.{p}.")
    case("algorithm_not_allowed", f"A01 {alg}, the old signature", f"{none}.{p}.{s}")
    case("malformed_token", f"A01 {alg}, two parts", f"{none}.{p}")
case("algorithm_not_allowed", "A03 HS384", H(alg="HS384", digest=hashlib.sha384))
case("algorithm_not_allowed", "A03 HS512", H(alg="HS512", digest=hashlib.sha512))
for alg in ["hs256", "", ["HS256"], None, 1, ABSENT, "HS256 ", "RS256", "ES256", "EdDSA"]:
    case("algorithm_not_allowed", f"A03 alg {'absent' if alg is ABSENT else json.dumps(alg)}", H(alg=alg))
case("unknown_key", "A04 jwk of the attacker, no kid",
     H(secret="attacker", kid=ABSENT, jwk={"kty": "oct", "k": b64("attacker")}))
case("bad_signature", "A04 jwk of the attacker", H(secret="attacker", jwk={"kty": "oct", "k": b64("attacker")}))
for value in ["../../../../dev/null", "' OR 1=1 --", "kid%00", "k" * 5000, ["a"], {"$ne": 1}, 5, None, "",
              kid(SECRET).upper(), kid(SECRET) + " ", kid(SECRET)[:-1]]:
    case("unknown_key", f"A06 kid {json.dumps(value)[:40]}", H(secret="", kid=value))
case("bad_signature", "A06 signed with the empty key", H(secret=""))
case("bad_signature", "A08 signed with one key, names the other", H(secret=PREVIOUS))
case("unknown_key", "A08 no kid while two keys exist", H(kid=ABSENT))
case("unknown_key", "A08 a removed key", T(REMOVED))
case("bad_signature", "A31 the claims of another", h + "." + T(sub="admin").split(".")[1] + "." + s)
case("bad_signature", "A31 the signature of another", h + "." + p + "." + T(sub="admin").split(".")[2])
case("bad_signature", "empty signature", f"{h}.{p}.")
case("bad_signature", "half a signature", f"{h}.{p}.{s[:20]}")
case("malformed_token", "padded signature", f"{h}.{p}.{s}=")
case("malformed_token", "standard alphabet", f"{h}.{p}.+/{s[2:]}")
case("malformed_token", "spare bits in the signature", GOOD[:-1] + chr(ord(GOOD[-1]) + 1))

case("wrong_issuer", "A09 iss of another", T(iss="https://evil.test"))
case("wrong_issuer", "A09 iss with a slash more", T(iss=ISSUER + "/"))
for value in [ABSENT, 5, None, ["evil", ISSUER], [ISSUER], {}]:
    case("missing_claim iss", f"A09, J2 iss {'absent' if value is ABSENT else json.dumps(value)}", T(iss=value))
for value in [ABSENT, 123, {}, [1], [], None, [AUDIENCE, 1], True]:
    case("missing_claim aud", f"A09 aud {'absent' if value is ABSENT else json.dumps(value)}", T(aud=value))
for value in ["other", "", ["other", AUDIENCE], [AUDIENCE, "other"], ["other"], [AUDIENCE, AUDIENCE], AUDIENCE.upper()]:
    case("wrong_audience", f"A09, A12 aud {json.dumps(value)}", T(aud=value))
case("expired", "A15 exp 30 s ago", T(exp=NOW - 30, iat=NOW - 60, nbf=NOW - 60))
case("expired", "A15 exp now", T(exp=NOW, iat=NOW - 60, nbf=NOW - 60))
for value in [ABSENT, "never", str(NOW + 600), -1, 1e19, 1e13, None, [NOW], True]:
    case("missing_claim exp", f"exp {'absent' if value is ABSENT else json.dumps(value)}", T(exp=value))
case("not_yet_valid", "A17 iat 1 h ahead", T(iat=NOW + 3600, nbf=ABSENT, exp=NOW + 4000))
case("not_yet_valid", "A17 iat 6 s ahead", T(iat=NOW + 6))
for value in [ABSENT, "now", -5, None]:
    case("missing_claim iat", f"A17 iat {'absent' if value is ABSENT else json.dumps(value)}", T(iat=value))
for value in [ABSENT, "", " ", 1, None, ["alice"], "a" * 5000, "alice\r\nX-Auth-Roles: admin", "alice\0", "\u0085x",
              " alice", "alice\t", "a" * 300]:
    case("missing_claim sub", f"A18, A20 sub {'absent' if value is ABSENT else json.dumps(value)[:40]}", T(sub=value))
case("ok", "A20 sub outside ASCII", T(sub="al\u00efce"))
case("not_yet_valid", "A19 nbf 900 s ahead", T(nbf=NOW + 900))
case("missing_claim nbf", "A19 nbf a text", T(nbf="later"))
for value in [ABSENT, "", 1, "j" * 4000, "a\r\nb", "*", None]:
    case("missing_claim jti", f"A23 jti {'absent' if value is ABSENT else json.dumps(value)[:40]}", T(jti=value))
for name, value in [("sid", 5), ("sid", "*"), ("sid", None), ("scope", ["a"]), ("scope", "a \"b"), ("login_version", "7"),
                    ("login_version", -1), ("login_version", 1.5), ("email", 5), ("email", "a@b\r\nX: y"), ("email", ""),
                    ("preferred_username", ["ada"]), ("preferred_username", "a\0"), ("client_id", {})]:
    case(f"missing_claim {name}", f"{name} {json.dumps(value)}", T(**{name: value}))
case("lifetime_too_long", "lives a second too long", T(exp=NOW + 86401))
case("lifetime_too_long", "lives for ever", T(exp=999_999_999_999))

for name, changes in [("unknown", {"crit": ["x"], "x": 1}), ("b64", {"crit": ["b64"], "b64": False}), ("empty", {"crit": []}),
                      ("exp", {"crit": ["exp"]}), ("text", {"crit": "x"}), ("null", {"crit": None})]:
    case("wrong_type", f"A26 crit {name}", H(**changes))
case("wrong_type", "A26 b64 without crit", H(b64=False))
for typ in [ABSENT, "JWT", "secevent+jwt", "logout+jwt", "dpop+jwt", "rt+jwt", 5, None, "", "at+jwt ", ["at+jwt"]]:
    case("wrong_type", f"A27 typ {'absent' if typ is ABSENT else json.dumps(typ)}", H(typ=typ))
case("wrong_type", "A28 zip", H(zip="DEF"))
case("wrong_type", "A28 nested", raw(json.dumps({**HEADER, "cty": "JWT"}), GOOD))
jwe = b64(json.dumps({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31, "p2s": "AA"}))
case("malformed_token", "A28 JWE, PBES2", f"{jwe}.AA.AA.AA.AA")
case("malformed_token", "A28 JWE, dir", b64('{"alg":"dir","enc":"A128GCM"}') + "..AA.AA.AA")

good_header, good_claims = json.dumps(HEADER), json.dumps(CLAIMS)
case("malformed_token", "J5 iss twice", raw(good_header, good_claims[:-1] + f', "iss": "{ISSUER}"}}'))
case("malformed_token", "J5 jti twice", raw(good_header, good_claims[:-1] + ', "jti": "t-2"}'))
case("malformed_token", "J5 an unknown claim twice", raw(good_header, good_claims[:-1] + ', "roles": ["admin"]}'))
case("malformed_token", "alg twice", raw('{"alg": "none", ' + good_header[1:], good_claims))
case("malformed_token", "J8 claims 200 deep", raw(good_header, "[" * 200 + "]" * 200))
case("malformed_token", "a claim 200 deep", raw(good_header, good_claims[:-1] + ', "x": ' + "[" * 200 + "]" * 200 + "}"))
case("malformed_token", "claims a list", raw(good_header, "[]"))
case("malformed_token", "claims not JSON", raw(good_header, "{"))
case("malformed_token", "claims with something behind them", raw(good_header, good_claims + "x"))
case("malformed_token", "claims not UTF-8", raw(good_header, good_claims[:-1].encode() + b', "x": "\xff"}'))
case("malformed_token", "header a text", raw('"HS256"', good_claims))
case("malformed_token", "header with a byte order mark", raw(b"\xef\xbb\xbf" + good_header.encode(), good_claims))
for name, text in [("nothing", ""), ("dots", ".."), ("one part", h), ("four parts", GOOD + ".x"), ("dot in front", "." + GOOD),
                   ("dot behind", GOOD + "."), ("white space in front", " " + GOOD), ("white space behind", GOOD + "\n"),
                   ("garbage", "not a token"), ("padded header", f"{h}==.{p}.{s}")]:
    case("malformed_token", name, text)
case("malformed_token", "longer than 8 KiB", T(x="x" * 8000))
case("ok", "a little shorter than 8 KiB", T(x="x" * 5000))

print(json.dumps({"secret": SECRET, "previous": PREVIOUS, "kid": kid(SECRET), "issuer": ISSUER, "audience": AUDIENCE, "now": NOW,
                  "cases": cases}, indent=0))

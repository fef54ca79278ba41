"""B: credentials and headers that must not be believed."""

from case import Case, request
from judges import both, clean, identity, last_address, no_second_credential, refused, refused_or, unspoken, without
from tokens import Mint


def credentials(mint: Mint) -> list[Case]:
    alice, admin = mint.token(), mint.token("admin", sub="admin", scope="admin")
    both_kinds = [
        ("alice, then garbage", f"Bearer {alice}", "Bearer garbage"),
        ("garbage, then alice", "Bearer garbage", f"Bearer {alice}"),
        ("alice, then admin", f"Bearer {alice}", f"Bearer {admin}"),
        ("alice, then Basic", f"Bearer {alice}", "Basic YTpi"),
        ("Basic, then alice", "Basic YTpi", f"Bearer {alice}"),
    ]
    cases = [
        Case(
            "B01",
            f"two Authorization lines: {what}",
            request("/api/me", f"Authorization: {one}", f"Authorization: {two}"),
            refused_or(both(no_second_credential, clean)),
        )
        for what, one, two in both_kinds
    ]
    for what, value in (
        ("a list", f"Bearer {alice}, Bearer {admin}"),
        ("two tokens", f"Bearer {alice},{admin}"),
        ("a token and a word", f"Bearer {alice} x"),
        ("no space", f"Bearer{alice}"),
        ("a colon", f"Bearer: {alice}"),
    ):
        cases.append(
            Case(
                "B02",
                f"in one Authorization: {what}",
                request("/api/me", f"Authorization: {value}"),
                refused_or(both(no_second_credential, clean)),
            )
        )
    cases += [
        Case("B04", "a token in the query", request(f"/api/me?access_token={alice}"), refused),
        Case(
            "B04",
            "a token in a form",
            request(
                "/api/me",
                "Content-Type: application/x-www-form-urlencoded",
                f"Content-Length: {len(alice) + 13}",
                method="POST",
                body=f"access_token={alice}",
            ),
            refused,
        ),
        Case("B04", "a token in a cookie", request("/api/me", f"Cookie: access_token={alice}; token={alice}"), refused),
        Case("B20", "the token stays here", request(token=alice), unspoken("authorization")),
    ]
    for what, value in (
        ("FF FE", "Bearer \xff\xfe"),
        ("UTF-8", "\xc3\xa9 T"),
        ("80", "\x80"),
        ("a token and FF", f"Bearer {alice}\xff"),
    ):
        cases.append(
            Case("B06", f"Authorization with the bytes {what}", request("/api/me", f"Authorization: {value}"), refused)
        )
    return cases


SPELLINGS = (
    "X-Auth-User",
    "x-AUTH-user",
    "X_Auth_User",
    "X-Auth_User",
    "x_auth-user",
    "x.auth.user",
    "X-Auth-User ",
    "X-Auth~User",
)


def spoofing(mint: Mint) -> list[Case]:
    alice = mint.token()
    routes = (("public", "/public/x", None, identity(None)), ("protected", "/api/me", alice, identity("alice")))
    cases = []
    for route, target, token, judge in routes:
        for name in SPELLINGS:
            group = "B08" if name.lower() == "x-auth-user" else "B10"
            cases.append(
                Case(
                    group,
                    f"{name!r}: admin, {route}",
                    request(target, f"{name}: admin", token=token),
                    both(judge, clean),
                )
            )
        several = {
            "twice": ["X-Auth-User: admin", "X-Auth-User: admin"],
            "empty": ["X-Auth-User:"],
            "100 times": ["X-Auth-User: admin"] * 100,
            "a list": ["X-Auth-User: admin, alice"],
        }
        for what, fields in several.items():
            cases.append(Case("B08", f"X-Auth-User {what}, {route}", request(target, *fields, token=token), judge))
        for name in ("X-Auth-Roles", "X-Auth-Email", "x-auth-ROLES", "X_Auth_Roles"):
            cases.append(Case("B09", f"{name}: admin, {route}", request(target, f"{name}: admin", token=token), judge))
        trailers = request(
            target,
            "Transfer-Encoding: chunked",
            "Trailer: X-Auth-User",
            method="POST",
            token=token,
            body="3\r\nabc\r\n0\r\nX-Auth-User: admin\r\n\r\n",
        )
        cases.append(Case("B09", f"X-Auth-User in the trailers, {route}", trailers, judge, "trailers"))
        for name in ("Transfer_Encoding: chunked", "Content_Length: 5", "X_Forwarded_For: client-said"):
            judge_clean = both(clean, without("x-forwarded-for"))
            cases.append(Case("B10", f"{name}, {route}", request(target, name, token=token), judge_clean))
    return cases


def connection(mint: Mint) -> list[Case]:
    alice = mint.token()
    nominations = [
        ["Connection: close, X-Auth-User"],
        ["Connection: x-auth-user"],
        ["Connection: X-AUTH-USER"],
        ["Connection: close", "Connection: X-Auth-User"],
        ["Connection: keep-alive, X-Auth-Roles"],
        ["Connection: close, Authorization"],
        ["Connection: close, Host"],
        ["Connection: close, Content-Length"],
        ["Connection: close, X-Forwarded-For"],
    ]
    cases = []
    for fields in nominations:
        for version in ("HTTP/1.1", "HTTP/1.0"):
            raw = request("/api/me", *fields, token=alice, version=version, close=False)
            what = f"{'; '.join(fields)}, {version}"
            cases.append(Case("B12", what, raw, both(identity("alice"), last_address, clean)))
    upgrade = request("/api/me", "Upgrade: websocket", "Connection: Upgrade, X-Auth-User", token=alice, close=False)
    return [*cases, Case("B15", "Upgrade, and X-Auth-User nominated", upgrade, identity("alice"))]


FORGED = {
    "B21": (
        "X-Forwarded-Uri",
        "X-Forwarded-Prefix",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Envoy-Original-Path",
        "X-Forwarded-Method",
        "X-HTTP-Method-Override",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Original-Method",
        "X-Forwarded-Port",
    ),
    "B17": ("X-Real-IP", "True-Client-IP", "X-Client-IP", "CF-Connecting-IP"),
    "B18": ("Forwarded",),
}


def forged(mint: Mint) -> list[Case]:
    alice, cases = mint.token(), []
    for group, names in FORGED.items():
        for name in names:
            value = "for=client-said" if name == "Forwarded" else "client-said"
            cases.append(
                Case(
                    group,
                    f"{name} with a token",
                    request("/api/me", f"{name}: {value}", token=alice),
                    without(name),
                    "override headers",
                )
            )
    for name, value in (
        ("X-Original-URL", "/public"),
        ("X-Rewrite-URL", "/public"),
        ("X-Forwarded-Uri", "/public/x"),
        ("X-Forwarded-Prefix", "/public"),
        ("X-Envoy-Original-Path", "/public"),
        ("X-Forwarded-Method", "OPTIONS"),
        ("X-HTTP-Method-Override", "OPTIONS"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "localhost"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Envoy-Internal", "true"),
        ("X-Original-URI", "/public/x"),
        ("X-Accel-Redirect", "/public/x"),
    ):
        cases.append(
            Case("B21", f"{name}: {value} without a token", request("/api/admin", f"{name}: {value}"), refused)
        )
    cases.append(
        Case(
            "B21", "X-Forwarded-For: 1.2.3.4", request("/api/me", "X-Forwarded-For: 1.2.3.4", token=alice), last_address
        )
    )
    cases.append(
        Case(
            "B21",
            "X-Forwarded-For twice",
            request("/api/me", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8", token=alice),
            last_address,
        )
    )
    for agent in ("GoogleHC/1.0", "kube-probe/1.29", "ELB-HealthChecker/2.0"):
        cases.append(Case("B22", f"User-Agent {agent}", request("/api/me", f"User-Agent: {agent}"), refused))
    return cases


def cases(mint: Mint) -> list[Case]:
    return [case for room in (credentials, spoofing, connection, forged) for case in room(mint)]

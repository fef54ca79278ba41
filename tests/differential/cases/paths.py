"""C: paths that mean two things, asked by a stranger and by the holder of a token without the scope of /api/admin."""

from case import Case, request
from judges import both, clean, not_admin, public_only, refused
from tokens import Mint

AMBIGUOUS: dict[str, tuple[str, ...]] = {
    "C01": (
        "/public/../api/admin",
        "/public/./../api/admin",
        "/public/..",
        "/public/%2e%2e/api/admin",
        "/public/.%2e/api/admin",
        "/public/%2E./api/admin",
        "/..",
        "/public/.../api",
        "/../api/admin",
        "/public/x/../../api/admin",
        "/public/../../api/admin",
        "/api/x/../admin",
        "/api/./admin",
        "/api/%2e/admin",
        "/api/admin/../../public/x",
        "/api/admin/..%2f..%2fpublic/x",
    ),
    "C03": (
        "/public/..%2fapi/admin",
        "/public/..%2Fapi/admin",
        "/public%2f..%2fapi/admin",
        "/api%2fadmin",
        "/api%2Fadmin",
        "/public/%5c..",
        "/public/%5C..%5Capi%5Cadmin",
        "/public/..%5capi%5cadmin",
        "/public/%252e%252e/api/admin",
        "/public/..%252fapi/admin",
        "/api%252fadmin",
    ),
    "C04": ("/public\\..\\api\\admin", "/\\api", "/public/..\\api\\admin", "/api\\admin"),
    "C05": (
        "//api/admin",
        "///api/admin",
        "/public//../api/admin",
        "/public/..//api/admin",
        "//public/x",
        "/api//admin",
        "/public//x",
        "/api/admin//",
        "/public/..;/api/admin",
        "/public/..;x=1/api/admin",
        "/api;x/admin",
        "/api/admin;x=1",
        "/public/;/../../api/admin",
    ),
    "C07": (
        "/API/admin",
        "/Public/../api/admin",
        "/PUBLIC/x",
        "/%61pi/admin",
        "/p%75blic/x",
        "/api/%61dmin",
        "/api/adm%69n",
        "/api/admin%20",
        "/api/admin%00",
        "/api/admin%0a",
        "/public/%00/../../api/admin",
    ),
    "C09": (
        "/publicity",
        "/public-admin",
        "/public.bak",
        "/public%2fx",
        "/healthzz",
        "/healthz/../api/admin",
        "/healthz/x",
        "/tokens",
        "/public;/x",
        "/public%20/x",
        "/public%3b/x",
        "/public%3f/x",
        "/healthz%2f..%2fapi",
    ),
    "C11": (
        "/api/admin#/public",
        "/public#/../api/admin",
        "/public/x#/../../api/admin",
        "/api%23/public",
        "/api/admin%23",
        "/public/x?/../../api/admin",
        "/api/admin?x=/public",
        "/public%3f/../api/admin",
    ),
    "C26": ("/metrics", "/admin", "/debug/pprof", "/stats", "/nginx_status", "/server_info"),
}

NOT_ORIGIN = (
    "api/admin",
    "../api/admin",
    "%2fapi%2fadmin",
    "\\api\\admin",
    "x:/api/admin",
    "a:80",
    "%20/api/admin",
    "#/api/admin",
    "?x=1",
    "*",
    "gw.test/api/admin",
    "//gw.test/api/admin",
    "file:///api/admin",
    "http:/api/admin",
    "http:///api/admin",
)
ABSOLUTE = (
    "http://gw.test/api/admin",
    "http://gw.test/public/../api/admin",
    "HTTP://GW.TEST/api/admin",
    "http://evil.test/api/admin",
    "http://gw.test\\api/admin",
    "http://gw.test:80@evil.test/api/admin",
    "http://gw.test#/api/admin",
    "http://gw.test?/api/admin",
)


def asked(group: str, target: str, mint: Mint) -> list[Case]:
    """By a stranger, and by somebody who may not administer."""
    return [
        Case(group, f"{target}, a stranger", request(target), both(public_only, clean)),
        Case(group, f"{target}, without the scope", request(target, token=mint.token()), both(not_admin, clean)),
    ]


def methods(mint: Mint) -> list[Case]:
    found = []
    for method in (
        "HEAD",
        "get",
        "GeT",
        "FOO",
        "PROPFIND",
        "PURGE",
        "OPTIONS",
        "DELETE",
        "PRI",
        "G",
        "GET\tx",
        "GET,POST",
    ):
        raw = request(method=method)
        found.append(Case("C17", f"{method} /api/me, a stranger", raw, refused))
    preflight = request("/api/me", "Origin: https://evil.test", "Access-Control-Request-Method: GET", method="OPTIONS")
    found.append(Case("C17", "a preflight, a stranger", preflight, refused))
    for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "FOO"):
        found.append(
            Case(
                "C07",
                f"{method} /api/admin, without the scope",
                request("/api/admin", method=method, token=mint.token()),
                both(not_admin, clean),
            )
        )
        found.append(
            Case(
                "C07",
                f"{method} /api/admin/x, without the scope",
                request("/api/admin/x", method=method, token=mint.token()),
                both(not_admin, clean),
            )
        )
    for scope in ("administrator", "xadmin", "admin2", "ADMIN", "admin,x", "event:admin"):
        token = mint.token(f"scope {scope}", scope=scope)
        found.append(Case("C07", f"/api/admin with the scope {scope}", request("/api/admin", token=token), refused))
    return found


def hosts(_: Mint) -> list[Case]:
    """Whatever host is named: a stranger stays one."""
    names = (
        "GW.TEST",
        "gw.test.",
        "gw.test:80",
        "[::1]",
        "evil.test",
        "gw.test@evil.test",
        "gw.test/public",
        "gw.test, evil.test",
        "",
        "gw test",
        "gw.test\\x",
        "gw.test#x",
        "\xff",
    )
    found = [Case("C18", f"Host {name!r}, a stranger", request(host=name), refused) for name in names]
    doubled = request("/api/me", "Host: evil.test")
    return [
        *found,
        Case("C18", "two Hosts, a stranger", doubled, refused),
        Case("C18", "no Host, a stranger", request(host=None), refused),
    ]


def cases(mint: Mint) -> list[Case]:
    found = [case for group, targets in AMBIGUOUS.items() for target in targets for case in asked(group, target, mint)]
    found += [case for target in NOT_ORIGIN for case in asked("C13", target, mint)]
    found += [case for target in ABSOLUTE for case in asked("C14", target, mint)]
    found.append(Case("C16", "OPTIONS *", request("*", method="OPTIONS"), both(public_only, clean)))
    found.append(Case("C16", "POST *", request("*", method="POST"), refused))
    return found + methods(mint) + hosts(mint)

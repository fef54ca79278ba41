"""N: ordinary requests, some of them unusual, all of them legal: a gateway that refuses these refuses too much."""

from itertools import product

from case import Case, request
from judges import both, forwarded, identity, named
from tokens import Mint

from .spellings import FIELDS, HOSTS, METHODS, QUERIES, SEGMENTS


def targets(mint: Mint) -> list[Case]:
    through = both(forwarded, identity("alice"))
    found = [
        Case("N01", f"/api/{segment[:40]}", request(f"/api/{segment}", token=mint.token()), through)
        for segment in SEGMENTS
    ]
    found += [
        Case("N01", f"/public/{segment[:40]}/x", request(f"/public/{segment}/x"), both(forwarded, identity(None)))
        for segment in SEGMENTS[:40]
    ]
    for path in ("/", "/public", "/public/", "/healthz", "/public/a/b/c/d/e/f/g/h"):
        found.append(Case("N01", path, request(path), both(forwarded, identity(None))))
    for path in ("/api/", "/api", "/a/b/c/", "/api/admin2", "/api/adm"):
        found.append(Case("N01", path, request(path, token=mint.token()), through))
    found += [
        Case("N02", f"?{query[:40]}", request(f"/api/me?{query}", token=mint.token()), through) for query in QUERIES
    ]
    return found


def fields(mint: Mint) -> list[Case]:
    through = both(forwarded, identity("alice"))
    found = []
    for field in FIELDS:
        found.append(Case("N03", field[:50], request("/api/me", field, token=mint.token()), through))
    for spelling in ("bearer", "BEARER", "Bearer "):
        found.append(
            Case(
                "N03",
                f"Authorization: {spelling!r}",
                request("/api/me", f"Authorization: {spelling} {mint.token()}"),
                through,
            )
        )
    found.append(
        Case(
            "N03",
            "60 fields",
            request("/api/me", *[f"X-Field-{number}: {number}" for number in range(60)], token=mint.token()),
            through,
        )
    )
    found.append(
        Case("N03", "authorization in lower case", request("/api/me", f"authorization: Bearer {mint.token()}"), through)
    )
    admin = mint.token("admin's scope", scope="event:read admin")
    found += [
        Case("N03", f"{path} with the scope", request(path, token=admin), both(forwarded, named))
        for path in ("/api/admin", "/api/admin/x")
    ]
    return found


def methods(mint: Mint) -> list[Case]:
    through = both(forwarded, identity("alice"))
    found = [Case("N04", method, request(method=method, token=mint.token()), through) for method in METHODS]
    for method, length in product(("POST", "PUT", "DELETE", "PATCH", "GET"), (0, 5)):
        raw = request("/api/x", f"Content-Length: {length}", method=method, token=mint.token(), body="hello"[:length])
        found.append(Case("N06", f"{method} with {length} bytes", raw, through))
    return found


def hosts(mint: Mint) -> list[Case]:
    through = both(forwarded, identity("alice"))
    token = mint.token()
    found = [Case("N05", f"Host: {host[:30]}", request(host=host, token=token), through) for host in HOSTS]
    found += [
        Case("N05", "HTTP/1.0 with Host", request(version="HTTP/1.0", token=token), through),
        Case("N05", "HTTP/1.0 without Host", request(version="HTTP/1.0", host=None, token=token), through),
        Case(
            "N05",
            "HTTP/1.0, keep-alive",
            request("/api/me", "Connection: keep-alive", version="HTTP/1.0", token=token, close=False),
            through,
        ),
        Case("N05", "absolute form", request("http://gw.test/api/me", token=token), through),
        Case("N05", "absolute form, other case", request("HTTP://GW.test/api/me", token=token), through),
        Case("N05", "absolute form with a query", request("http://gw.test/api/me?a=b", token=token), through),
        Case("N05", "absolute form without a path", request("http://gw.test"), both(forwarded, identity(None))),
        Case(
            "N05",
            "absolute form with a port",
            request("http://gw.test:8080/api/me", token=token, host="gw.test:8080"),
            through,
        ),
        Case(
            "N05",
            "absolute form, another Host",
            request("http://gw.test/api/me", token=token, host="other.test"),
            through,
        ),
        Case("N05", "absolute form of https", request("https://gw.test/api/me", token=token), through),
        Case("N05", "an empty line before", b"\r\n" + request(token=token), through),
        Case(
            "N05",
            "Connection: keep-alive",
            request("/api/me", "Connection: keep-alive", token=token, close=False),
            through,
        ),
    ]
    return found


def bodies(mint: Mint) -> list[Case]:
    through = both(forwarded, identity("alice"))
    chunked = {
        "chunked": "5\r\nhello\r\n0\r\n\r\n",
        "chunked, in two": "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        "chunked, empty": "0\r\n\r\n",
        "chunked, capitals": "A\r\nhellohello\r\n0\r\n\r\n",
        "chunked, leading zeros": "0005\r\nhello\r\n000\r\n\r\n",
        "chunked, an extension": "5;a=b\r\nhello\r\n0\r\n\r\n",
        "chunked, a quoted extension": '5;a="b;c"\r\nhello\r\n0;d\r\n\r\n',
        "chunked, a trailer": "5\r\nhello\r\n0\r\nX-Checksum: abc\r\n\r\n",
    }
    token, found = mint.token(), []
    for what, body in chunked.items():
        raw = request("/api/x", "Transfer-Encoding: chunked", method="POST", token=token, body=body)
        found.append(Case("N06", what, raw, through))
    form = "a=b&c=%20d"
    part = '--x\r\nContent-Disposition: form-data; name="f"; filename="\xc3\xa9.txt"\r\n\r\nhello\r\n--x--\r\n'
    large = "x" * 200_000
    post = {
        "a form": (form, ["Content-Type: application/x-www-form-urlencoded"]),
        "multipart": (part, ["Content-Type: multipart/form-data; boundary=x"]),
        "200 kB": (large, []),
        "compressed": ("\x1f\x8b", ["Content-Encoding: gzip"]),
        "Expect: 100-continue": ("hello", ["Expect: 100-continue"]),
        "Expect: 100-Continue": ("hello", ["Expect: 100-Continue"]),
    }
    for what, (body, more) in post.items():
        raw = request("/api/x", f"Content-Length: {len(body)}", *more, method="POST", token=token, body=body)
        found.append(Case("N06", f"POST, {what}", raw, through))
    found.append(Case("N06", "POST without a length", request("/api/x", method="POST", token=token), through))
    found.append(
        Case(
            "N06",
            "chunked in capitals",
            request("/api/x", "Transfer-Encoding: Chunked", method="POST", token=token, body=chunked["chunked"]),
            through,
        )
    )
    return found


def cases(mint: Mint) -> list[Case]:
    return [case for room in (targets, fields, methods, hosts, bodies) for case in room(mint)]

"""D: messages that two parsers would cut differently, upgrades, odd methods and versions. G: heads that never end.

What is smuggled asks for a path nobody may have without a token, so it reaches the upstream only unseen; where the body
of a refused request is the lure, it asks for a public path, which whoever takes the body for a request will forward.
"""

from case import Case, Outcome, request
from judges import both, clean, identity, refused, unspoken
from tokens import Mint

SMUGGLED = "GET /api/smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n"
LURE = "GET /public/smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n"


def post(
    *fields: str, body: str, target: str = "/public/x", version: str = "HTTP/1.1", token: str | None = None
) -> bytes:
    return request(target, *fields, method="POST", version=version, token=token, close=False, body=body)


def lengths(_: Mint) -> list[Case]:
    chunks = "3\r\nabc\r\n0\r\n\r\n" + SMUGGLED
    whole = f"Content-Length: {len(chunks)}"
    found = {
        "CL, TE": ("D01", [whole, "Transfer-Encoding: chunked"]),
        "TE, CL": ("D01", ["Transfer-Encoding: chunked", whole]),
        "CL 4, TE": ("D01", ["Content-Length: 4", "Transfer-Encoding: chunked"]),
        "TE in capitals, CL": ("D01", ["Transfer-Encoding: CHUNKED", whole]),
        "TE gzip, chunked": ("D01", ["Transfer-Encoding: gzip, chunked"]),
        "TE chunked, gzip": ("D01", ["Transfer-Encoding: chunked, gzip", whole]),
        "TE identity, CL": ("D01", ["Transfer-Encoding: identity", whole]),
        "TE xchunked, CL": ("D01", ["Transfer-Encoding: xchunked", whole]),
        "TE twice": ("D01", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]),
        "TE chunked, chunked": ("D01", ["Transfer-Encoding: chunked, chunked"]),
        "TE identity, TE chunked": ("D01", ["Transfer-Encoding: identity", "Transfer-Encoding: chunked"]),
        "TE with a vertical tab, CL": ("D01", ["Transfer-Encoding: \x0bchunked", whole]),
        "TE with FF, CL": ("D01", ["Transfer-Encoding: chunked\xff", whole]),
        "TE quoted, CL": ("D01", ['Transfer-Encoding: "chunked"', whole]),
        "TE after a space, CL": ("D14", ["Transfer-Encoding : chunked", whole]),
        "TE after a tab, CL": ("D14", ["Transfer-Encoding\t: chunked", whole]),
        "TE on a folded line, CL": ("D14", ["Transfer-Encoding:", " chunked", whole]),
        "TE behind a bare CR, CL": ("D14", ["X: a\rTransfer-Encoding: chunked", whole]),
        "TE behind a bare LF, CL": ("D15", ["X: a\nTransfer-Encoding: chunked", whole]),
    }
    cases = [Case(group, what, post(*fields, body=chunks), clean) for what, (group, fields) in found.items()]
    for value in (
        "+3",
        "0x3",
        "-1",
        "",
        "1 3",
        "3,4",
        "3, 3",
        "18446744073709551616",
        "9" * 30,
        "3.0",
        "3;",
        "\xb2",
        "03",
        "3\t4",
    ):
        cases.append(Case("D03", f"CL {value!r}", post(f"Content-Length: {value}", body="abc" + SMUGGLED), clean))
    for one, two in ((3, 4), (3, 3), (0, len(SMUGGLED)), (len(SMUGGLED), 0)):
        raw = post(f"Content-Length: {one}", f"Content-Length: {two}", body="abc" + SMUGGLED if one == 3 else SMUGGLED)
        cases.append(Case("D03", f"CL {one}, CL {two}", raw, clean))
    for value in (2**64 - 1, 2**63, 10 * 2**40):
        cases.append(
            Case(
                "D04",
                f"CL {value}",
                request("/api/x", f"Content-Length: {value}", method="POST", close=False, body="abc"),
                refused,
            )
        )
    return cases


def old(_: Mint) -> list[Case]:
    chunks = "0\r\n\r\n" + SMUGGLED
    return [
        Case("D06", "TE in HTTP/1.0", post("Transfer-Encoding: chunked", body=chunks, version="HTTP/1.0"), clean),
        Case(
            "D06",
            "TE and keep-alive in HTTP/1.0",
            post("Transfer-Encoding: chunked", "Connection: keep-alive", body=chunks, version="HTTP/1.0"),
            clean,
        ),
        Case("D06", "no length in HTTP/1.0", post(body=SMUGGLED, version="HTTP/1.0"), clean),
        Case(
            "D06",
            "no length, keep-alive, in HTTP/1.0",
            post("Connection: keep-alive", body=SMUGGLED, version="HTTP/1.0"),
            clean,
        ),
        Case("D06", "no length in HTTP/1.1", post(body=SMUGGLED), clean),
        Case(
            "D06",
            "a GET with a length",
            request("/public/x", f"Content-Length: {len(LURE)}", close=False, body=LURE),
            clean,
        ),
    ]


def chunks(_: Mint) -> list[Case]:
    bodies = {
        "size 0x3": "0x3\r\nabc\r\n0\r\n\r\n",
        "size +3": "+3\r\nabc\r\n0\r\n\r\n",
        "size -1": "-1\r\nabc\r\n0\r\n\r\n",
        "size of 17 digits": "10000000000000003\r\nabc\r\n0\r\n\r\n",
        "size after a space": " 3\r\nabc\r\n0\r\n\r\n",
        "size before a space": "3 \r\nabc\r\n0\r\n\r\n",
        "an empty size": "\r\nabc\r\n0\r\n\r\n",
        "a bare LF behind the size": "3\nabc\r\n0\r\n\r\n",
        "a bare LF behind the data": "3\r\nabc\n0\r\n\r\n",
        "a bare LF in an extension": "3;x\ny\r\nabc\r\n0\r\n\r\n",
        "a bare CR in an extension": "3;x\ry\r\nabc\r\n0\r\n\r\n",
        "more data than the size": "3\r\nabcd\r\n0\r\n\r\n",
        "a bare LF at the end": "3\r\nabc\r\n0\n\n",
        "a line without colon in the trailers": "3\r\nabc\r\n0\r\nGET /api/smuggled HTTP/1.1\r\n\r\n",
        "Content-Length in the trailers": "3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n",
    }
    return [
        Case("D01", f"chunks: {what}", post("Transfer-Encoding: chunked", body=body + SMUGGLED), clean)
        for what, body in bodies.items()
    ]


def refused_bodies(mint: Mint) -> list[Case]:
    length = f"Content-Length: {len(LURE)}"
    whole = f"{len(LURE):x}\r\n{LURE}\r\n0\r\n\r\n"
    bad = mint.token("exp 30 s ago", exp=mint.now - 30)
    return [
        Case("D09", "a stranger's body", post(length, body=LURE, target="/api/x"), clean),
        Case(
            "D09", "a stranger's chunked body", post("Transfer-Encoding: chunked", body=whole, target="/api/x"), clean
        ),
        Case("D09", "the body under a bad token", post(length, body=LURE, target="/api/x", token=bad), clean),
        Case("D09", "the body of a bad path", post(length, body=LURE, target="/public/%zz"), clean),
        Case(
            "D09",
            "a stranger's body after Expect",
            post(length, "Expect: 100-continue", body=LURE, target="/api/x"),
            clean,
        ),
        Case("D09", "the body of an unknown expectation", post(length, "Expect: client-said", body=LURE), clean),
        Case("D09", "the body of a TRACE", request("/public/x", length, method="TRACE", close=False, body=LURE), clean),
    ]


def upgrades(mint: Mint) -> list[Case]:
    alice = mint.token()
    socket = [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ]
    h2c = ["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__"]

    def bare(target: str, fields: list[str], token: str | None = None, **more: str) -> bytes:
        return request(target, *fields, token=token, close=False, **more)

    return [
        Case(
            "D08",
            "Upgrade: foo, and a request behind it",
            bare("/public/x", ["Upgrade: foo", "Connection: Upgrade"], body=SMUGGLED),
            clean,
        ),
        Case("D08", "Upgrade: websocket, and a request behind it", bare("/public/x", socket, body=SMUGGLED), clean),
        Case("D11", "WebSocket, a stranger", bare("/api/ws", socket), refused),
        Case("D11", "WebSocket with a token", bare("/api/ws", socket, alice), identity("alice")),
        Case("D11", "Upgrade without Connection, a stranger", bare("/api/ws", socket[:1]), refused),
        Case(
            "D11",
            "WebSocket by POST, a stranger",
            bare("/api/ws", [*socket, "Content-Length: 0"], method="POST"),
            refused,
        ),
        Case("D11", "WebSocket in HTTP/1.0, a stranger", bare("/api/ws", socket, version="HTTP/1.0"), refused),
        Case("D12", "Upgrade: h2c on a public route", bare("/public/x", h2c), unspoken("upgrade")),
        Case("D12", "Upgrade: h2c with a token", bare("/api/x", h2c, alice), unspoken("upgrade")),
        Case("D12", "Upgrade: h2c, a stranger", bare("/api/x", h2c), refused),
    ]


LINES = {
    "a folded line": "X: a\r\n folded",
    "a line folded by a tab": "X: a\r\n\tfolded",
    "a space before the colon": "X : a",
    "an empty name": ": a",
    "a quoted name": '"X": a',
    "a name in UTF-8": "\xc3\xa9: a",
    "a name with a space": "X Y: a",
    "no colon": "nothing",
    "NUL in a value": "X: a\0b",
    "CR in a value": "X: a\rb",
    "DEL in a value": "X: a\x7fb",
    "ESC in a value": "X: a\x1bb",
    "NUL in a name": "X\0: a",
    "a first line that is folded": None,  # type: ignore[dict-item]
}


def lines(mint: Mint) -> list[Case]:
    cases = []
    for what, line in LINES.items():
        raw = (
            b"GET /public/x HTTP/1.1\r\n Host: gw.test\r\nHost: gw.test\r\nConnection: close\r\n\r\n"
            if line is None
            else request("/public/x", line)
        )
        cases.append(Case("D14", what, raw, clean))
    spoof = both(clean, identity("alice"))
    alice = mint.token()
    for what, line in (
        ("LF", "X: a\nX-Auth-User: admin"),
        ("CR", "X: a\rX-Auth-User: admin"),
        ("NUL", "X: a\0\r\nX-Auth-User\0: admin"),
        ("a fold", "X: a\r\n X-Auth-User: admin"),
        ("a space before the colon", "X-Auth-User : admin"),
    ):
        cases.append(Case("D14", f"X-Auth-User behind {what}", request("/api/me", line, token=alice), spoof))
    everywhere = request("/public/x").replace(b"\r\n", b"\n")
    return [
        *cases,
        Case("D15", "bare LF everywhere", everywhere, clean),
        Case("D15", "bare LF everywhere, a stranger", request().replace(b"\r\n", b"\n"), refused),
    ]


def versions(mint: Mint) -> list[Case]:
    found = [
        "HTTP/0.9",
        "HTTP/1.2",
        "HTTP/1.10",
        "HTTP/2.0",
        "HTTP/3",
        "http/1.1",
        "HTTP/1.1 x",
        "HTTP /1.1",
        "HTTP/01.1",
        "ICAP/1.0",
        "",
    ]
    cases = [Case("D17", f"version {version!r}", request("/public/x", version=version), clean) for version in found]
    cases += [
        Case("D17", "a simple request of HTTP/0.9", b"GET /public/x\r\n\r\n", clean),
        Case("D17", "the preface of h2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", clean),
        Case("D17", "two spaces", b"GET  /public/x HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n", clean),
        Case("D17", "a space in the target", request("/public/x /api/admin"), clean),
        Case("D17", "a tab in the target", request("/public/x\t/api/admin"), clean),
        Case("D17", "bytes outside ASCII in the target", request("/public/\xc3\xa9"), clean),
        Case("D17", "NUL in the target", request("/public/\0x"), clean),
        Case("D19", "CONNECT to a port", request("gw.test:80", method="CONNECT"), refused),
        Case("D19", "CONNECT to a path", request("/public/x", method="CONNECT"), refused),
        Case("D19", "CONNECT to an address", request("http://gw.test/public/x", method="CONNECT"), refused),
        Case("D20", "TRACE with a token", request(method="TRACE", token=mint.token()), refused, "no TRACE"),
    ]
    return cases


def slow(_: Mint) -> list[Case]:
    def ends(outcome: Outcome) -> str | None:
        return None if outcome.heard.ended else "still open after 20 s"

    start = b"GET /healthz?fence HTTP/1.1\r\nHost: gw.test\r\n"
    before = request("/healthz?fence", close=False)
    return [
        Case("G01", "a first head, a line a second", start, ends, slow_after=b""),
        Case("G02", "a second head, a line a second", start, ends, slow_after=before),
    ]


def cases(mint: Mint) -> list[Case]:
    rooms = (lengths, old, chunks, refused_bodies, upgrades, lines, versions, slow)
    return [case for room in rooms for case in room(mint)]

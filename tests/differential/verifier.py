"""The verifier that nginx asks by `auth_request`: 200 with the identity in headers, 401, or 403 for a missing scope.

Written as PyJWT's documentation tells: algorithms, audience, issuer and required claims are named.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt

REQUIRED = ["exp", "iss", "aud", "sub"]


def claims(header: str, key: str) -> dict:
    """The claims of a good token; raises what PyJWT raises."""
    token = header.partition(" ")[2].lstrip(" ")
    options = {"require": REQUIRED}
    return jwt.decode(token, key, algorithms=["HS256"], audience="planner", issuer="https://gw.test", options=options)


class Verify(BaseHTTPRequestHandler):
    """One question of nginx: `/any` or `/admin`."""

    protocol_version = "HTTP/1.0"
    key = ""

    def do_GET(self) -> None:
        header = self.headers.get("Authorization")
        if header is None or header.split(" ")[0].lower() != "bearer":
            return self.answer(401, {"WWW-Authenticate": 'Bearer realm="gw"'})
        try:
            found = claims(header, self.key)
        except jwt.InvalidTokenError:
            return self.answer(401, {"WWW-Authenticate": 'Bearer realm="gw", error="invalid_token"'})
        user, scope = found["sub"], found.get("scope", "")
        if not user.strip() or not user.isprintable() or not user.isascii():
            return self.answer(401, {"WWW-Authenticate": 'Bearer realm="gw", error="invalid_token"'})
        if self.path == "/admin" and "admin" not in scope.split():
            return self.answer(403, {})
        return self.answer(200, {"X-Auth-User": user})

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def answer(self, status: int, fields: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    Verify.key = Path(sys.argv[2]).read_text()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Verify).serve_forever()

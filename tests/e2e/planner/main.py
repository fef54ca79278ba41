"""The application: `uvicorn planner.main:app --proxy-headers --forwarded-allow-ips 127.0.0.1`."""

from fastapi import FastAPI, Request

from .events import router
from .identity import Scopes

app = FastAPI(title="Event planner")
app.include_router(router)


@app.get("/whoami")
def whoami(request: Request, scopes: Scopes) -> dict[str, object]:
    """What reaches the backend: every header as it came, and whom uvicorn takes the client for."""
    return {
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw],
        "scopes": sorted(scopes),
        "client": request.client.host if request.client else None,
        "url": str(request.url),
    }

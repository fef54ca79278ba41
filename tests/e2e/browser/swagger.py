"""Swagger UI, as people use it: what is pressed, and what it then shows."""

from typing import Any

from browser.chrome import Chrome


def try_out(chrome: Chrome) -> tuple[str, str]:
    """Executes GET /me in Swagger UI: the status and the body it shows."""
    if not chrome.shows(".opblock-get.is-open"):
        chrome.find("#operations-default-me_me_get .opblock-summary-control").click()
        chrome.find("#operations-default-me_me_get .try-out__btn").click()
    if chrome.shows("#operations-default-me_me_get .btn-clear"):
        chrome.find("#operations-default-me_me_get .btn-clear").click()
    chrome.find("#operations-default-me_me_get .execute").click()
    answer = "#operations-default-me_me_get .live-responses-table .response"
    status = chrome.find(f"{answer} .response-col_status").text.split()[0]
    body = chrome.find(f"{answer} .response-col_description .highlight-code, {answer} .response-col_description pre")
    chrome.run("arguments[0].scrollIntoView({ block: 'center' })", body)
    return status, body.text


def auth() -> dict[str, Any]:
    """What Swagger UI keeps beside a token."""
    schema = {"type": "oauth2", "flow": "password", "scopes": {}, "tokenUrl": "/token"}
    return {"schema": schema, "name": "OAuth2PasswordBearer", "scopes": []}

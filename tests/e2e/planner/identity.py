"""Who is asking? What is left of the planner's authentication: two headers that only the gateway can set."""

from typing import Annotated

from fastapi import Depends, Header

# Required: a request without it never came through the gateway, and is a 422 here.
User = Annotated[str, Header(alias="X-Auth-User")]


def scopes(x_auth_scopes: Annotated[str, Header()] = "") -> set[str]:
    """What the token behind this request allows."""
    return set(x_auth_scopes.split())


Scopes = Annotated[set[str], Depends(scopes)]

"""Making and reading of tokens."""

import time

import jwt
from database.connection import Settings
from fastapi import HTTPException, status
from models.users import User

settings = Settings()


def create_access_token(user: str) -> str:
    payload = {"user": user, "expires": time.time() + 3600}
    return jwt.encode(payload, settings.SECRET_KEY, algorithm="HS256")


async def verify_access_token(token: str) -> dict:
    try:
        data = jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise HTTPException(status_code=status.HTTP_400_BAD_REQUEST, detail="Invalid token")

    expires = data.get("expires")
    if expires is None:
        raise HTTPException(status_code=status.HTTP_400_BAD_REQUEST, detail="No access token supplied")
    if time.time() > expires:
        raise HTTPException(status_code=status.HTTP_403_FORBIDDEN, detail="Token expired!")

    user_exist = await User.find_one(User.email == data["user"])
    if not user_exist:
        raise HTTPException(status_code=status.HTTP_400_BAD_REQUEST, detail="Invalid token")
    return data

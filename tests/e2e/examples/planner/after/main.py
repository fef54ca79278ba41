"""The event planner."""

from contextlib import asynccontextmanager

import uvicorn
from database.connection import Settings
from fastapi import FastAPI
from routes.events import event_router

settings = Settings()


@asynccontextmanager
async def lifespan(app: FastAPI):
    await settings.initialize_database()
    yield


app = FastAPI(title="Event planner", lifespan=lifespan)

app.include_router(event_router, prefix="/event")


if __name__ == "__main__":
    uvicorn.run("main:app", host="127.0.0.1", port=8000)

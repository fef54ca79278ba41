"""The connection to MongoDB, and what every route does with a collection."""

from typing import Any

from beanie import Document, PydanticObjectId, init_beanie
from models.events import Event
from models.users import User
from pydantic import BaseModel
from pydantic_settings import BaseSettings
from pymongo import AsyncMongoClient


class Settings(BaseSettings):
    DATABASE_URL: str = "mongodb://127.0.0.1:27017/planner"
    SECRET_KEY: str

    async def initialize_database(self) -> None:
        client = AsyncMongoClient(self.DATABASE_URL)
        await init_beanie(database=client.get_default_database(), document_models=[Event, User])


class Database:
    def __init__(self, model: type[Document]):
        self.model = model

    async def save(self, document: Document) -> None:
        await document.create()

    async def get(self, id: PydanticObjectId) -> Any:
        return await self.model.get(id)

    async def get_all(self) -> list[Any]:
        return await self.model.find_all().to_list()

    async def update(self, id: PydanticObjectId, body: BaseModel) -> Any:
        document = await self.get(id)
        if document:
            await document.set(body.model_dump(exclude_none=True))
        return document

    async def delete(self, id: PydanticObjectId) -> bool:
        document = await self.get(id)
        if not document:
            return False
        await document.delete()
        return True

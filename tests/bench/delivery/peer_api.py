"""The peer: a default FastAPI application that validates a list with pydantic and pipelines XADD of JSON."""

import os

from fastapi import FastAPI
from pydantic import BaseModel
from redis.asyncio import Redis


class Event(BaseModel):
    id: str | None = None
    occurred_at: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    query: str
    response: str | None = None
    response_time: float | None = None
    error: str | None = None
    model: str | None = None


app = FastAPI()
redis = Redis.from_url(os.environ["KAIZEN_REDIS_URL"])


@app.post("/events", status_code=202)
async def push(events: list[Event]) -> dict[str, int]:
    pipe = redis.pipeline(transaction=False)
    for event in events:
        pipe.xadd("peer", {"r": event.model_dump_json()})
    await pipe.execute()
    return {"accepted": len(events)}

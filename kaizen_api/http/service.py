"""Service: what the routes share, built once per application and closed with it. Nothing connects before it is used."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Request

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, connect_async, count_keys, reaching
from kaizen_api.errors import Unavailable
from kaizen_api.http.door import Door
from kaizen_api.http.engine import Engine
from kaizen_api.producer import AsyncProducer
from kaizen_api.producer.batch import REFUSED
from kaizen_api.queries import Queries

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis


class Service:
    """The parts of one application.

    Args:
        config: Its settings.
        engine: Who looks up and applies.
    """

    def __init__(self, config: KaizenConfig, engine: Engine) -> None:
        self.config = config
        self.engine = engine
        self._doors: dict[str, Door] = {}
        self._redis: Redis | None = None
        self._async_redis: AsyncRedis | None = None

    def door(self, tenant: str) -> Door:
        """The tenant's way in.

        Raises:
            Unavailable: no Redis is configured.
        """
        if tenant not in self._doors:
            self._doors[tenant] = Door(AsyncProducer(self.config, tenant=tenant))
        return self._doors[tenant]

    @contextmanager
    def reading(self, tenant: str) -> Iterator[Queries]:
        """What the tenant may see.

        Raises:
            Unavailable: Redis does not answer, now or within the block.
        """
        if self._redis is None:
            self._redis = connect(self.config)
        with reaching(self.config):
            yield Queries(self._redis, tenant=tenant)

    async def count_refused(self, tenant: str, number: int) -> None:
        """Count what was not taken; without Redis it goes uncounted, for the answer does not hang on it."""
        if not number:
            return
        with suppress(Unavailable), reaching(self.config):
            if self._async_redis is None:
                self._async_redis = connect_async(self.config)
            pipe = self._async_redis.pipeline()
            for key in count_keys(self._async_redis, tenant):
                pipe.hincrby(key, REFUSED, number)
            await pipe.execute()

    async def close(self) -> None:
        """Close all connections."""
        for door in self._doors.values():
            await door.close()
        if self._async_redis is not None:
            await self._async_redis.aclose()
        if self._redis is not None:
            self._redis.close()

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Of the application that it serves."""
        try:
            yield
        finally:
            await self.close()


def service_of(request: Request) -> Service:
    """The application's service."""
    service: Service = request.app.state.service
    return service


async def _service(request: Request) -> Service:
    return service_of(request)


Serving = Annotated[Service, Depends(_service)]

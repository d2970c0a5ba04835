"""Appending one batch: room is made, the script is called, and replicas confirm. From threads and from coroutines."""

from collections.abc import Sequence
from typing import Any, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.client import Pipeline as AsyncPipeline
from redis.client import Pipeline

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import count_keys, is_spread, reaching
from kaizen_api.producer.batch import (
    REPLICAS_MS,
    SCRIPT,
    Appended,
    Pair,
    check_replicas,
    read_reply,
    script_call,
)
from kaizen_api.producer.room import Room


class Appender:
    """Appends batches to one tenant's stream over one client.

    Args:
        redis: Its client.
        config: How much may wait, and how many replicas have to confirm.
        tenant: Whose stream.
    """

    def __init__(self, redis: Redis, config: KaizenConfig, *, tenant: str) -> None:
        self._redis = redis
        self._config = config
        self._tenant = tenant
        self._counted = count_keys(redis, tenant)
        self._script = redis.register_script(SCRIPT)
        self._room = Room(tenant, self._counted[-1])

    def append(self, pairs: Sequence[Pair]) -> Appended:
        """Append one batch of at most `MAX_BATCH`, whole or not at all.

        Raises:
            Unavailable: Redis does not answer, or takes no more (`Backpressure`); or it has the batch, and too few
                replicas do. Sending it again is harmless.
        """
        with reaching(self._config):
            self._make_room(pairs)
            reply, confirmed = self._call(pairs)
        appended = read_reply(reply, tenant=self._tenant)
        check_replicas(confirmed, config=self._config)
        return appended

    def _make_room(self, pairs: Sequence[Pair]) -> None:
        if not self._room.covers(pairs):
            pipe = self._redis.pipeline(transaction=False)
            self._room.look(pipe)
            self._room.note(pipe.execute(raise_on_error=False), pairs)

    def _call(self, pairs: Sequence[Pair]) -> tuple[Sequence[int], int]:
        """The script's reply, and how many replicas have it."""
        script_keys, arguments = script_call(pairs, tenant=self._tenant, config=self._config, counted=self._counted)
        pipe = self._redis.pipeline(transaction=False)
        known = self._config.wait_replicas
        if is_spread(self._redis):  # before the append, so that nothing waits in a stream that nobody looks into
            pipe.sadd(keys.TENANTS, self._tenant)
            _, known = self._written(pipe)
        if not self._config.wait_replicas:
            return self._script(keys=script_keys, args=arguments), 0
        self._script(keys=script_keys, args=arguments, client=pipe)
        reply, confirmed = self._written(pipe)
        return reply, min(known, confirmed)

    def _written(self, pipe: Pipeline) -> tuple[Any, int]:
        """The reply to the one command in it, and how many replicas have what it wrote, where that is asked."""
        if self._config.wait_replicas:  # on the connection that wrote it
            pipe.wait(self._config.wait_replicas, REPLICAS_MS)
        reply, *confirmed = pipe.execute()
        return reply, confirmed[0] if confirmed else 0


class AsyncAppender:
    """As `Appender`, from coroutines."""

    def __init__(self, redis: AsyncRedis, config: KaizenConfig, *, tenant: str) -> None:
        self._redis = redis
        self._config = config
        self._tenant = tenant
        self._counted = count_keys(redis, tenant)
        self._script = redis.register_script(SCRIPT)
        self._room = Room(tenant, self._counted[-1])

    async def append(self, pairs: Sequence[Pair]) -> Appended:
        """As `Appender.append`."""
        with reaching(self._config):
            await self._make_room(pairs)
            reply, confirmed = await self._call(pairs)
        appended = read_reply(reply, tenant=self._tenant)
        check_replicas(confirmed, config=self._config)
        return appended

    async def _make_room(self, pairs: Sequence[Pair]) -> None:
        if not self._room.covers(pairs):
            pipe = self._redis.pipeline(transaction=False)
            self._room.look(pipe)
            self._room.note(await pipe.execute(raise_on_error=False), pairs)

    async def _call(self, pairs: Sequence[Pair]) -> tuple[Sequence[int], int]:
        """The script's reply, and how many replicas have it."""
        script_keys, arguments = script_call(pairs, tenant=self._tenant, config=self._config, counted=self._counted)
        pipe = self._redis.pipeline(transaction=False)
        known = self._config.wait_replicas
        if is_spread(self._redis):  # before the append, so that nothing waits in a stream that nobody looks into
            pipe.sadd(keys.TENANTS, self._tenant)
            _, known = await self._written(pipe)
        if not self._config.wait_replicas:
            return cast("Sequence[int]", await self._script(keys=script_keys, args=arguments)), 0
        await self._script(keys=script_keys, args=arguments, client=cast("Any", pipe))
        reply, confirmed = await self._written(pipe)
        return reply, min(known, confirmed)

    async def _written(self, pipe: AsyncPipeline) -> tuple[Any, int]:
        """The reply to the one command in it, and how many replicas have what it wrote, where that is asked."""
        if self._config.wait_replicas:  # on the connection that wrote it
            pipe.wait(self._config.wait_replicas, REPLICAS_MS)
        reply, *confirmed = await pipe.execute()
        return reply, confirmed[0] if confirmed else 0

"""The client of a cluster for coroutines, with the guarantees of `cluster.py`."""

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

import redis
from redis import asyncio as aio
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ClusterDownError, MovedError

from kaizen_api.config import Topology
from kaizen_api.config.topology import Address
from kaizen_api.connection.cluster import ASK_SECONDS, FAILURES, MOVES
from kaizen_api.connection.slots import Command, Slots, again, one_slot, slot_of
from kaizen_api.connection.times import PAUSE, limits

T = TypeVar("T")


class AsyncClusterRedis(aio.Redis):
    """All nodes of a cluster.

    Args:
        named: Some of its nodes, and the login.
        timeout: Seconds a call may wait for a node.
    """

    def __init__(self, named: Topology, *, timeout: float) -> None:
        super().__init__(connection_pool=aio.ConnectionPool())  # that of no server: it encodes, and connects nowhere
        self._named = named
        self._timeout = timeout
        self._slots = Slots(named)
        self._nodes: dict[Address, aio.Redis] = {}

    async def masters(self) -> list[aio.Redis]:
        """A client of each node that has slots."""
        await self._learn()
        return [self._node(address) for address in self._slots.masters]

    def forget(self) -> None:
        """Leave the connections to whom they belong: to the process that this one was forked from."""
        self._nodes = {}

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """What the node says that has the command's key."""
        if args[0] == "SCRIPT LOAD":  # nobody knows which node is asked to run it
            nodes: list[Any] = await self.masters()
            return [await node.execute_command(*args, **options) for node in nodes][-1]
        return await self._at(slot_of(args), lambda node: node.execute_command(*args, **options))

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "AsyncClusterPipeline":  # noqa: FBT001, FBT002  # as redis-py has it
        """Commands that are sent together, to as many nodes as have their keys; a transaction to one."""
        return AsyncClusterPipeline(self, transaction=transaction, shard_hint=shard_hint)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001  # as redis-py has it
        """Close the connections to all nodes."""
        for node in self._nodes.values():
            await node.aclose()
        await super().aclose(close_connection_pool)

    async def run(self, commands: Sequence[Command], scripts: set[Any], *, transaction: bool) -> list[Any]:
        """The replies to a pipeline's commands, errors among them."""
        if transaction:
            run = partial(_run, commands=commands, scripts=scripts, transaction=True)
            return await self._at(one_slot(commands), run)
        replies: list[Any] = [None] * len(commands)
        places: Sequence[int] = range(len(commands))
        for _ in range(MOVES):
            await self._learn()
            left: list[int] = []
            for address, part in self._slots.split(commands, places).items():
                run = partial(_run, commands=[commands[place] for place in part], scripts=scripts)
                answers = await self._ask(address, run)
                for place, answer in zip(part, answers, strict=True):
                    replies[place] = answer
                    if isinstance(answer, MovedError):
                        self._slots.move(answer)
                left += again(answers, commands, part)
            if not left:
                break
            places = left
        return replies

    async def _at(self, slot: int | None, call: Callable[[Any], Awaitable[T]]) -> T:
        for _ in range(MOVES):
            await self._learn()
            try:
                return await self._ask(self._slots.place(slot), call)
            except MovedError as moved:
                self._slots.move(moved)
        raise ClusterDownError("CLUSTERDOWN nodes name each other as the one that has a slot")

    async def _ask(self, address: Address, call: Callable[[Any], Awaitable[T]]) -> T:
        try:
            return await call(self._node(address))
        except FAILURES:
            self._slots.forget(address)
            raise

    async def _learn(self) -> None:
        if self._slots.known:
            return
        failed: redis.RedisError = redis.ConnectionError("no node of the cluster answers")
        deadline = time.monotonic() + self._timeout
        for address in self._slots.sources:
            try:
                async with aio.Redis.from_pool(self._pool(address, min(ASK_SECONDS, self._timeout))) as node:
                    self._slots.learn(await cast("Any", node).execute_command("CLUSTER SLOTS"), address)
            except FAILURES as error:
                failed = error
                self._slots.forget(address)
            else:
                return
            if time.monotonic() > deadline:
                break
        raise failed

    def _node(self, address: Address) -> aio.Redis:
        if address not in self._nodes:
            self._nodes[address] = aio.Redis.from_pool(self._pool(address, self._timeout))
        return self._nodes[address]

    def _pool(self, address: Address, timeout: float) -> aio.ConnectionPool:
        retry = Retry(ConstantBackoff(PAUSE), 1, (redis.ConnectionError,))
        return aio.BlockingConnectionPool.from_url(self._named.server_url(*address), retry=retry, **limits(timeout))


class AsyncClusterPipeline(Pipeline):
    """Commands for several nodes; those of a transaction are for one."""

    def __init__(self, cluster: AsyncClusterRedis, *, transaction: bool, shard_hint: str | None) -> None:
        super().__init__(cluster.connection_pool, cluster.response_callbacks, transaction, shard_hint)
        self._cluster = cluster

    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002  # as redis-py has it
        """The replies in the order of the commands."""
        commands: list[Any] = list(self.command_stack)
        scripts = self.scripts
        await self.reset()  # type: ignore[no-untyped-call]  # redis-py leaves it out
        replies = await self._cluster.run(commands, scripts, transaction=self.is_transaction) if commands else []
        if raise_on_error:
            self.raise_first_error(commands, replies)
        return replies


async def _run(
    node: aio.Redis, *, commands: Sequence[Command], scripts: set[Any], transaction: bool = False
) -> list[Any]:
    pipe = node.pipeline(transaction=transaction)
    pipe.command_stack, pipe.scripts = list(commands), set(scripts)
    return await pipe.execute(raise_on_error=transaction)

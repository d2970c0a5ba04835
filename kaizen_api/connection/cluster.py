"""A client of a cluster that is used like one of a single server.

Guarantee: each command goes to the node that has its key, a transaction to the one that has all of its keys or nowhere,
and no call takes longer than on a single server, but for half a second more for each node that does not say where the
slots are. Where a node fails the call fails, and the next one asks the others who has its slots now.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import redis
from redis.backoff import ConstantBackoff
from redis.client import Pipeline
from redis.exceptions import ClusterDownError, MovedError
from redis.retry import Retry

from kaizen_api.config import Topology
from kaizen_api.config.topology import Address
from kaizen_api.connection.slots import Command, Slots, again, one_slot, slot_of
from kaizen_api.connection.times import PAUSE, limits

MOVES = 3
"""How often a call follows a slot that has moved."""

ASK_SECONDS = 0.5
"""How long a node may take to say where the slots are."""

FAILURES = (redis.ConnectionError, redis.TimeoutError, ClusterDownError)
"""After these nobody knows who has the slots."""

T = TypeVar("T")


class ClusterRedis(redis.Redis):
    """All nodes of a cluster.

    Args:
        named: Some of its nodes, and the login.
        timeout: Seconds a call may wait for a node.
        tries: How often a connection that broke is tried once more.
    """

    def __init__(self, named: Topology, *, timeout: float, tries: int = 1) -> None:
        super().__init__(connection_pool=redis.ConnectionPool())  # that of no server: it encodes, and connects nowhere
        self._named = named
        self._timeout = timeout
        self._tries = tries
        self._slots = Slots(named)
        self._nodes: dict[Address, redis.Redis] = {}

    def quick(self, timeout: float) -> "ClusterRedis":
        """Another client of the same cluster, whose calls are made once."""
        return ClusterRedis(self._named, timeout=timeout, tries=0)

    def masters(self) -> list[redis.Redis]:
        """A client of each node that has slots."""
        self._learn()
        return [self._node(address) for address in self._slots.masters]

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """What the node says that has the command's key."""
        if args[0] == "SCRIPT LOAD":  # nobody knows which node is asked to run it
            nodes: list[Any] = self.masters()
            return [node.execute_command(*args, **options) for node in nodes][-1]
        return self._at(slot_of(args), lambda node: node.execute_command(*args, **options))

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "ClusterPipeline":  # noqa: FBT001, FBT002  # as redis-py has it
        """Commands that are sent together, to as many nodes as have their keys; a transaction to one."""
        return ClusterPipeline(self, transaction=transaction, shard_hint=shard_hint)

    def transaction(self, func: Callable[[Pipeline], Any], *watches: Any, **options: Any) -> Any:
        """On the node that has what is watched."""
        return self._at(slot_of(("WATCH", *watches)), lambda node: node.transaction(func, *watches, **options))

    def close(self) -> None:
        """Close the connections to all nodes."""
        for node in getattr(self, "_nodes", {}).values():
            node.close()
        super().close()

    def run(self, commands: Sequence[Command], scripts: set[Any], *, transaction: bool) -> list[Any]:
        """The replies to a pipeline's commands, errors among them."""
        if transaction:
            return self._at(one_slot(commands), partial(_run, commands=commands, scripts=scripts, transaction=True))
        replies: list[Any] = [None] * len(commands)
        places: Sequence[int] = range(len(commands))
        for _ in range(MOVES):
            self._learn()
            left: list[int] = []
            for address, part in self._slots.split(commands, places).items():
                answers = self._ask(
                    address, partial(_run, commands=[commands[place] for place in part], scripts=scripts)
                )
                for place, answer in zip(part, answers, strict=True):
                    replies[place] = answer
                    if isinstance(answer, MovedError):
                        self._slots.move(answer)
                left += again(answers, commands, part)
            if not left:
                break
            places = left
        return replies

    def _at(self, slot: int | None, call: Callable[[Any], T]) -> T:
        for _ in range(MOVES):
            self._learn()
            try:
                return self._ask(self._slots.place(slot), call)
            except MovedError as moved:
                self._slots.move(moved)
        raise ClusterDownError("CLUSTERDOWN nodes name each other as the one that has a slot")

    def _ask(self, address: Address, call: Callable[[Any], T]) -> T:
        try:
            return call(self._node(address))
        except FAILURES:
            self._slots.forget(address)
            raise

    def _learn(self) -> None:
        if self._slots.known:
            return
        failed: redis.RedisError = redis.ConnectionError("no node of the cluster answers")
        deadline = time.monotonic() + self._timeout
        for address in self._slots.sources:
            try:
                with redis.Redis.from_pool(self._pool(address, min(ASK_SECONDS, self._timeout))) as node:
                    self._slots.learn(node.execute_command("CLUSTER SLOTS"), address)
            except FAILURES as error:
                failed = error
                self._slots.forget(address)
            else:
                return
            if time.monotonic() > deadline:
                break
        raise failed

    def _node(self, address: Address) -> redis.Redis:
        if address not in self._nodes:
            self._nodes[address] = redis.Redis.from_pool(self._pool(address, self._timeout))
        return self._nodes[address]

    def _pool(self, address: Address, timeout: float) -> redis.ConnectionPool:
        retry = Retry(ConstantBackoff(PAUSE), self._tries, (redis.ConnectionError,))
        url = self._named.server_url(*address)
        return redis.BlockingConnectionPool.from_url(url, retry=retry, **limits(timeout))


class ClusterPipeline(Pipeline):
    """Commands for several nodes; those of a transaction are for one."""

    def __init__(self, cluster: ClusterRedis, *, transaction: bool, shard_hint: str | None) -> None:
        super().__init__(cluster.connection_pool, cluster.response_callbacks, transaction, shard_hint)
        self._cluster = cluster
        self._whole = transaction

    def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002  # as redis-py has it
        """The replies in the order of the commands."""
        commands, scripts = self.command_stack, self.scripts
        self.reset()
        replies = self._cluster.run(commands, scripts, transaction=self._whole) if commands else []
        if raise_on_error:
            self.raise_first_error(commands, replies)  # type: ignore[no-untyped-call]  # redis-py leaves it out
        return replies


def _run(node: redis.Redis, *, commands: Sequence[Command], scripts: set[Any], transaction: bool = False) -> list[Any]:
    pipe = node.pipeline(transaction=transaction)
    pipe.command_stack, pipe.scripts = list(commands), set(scripts)
    return pipe.execute(raise_on_error=transaction)

"""AsyncProducer: pushes interactions from coroutines."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Sequence
from types import TracebackType
from typing import Self, cast

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect_async, leave_connections, reaching
from kaizen_api.errors import Conflict, Unavailable
from kaizen_api.intake import Intake
from kaizen_api.knowledge import Knowledge
from kaizen_api.producer.appending import AsyncAppender
from kaizen_api.producer.batch import (
    CLOSED,
    FLUSH_SECONDS,
    Appended,
    Pair,
    check_tenant,
    encode,
)
from kaizen_api.producer.knowledge import SECONDS, question
from kaizen_api.producer.lifetime import watch
from kaizen_api.producer.sync import Producer
from kaizen_api.producer.waiting import Waiting, waiting_room
from kaizen_api.schema import Interaction, Record

_LOG = logging.getLogger("kaizen.producer")


class AsyncProducer:
    """Appends interactions to a tenant's stream; the same promises and bounds as `Producer`, in one event loop.

    A spool is written in the event loop: into the kernel's memory, which takes microseconds.

    Args:
        config: Default: that of the environment.
        tenant: Default: `config.tenant`.
        linger: Seconds a pushed interaction may wait for company.

    Raises:
        Invalid: the tenant's name is none.
        Unavailable: no Redis is configured.
    """

    def __init__(self, config: KaizenConfig | None = None, *, tenant: str | None = None, linger: float = 0.1) -> None:
        self.config = config or KaizenConfig.from_env()
        self.tenant = check_tenant(tenant or self.config.tenant)
        self.accepted = 0
        self.duplicates = 0
        self._linger = linger
        self._intake: Intake | None = None
        self._closed = False
        self._redis = connect_async(self.config)
        self._appender = AsyncAppender(self._redis, self.config, tenant=self.tenant)
        self._begin()
        watch(self)

    def forget(self) -> None:
        """A new process begins with nothing, in an event loop of its own."""
        leave_connections(self._redis)
        self._waiting.release()
        self._begin()

    def _begin(self) -> None:
        self._first = asyncio.Lock()
        self._appending = asyncio.Lock()
        self._waiting: Waiting = waiting_room(self.config, tenant=self.tenant)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def intake(self) -> Intake:
        """What turns interactions into records here; the key of user ids is read from Redis once."""
        async with self._first:
            if self._intake is None:
                self._intake = Intake(await self._user_key())
            return self._intake

    async def _user_key(self) -> bytes:
        if self.config.user_key is not None:
            return self.config.user_key.get_secret_value().encode()
        fresh = secrets.token_bytes(32)
        with reaching(self.config):
            return cast("bytes | None", await self._redis.set(keys.USER_KEY, fresh, nx=True, get=True)) or fresh

    async def push(self, interaction: Interaction) -> str:
        """Take one interaction; it is appended within `linger`, or when Redis is back.

        Returns:
            Its id.

        Raises:
            Invalid: a field is wrong; the text names it. Nothing else is lost.
            Backpressure: too much waits already; this one was not taken.
            Unavailable: the spool cannot be written; it was not taken.
            Conflict: the producer is closed.
        """
        self._refuse_if_closed()  # before it connects again
        (pair,) = encode([(await self.intake()).record(interaction)])
        self._refuse_if_closed()  # meanwhile
        self._waiting.add(pair)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return pair[0]

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Conflict(CLOSED)

    async def append_records(self, records: Sequence[Record]) -> Appended:
        """Append one batch, at most `MAX_BATCH`, of what `intake` made.

        Raises:
            Unavailable: Redis does not answer, or takes no more (`Backpressure`); or it has the batch, and too few
                replicas do. Sending it again is harmless.
        """
        return await self._append(encode(records))

    async def _append(self, pairs: Sequence[Pair]) -> Appended:
        if not pairs:
            return Appended(0, ())
        appended = await self._appender.append(pairs)
        self.accepted += appended.accepted
        self.duplicates += len(appended.duplicates)
        return appended

    async def knowledge(
        self, query: str, *, session_id: str | None = None, limit: int = 5, seconds: float = SECONDS
    ) -> Knowledge:
        """What the knowledge base has for a question; the same promises and bounds as `Producer.knowledge`."""
        asked = question(self.config, query, tenant=self.tenant, session_id=session_id, limit=limit)
        return await asked.wait_async(seconds)

    async def flush(self) -> None:
        """Append what waits.

        Raises:
            Unavailable: Redis does not answer, or takes no more, or the time is up; what waits still waits.
        """
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                while await self._append_first():
                    pass
        except TimeoutError:
            raise Unavailable(f"{self._waiting} still wait after {FLUSH_SECONDS:g} s: flush again") from None

    async def _append_first(self) -> bool:
        """Append the first batch that waits; False if there is none."""
        async with self._appending:
            pairs = self._waiting.first()
            await self._append(pairs)  # again after a failure: the ids make a replay harmless
            if pairs:
                self._waiting.forget_first()
            return bool(pairs)

    async def close(self) -> None:
        """Append what waits and close the connection. What waits in a spool and cannot be appended stays there.

        Raises:
            Unavailable: it could not be appended; the text says how many are lost with this process.
        """
        self._closed = True
        if self._task is not None:
            async with self._appending:  # never in the middle of an append, whose reply would be lost
                self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        try:
            await self.flush()
        except Unavailable as error:
            if not self._waiting.lasting:
                raise Unavailable(f"{self._waiting} were not appended: {error}") from None
            _LOG.warning("%s wait for the next producer: %s", self._waiting, error)
            await self._keep()
        finally:
            self._waiting.release()
            await self._redis.aclose()

    def leave(self) -> None:
        """At the end of the interpreter, whose event loop is gone: what waits is appended without it."""
        if not self._closed:
            self._closed = True
            Producer(self.config, tenant=self.tenant).hand_over(self._waiting)

    async def _run(self) -> None:
        """Lives while something waits."""
        while not self._closed:
            await asyncio.sleep(self._linger)
            try:
                while await self._append_first():
                    pass
            except Unavailable as error:
                _LOG.warning("%s wait: %s", self._waiting, error)
                await self._keep()
                await asyncio.sleep(error.retry_after)
            else:
                return

    async def _keep(self) -> None:
        async with self._appending:
            with contextlib.suppress(Unavailable):  # the next push tells what is wrong with the disk
                await asyncio.to_thread(self._waiting.sync)

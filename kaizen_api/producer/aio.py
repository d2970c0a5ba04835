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
from kaizen_api.connection import connect_async, reaching
from kaizen_api.errors import Backpressure, Conflict, Unavailable
from kaizen_api.intake import Intake
from kaizen_api.producer.batch import BUFFER, CLOSED, MAX_BATCH, SCRIPT, Appended, check_tenant, read_reply, script_call
from kaizen_api.schema import Interaction, Record

_LOG = logging.getLogger("kaizen.producer")


class AsyncProducer:
    """Appends interactions to a tenant's stream; the same promises as `Producer`, in one event loop.

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
        self._redis = connect_async(self.config)
        self._script = self._redis.register_script(SCRIPT)
        self._intake: Intake | None = None
        self._first = asyncio.Lock()
        self._appending = asyncio.Lock()
        self._waiting: list[Record] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False

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
            Backpressure: `BUFFER` records wait already; this one was not taken.
            Conflict: the producer is closed.
        """
        self._refuse_if_closed()  # before it connects again
        record = (await self.intake()).record(interaction)
        self._refuse_if_closed()  # meanwhile
        if len(self._waiting) >= BUFFER:
            raise Backpressure(f"{BUFFER} interactions wait for Redis: this one was not taken, retry later")
        self._waiting.append(record)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return record.id

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Conflict(CLOSED)

    async def append_records(self, records: Sequence[Record]) -> Appended:
        """Append one batch of what `intake` made.

        Raises:
            Unavailable: Redis does not answer, or the stream is full (`Backpressure`); nothing was taken.
        """
        script_keys, arguments = script_call(records, tenant=self.tenant, config=self.config)
        with reaching(self.config):
            reply = await self._script(keys=script_keys, args=arguments)
        appended = read_reply(cast("Sequence[int]", reply), tenant=self.tenant)
        self.accepted += appended.accepted
        self.duplicates += len(appended.duplicates)
        return appended

    async def flush(self) -> None:
        """Append what waits.

        Raises:
            Unavailable: Redis does not answer, or the stream is full; what waits still waits.
        """
        async with self._appending:
            while batch := self._waiting[:MAX_BATCH]:
                await self.append_records(batch)  # again after a failure: the ids make a replay harmless
                del self._waiting[: len(batch)]

    async def close(self) -> None:
        """Append what waits and close the connection.

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
            raise Unavailable(f"{len(self._waiting)} interactions were not appended: {error}") from None
        finally:
            await self._redis.aclose()

    async def _run(self) -> None:
        """Lives while something waits."""
        while self._waiting:
            await asyncio.sleep(self._linger)
            try:
                await self.flush()
            except Unavailable as error:
                _LOG.warning("%d interactions wait: %s", len(self._waiting), error)
                await asyncio.sleep(error.retry_after)

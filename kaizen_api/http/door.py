"""One tenant's way into its stream: requests that come together are appended together.

Guarantee: `append` returns only after Redis has the records. While one call of the script is under way, what comes in
meanwhile gathers, up to a batch, and goes with the next: the more clients, the fewer calls for each.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from kaizen_api.errors import Unavailable
from kaizen_api.intake import Intake
from kaizen_api.producer import AsyncProducer
from kaizen_api.producer.batch import MAX_BATCH
from kaizen_api.schema import Record


@dataclass(frozen=True, slots=True)
class Taken:
    """How many were new, and how many had been there before."""

    accepted: int
    duplicate: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    records: Sequence[Record]
    done: asyncio.Future[Taken]


class Door:
    """Appends for all requests of one tenant.

    Args:
        producer: Its producer; closed with the door.
    """

    def __init__(self, producer: AsyncProducer) -> None:
        self._producer = producer
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def intake(self) -> Intake:
        """What turns interactions into records.

        Raises:
            Unavailable: Redis does not answer.
        """
        return await self._producer.intake()

    async def append(self, records: Sequence[Record]) -> Taken:
        """Append all, a batch at a time.

        Raises:
            Unavailable: Redis does not answer, or the stream is full (`Backpressure`). What the text says was appended
                stays so; sending everything again is harmless.
        """
        accepted = duplicate = 0
        rest = iter(records)
        while batch := list(islice(rest, MAX_BATCH)):
            try:
                taken = await self._append(batch)
            except Unavailable as error:
                before = accepted + duplicate
                note = f" ({before} of {len(records)} were appended before: send all again)" if before else ""
                raise type(error)(f"{error}{note}", retry_after=error.retry_after) from None
            accepted, duplicate = accepted + taken.accepted, duplicate + taken.duplicate
        return Taken(accepted, duplicate)

    async def close(self) -> None:
        """Close its connection; whoever still waits is served first."""
        if self._task is not None:
            await self._task
        await self._producer.close()

    async def _append(self, batch: Sequence[Record]) -> Taken:
        waiting = _Waiting(batch, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await waiting.done

    async def _run(self) -> None:
        while self._waiting:
            await self._commit(self._gather())
        self._task = None

    def _gather(self) -> list[_Waiting]:
        """As many as go into one batch, at least one."""
        size = taken = 0
        for waiting in self._waiting:
            size += len(waiting.records)
            if size > MAX_BATCH:
                break
            taken += 1
        gathered, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return gathered

    async def _commit(self, gathered: Sequence[_Waiting]) -> None:
        try:
            appended = await self._producer.append_records([one for each in gathered for one in each.records])
        except Exception as error:  # noqa: BLE001  # handed to each who waits
            for each in gathered:
                if not each.done.done():
                    each.done.set_exception(error)
            return
        before, start = frozenset(appended.duplicates), 0
        for each in gathered:
            end = start + len(each.records)
            duplicate = sum(index in before for index in range(start, end))
            if not each.done.done():
                each.done.set_result(Taken(end - start - duplicate, duplicate))
            start = end

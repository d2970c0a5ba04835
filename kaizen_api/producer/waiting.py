"""Where what was pushed waits for Redis: in memory, or in a spool on disk; bounded either way."""

from collections import deque
from itertools import islice
from typing import Protocol

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Backpressure
from kaizen_api.producer.batch import MAX_BATCH, Pair

BUFFER = 10_000
"""Records that may wait in memory."""

BUFFER_BYTES = 64 * 2**20
"""Their bytes."""


class Waiting(Protocol):
    """A queue of records in the order in which they were pushed. Its text says how much waits.

    Attributes:
        lasting: Whether it outlives the process.
    """

    lasting: bool

    def add(self, pair: Pair) -> None:
        """Take one.

        Raises:
            Unavailable: it cannot be kept (`Backpressure`: no room); it was not taken.
        """

    def first(self) -> list[Pair]:
        """The first batch; empty where nothing waits."""

    def forget_first(self) -> None:
        """Drop what `first` gave last."""

    def sync(self) -> None:
        """Make what waits as lasting as it can be."""

    def release(self) -> None:
        """This process has nothing more to do with what waits."""


class Memory:
    """In memory, for as long as the process lives."""

    lasting = False

    def __init__(self) -> None:
        self._pairs = deque[Pair]()
        self._bytes = 0
        self._taken = 0

    def __str__(self) -> str:
        return f"{len(self._pairs)} interactions"

    def add(self, pair: Pair) -> None:
        """Take one, up to `BUFFER` and `BUFFER_BYTES`."""
        if len(self._pairs) >= BUFFER or self._bytes + len(pair[1]) > BUFFER_BYTES:
            raise Backpressure(
                f"{self} wait for Redis in this process, {self._bytes / 1e6:.0f} MB, and this one was not taken: "
                "retry later, or set KAIZEN_SPOOL_DIR"
            )
        self._pairs.append(pair)
        self._bytes += len(pair[1])

    def first(self) -> list[Pair]:
        """The first batch."""
        batch = list(islice(self._pairs, MAX_BATCH))
        self._taken = len(batch)
        return batch

    def forget_first(self) -> None:
        """Drop it."""
        for _ in range(self._taken):
            self._bytes -= len(self._pairs.popleft()[1])
        self._taken = 0

    def sync(self) -> None:
        """Nothing lasts longer here than the process."""

    def release(self) -> None:
        """Forget all."""
        self._pairs.clear()
        self._bytes = self._taken = 0


def waiting_room(config: KaizenConfig, *, tenant: str) -> Waiting:
    """The one that is configured; a spool touches the disk when it is first used."""
    if config.spool_dir is None:
        return Memory()
    from kaizen_api.producer.spool import Spool  # noqa: PLC0415  # locks files as only Unix does

    return Spool(config.spool_dir / tenant, limit=config.spool_bytes)

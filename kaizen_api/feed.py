"""Logs into a stream: read, appended in batches, each record counted as accepted, duplicate or refused.

What has no time of its own gets that of the feed's beginning, a microsecond apart in the order of the logs; ids do not
depend on it. A batch that cannot be appended is tried again for as long as there is hope, which there is once Redis
has answered at all; appending it twice is harmless, so a feed that broke off may begin again anywhere before that.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from kaizen_api.errors import Backpressure, Invalid, Unavailable
from kaizen_api.formats.contract import Read, Refused
from kaizen_api.formats.remedies import remedied
from kaizen_api.producer import Producer
from kaizen_api.producer.batch import MAX_BATCH
from kaizen_api.schema import Interaction, Record

if TYPE_CHECKING:
    from kaizen_api.intake import Intake

REFUSALS_KEPT = 20
PATIENCE = 300.0
"""Seconds without room in the stream, or without Redis, after which a feed gives up."""

_LONGEST_DELAY = 15.0
_DAY = 86_400
_TIME_LIKE = re.compile(r"time|date|stamp|creat|when|(^|_)ts$|(_a|A)t$")
_EARLIEST = 1e8  # seconds since the epoch, in 1973: smaller numbers are durations and counts
_LEAST_DIGITS = 6  # of a time that is written out

T = TypeVar("T")


@dataclass(slots=True)
class Times:
    """How interactions that were read stand in time.

    Attributes:
        read: All of them.
        untimed: Those without `occurred_at`.
        old: Those that happened longer than the retention before the feed began.
        like: Metadata fields of the untimed that look like a time, with how many have them.
    """

    read: int = 0
    untimed: int = 0
    old: int = 0
    like: Counter[str] = field(default_factory=Counter)

    @property
    def likely(self) -> str | None:
        """The field that most likely was meant as `occurred_at`: the most frequent one, then the first by name."""
        return min(self.like, key=lambda name: (-self.like[name], name), default=None)

    def add(self, more: "Times") -> None:
        """Count those of another log too."""
        self.read += more.read
        self.untimed += more.untimed
        self.old += more.old
        self.like.update(more.like)

    def see(self, interaction: Interaction, record: Record, *, floor: float) -> None:
        """Count one; it is old where it happened before `floor`, us since the epoch."""
        self.read += 1
        if interaction.occurred_at is not None:
            self.old += record.occurred_at < floor
            return
        self.untimed += 1
        fields = (interaction.metadata or {}).items()
        self.like.update(name for name, value in fields if _named_so(name) and _is_moment(value))


@dataclass(slots=True)
class Tally:
    """What became of the records so far.

    Attributes:
        refusals: The first ones.
        broken: Those that stand for the rest of a damaged log, which is unread.
        times: Of those that were no refusals, as far as they were read by this process.
    """

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    refusals: list[Refused] = field(default_factory=list)
    broken: list[Refused] = field(default_factory=list)
    times: Times = field(default_factory=Times)

    @property
    def total(self) -> int:
        """All of them."""
        return self.accepted + self.duplicate + self.refused

    def refuse(self, refusal: Refused) -> None:
        """Count one that is no interaction."""
        self.refused += 1
        if len(self.refusals) < REFUSALS_KEPT:
            self.refusals.append(refusal)
        if refusal.breaks_off:
            self.broken.append(refusal)


class Feed:
    """Appends what logs hold to a producer's stream.

    Args:
        producer: Whose tenant.
        started: Seconds since the epoch, whole: the time of what has none.
        on_refused: Called with each record that is no interaction.
        on_wait: Called before each wait with the reason and its seconds.
    """

    def __init__(
        self,
        producer: Producer,
        *,
        started: int | None = None,
        on_refused: Callable[[Refused], None] = lambda _: None,
        on_wait: Callable[[Unavailable, float], None] = lambda *_: None,
    ) -> None:
        self._producer = producer
        self._started = int(time.time()) if started is None else started
        self._floor = (self._started - producer.config.metrics_retention_days * _DAY) * 1e6
        self._intake: Intake | None = None
        self._position = 0
        self._tally, self._offset = Tally(), 0
        self._batch: list[Record] = []
        self._refused = 0  # since the last flush
        self._on_refused = on_refused
        self._on_wait = on_wait
        self._reached = False

    def take(self, reads: Iterable[Read], tally: Tally) -> Iterator[int]:
        """Append one log and count in `tally`; yields the offset up to which it is done after each batch.

        Raises:
            Unavailable: Redis never answered; or it was away, or the stream full, for `PATIENCE` seconds.
        """
        self._tally, self._offset = tally, 0
        for read in reads:
            self._add(read)
            if len(self._batch) >= MAX_BATCH:
                yield self.flush()
        self.flush()

    def flush(self) -> int:
        """Append what was read of the log so far; returns the offset up to which it is done."""
        if self._refused:
            self._producer.count_refused(self._refused)
            self._refused = 0
        if self._batch:
            appended = self._insist(lambda: self._producer.append_records(self._batch))
            self._reached = True
            self._tally.accepted += appended.accepted
            self._tally.duplicate += len(appended.duplicates)
            self._batch = []
        return self._offset

    def _add(self, read: Read) -> None:
        value = self._record(read)
        self._offset = read.offset
        if isinstance(value, Refused):
            self._tally.refuse(value)
            self._refused += 1
            self._on_refused(value)
        else:
            self._batch.append(value)

    def _record(self, read: Read) -> Record | Refused:
        if isinstance(read.value, Refused):
            return read.value
        try:
            record = self._timed(read.value)
        except Invalid as error:
            return Refused(read.place, remedied(str(error)))
        self._tally.times.see(read.value, record, floor=self._floor)
        return record

    def _timed(self, interaction: Interaction) -> Record:
        if self._intake is None:
            self._intake = self._insist(lambda: self._producer.intake)
            self._reached = self._reached or self._producer.config.user_key is None  # else nobody was asked
        if interaction.occurred_at is not None:
            return self._intake.record(interaction)
        # half a microsecond on top: the sum is rounded, and then cut to whole microseconds
        now = self._started + (self._position + 0.5) / 1e6
        self._position += 1
        return self._intake.record(interaction, now=now)

    def _insist(self, call: Callable[[], T]) -> T:
        deadline, delay = time.monotonic() + PATIENCE, 0.0
        while True:
            try:
                return call()
            except Unavailable as error:
                if not self._reached and not isinstance(error, Backpressure):
                    raise
                delay = min(_LONGEST_DELAY, max(error.retry_after, 2 * delay))
                if time.monotonic() + delay > deadline:
                    raise
                self._on_wait(error, delay)
                time.sleep(delay)


@lru_cache(4096)
def _named_so(name: str) -> bool:
    return _TIME_LIKE.search(name if name.endswith("At") else name.lower()) is not None


def _is_moment(value: Any) -> bool:
    if isinstance(value, str):
        return sum(map(str.isdigit, value)) >= _LEAST_DIGITS
    return isinstance(value, int | float) and value >= _EARLIEST

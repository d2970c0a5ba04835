"""A committed batch as the detector sees it: what arrived just now, in columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kaizen_api.schema import Record
from kaizen_worker.pipeline.live.repeats import Marks, mark, marks
from kaizen_worker.types import Codes, Flags, Floats

LATEST = 600_000
"""Milliseconds between an answer and its commit beyond which it is no arrival, but an import or a backlog."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """n interactions of one second."""

    second: int  # since the epoch
    ids: Sequence[str]
    texts: Sequence[str]
    topic: Codes  # (n,) into the baseline's topics, -1 for none
    error: Flags  # (n,)
    time: Floats  # (n,) seconds, NaN where there is none
    pairs: Marks  # (n,) who asked what: the topic, or the words where there is none
    askers: Marks  # (n,) the user, else the session, else a new one for each
    errors: Sequence[str | None]

    @property
    def unassigned(self) -> list[str]:
        """Texts of those that are in no topic, in their order."""
        return [self.texts[row] for row in np.flatnonzero(self.topic < 0).tolist()]


def arrivals(records: Sequence[Record], topics: Sequence[str | None], *, at: int, place: Mapping[str, int]) -> Arrivals:
    """The columns of a batch.

    Left out is what was not answered just then, and what a topic has that is gone by now.

    Args:
        records: n of one batch.
        topics: n, the live topic of each.
        at: When it was committed, ms since the epoch.
        place: Codes of the baseline's topics by id.
    """
    recent = [
        (record, topic)
        for record, topic in zip(records, topics, strict=True)
        if abs(at - record.occurred_at // 1000) <= LATEST and (topic is None or topic in place)
    ]
    askers = [mark(record.user or record.session or record.id) for record, _ in recent]
    whats = [topic or "" for _, topic in recent]  # in no topic each person counts once, whatever they ask
    times = [np.nan if record.response_time is None else record.response_time for record, _ in recent]
    return Arrivals(
        second=at // 1000,
        ids=[record.id for record, _ in recent],
        texts=[record.query for record, _ in recent],
        topic=np.array([-1 if topic is None else place[topic] for _, topic in recent], np.int32),
        error=np.array([record.error is not None for record, _ in recent], np.bool_),
        time=np.array(times, np.float64),
        pairs=marks(list(map(mark, whats, askers))),
        askers=marks(askers),
        errors=[record.error for record, _ in recent],
    )

"""From records to columns: the window that every analysis looks at.

The same records give the same window in whatever order they come; a record that comes twice counts once.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from kaizen_api.schema import Record
from kaizen_worker.types import Coded, Codes, Floats, Halves, Window


def ordered(records: Iterable[Record]) -> list[Record]:
    """By time and id, each id once."""
    return sorted(
        {record.id: record for record in records}.values(), key=lambda record: (record.occurred_at, record.id)
    )


def distinct_texts(records: Sequence[Record]) -> tuple[str, ...]:
    """The distinct queries, sorted."""
    return tuple(sorted({record.query for record in records}))


def window(records: Sequence[Record], *, texts: tuple[str, ...], vectors: Halves) -> Window:
    """The columns of `ordered` records.

    Args:
        records: n, from `ordered`.
        texts: u, from `distinct_texts`.
        vectors: (u, d), one row a text.
    """
    place = {text: index for index, text in enumerate(texts)}
    return Window(
        ids=tuple(record.id for record in records),
        occurred_at=np.array([record.occurred_at for record in records], np.int64),
        text=np.array([place[record.query] for record in records], np.int32),
        texts=texts,
        vectors=vectors,
        session=_coded([record.session for record in records]),
        user=_coded([record.user for record in records]),
        responses=tuple(record.response for record in records),
        response_time=_floats([record.response_time for record in records]),
        error=_coded([record.error for record in records]),
        feedback=_floats([record.feedback for record in records]),
        level=_floats([record.level for record in records]),
        accepted=_floats([None if record.accepted is None else float(record.accepted) for record in records]),
        critics=_critics(records),
        model=_coded([record.model for record in records]),
        tool=_coded([record.tool for record in records]),
        entry_ids=tuple(tuple(record.entry_ids or ()) for record in records),
    )


def _coded(values: Sequence[str | None]) -> Coded:
    names = tuple(sorted({value for value in values if value is not None}))
    place: dict[str | None, int] = {name: index for index, name in enumerate(names)}
    codes: Codes = np.array([place.get(value, -1) for value in values], np.int32)
    return Coded(codes, names)


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _critics(records: Sequence[Record]) -> dict[str, Floats]:
    names = sorted({name for record in records for name in record.critics or ()})
    return {name: _floats([(record.critics or {}).get(name) for record in records]) for name in names}

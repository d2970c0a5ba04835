"""Examples: interactions as a person may read them, masked, with the signs of failure that an analysis saw in them."""

from collections.abc import Mapping

import msgspec

from kaizen_api.schema import Record


class Example(msgspec.Struct, kw_only=True, frozen=True):
    """One interaction of the evidence, masked."""

    id: str
    occurred_at: int  # µs since the epoch
    query: str
    response: str | None
    response_time: float | None  # s
    error: str | None
    feedback: float | None
    level: float | None
    model: str | None
    tool: str | None
    signs: list[str]  # of failure, as the analysis saw them


def examples(kept: Mapping[str, Record], signs: Mapping[str, list[str]]) -> list[Example]:
    """Interactions as they are shown, with the signs of failure that an analysis saw."""
    return [
        Example(
            id=record.id,
            occurred_at=record.occurred_at,
            query=record.query,
            response=record.response,
            response_time=record.response_time,
            error=record.error,
            feedback=record.feedback,
            level=record.level,
            model=record.model,
            tool=record.tool,
            signs=signs.get(record.id, []),
        )
        for record in kept.values()
    ]

"""Times as logs write them: RFC 3339, without a zone (then UTC), or a number since the epoch in s, ms, µs or ns."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from kaizen_api.errors import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,20})?")
_UNITS = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0))
"""Numbers below the first are in a unit of so many µs: seconds until the year 5138, then ms, then µs; above, ns."""
_NANOSECOND = 1e-3


def moment(value: Any, field: str) -> datetime | None:
    """The time that a value means; None for None and the empty string.

    Args:
        value: Text or a number.
        field: What errors call it.

    Raises:
        Invalid: it means no time.
    """
    if value is None or value == "":
        return None
    try:
        return _read(value)
    except (ValueError, OverflowError):
        raise Invalid(f"`{field}` is no time: give RFC 3339 (2026-01-31T09:30:00Z) or seconds since 1970") from None


def _read(value: Any) -> datetime:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        unit = next((unit for limit, unit in _UNITS if abs(value) < limit), _NANOSECOND)
        return EPOCH + timedelta(microseconds=value * unit)
    read = msgspec.convert(value, datetime)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def later(moment: datetime | None, microseconds: int) -> datetime | None:
    """So many µs later, to keep an order that the log has and its times have not.

    Raises:
        Invalid: behind the end of time.
    """
    try:
        return moment and moment + timedelta(microseconds=microseconds)
    except OverflowError:
        raise Invalid("a time lies behind the year 9999: check the unit") from None


def seconds(start: datetime | None, end: datetime | None) -> float | None:
    """From start to end; None where one is missing, or the end lies before the start."""
    span = (end - start).total_seconds() if start and end else None
    return span if span is not None and span >= 0 else None

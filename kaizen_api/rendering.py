"""How values look to people and programs outside: JSON with every field in it and times that can be read.

The same value gives the same rendering at every door (HTTP, command line, reports). What is stored leaves defaults out
and counts microseconds; what is shown has every field, RFC 3339 times in UTC, and null where there is none.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plain(value: Any) -> Any:
    """A struct, or lists and mappings of them, as what `json.dumps` takes: dict, list, str, int, float, bool, None.

    Integer fields named `at` or ending in `_at` are microseconds since the epoch and become RFC 3339 strings, 0 (never)
    becomes None; so do numbers that are not finite. Mappings keep their keys: only a struct's fields are times.
    """
    if isinstance(value, msgspec.Struct):
        return {name: _field(name, getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _field(name: str, value: Any) -> Any:
    if isinstance(value, int) and (name == "at" or name.endswith("_at")):
        return moment(value) if value else None
    return plain(value)


def moment(microseconds: int) -> str:
    """Microseconds since the epoch as an RFC 3339 time in UTC.

    Raises:
        OverflowError: the year is not one of 1 to 9999.
    """
    return rfc3339(_EPOCH + timedelta(microseconds=microseconds))


def rfc3339(time: datetime) -> str:
    """A time in UTC, `2025-03-01T12:00:00Z`; one without a zone is taken as UTC."""
    known = time if time.tzinfo else time.replace(tzinfo=UTC)
    return known.astimezone(UTC).isoformat().replace("+00:00", "Z")

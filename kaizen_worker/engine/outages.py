"""What says nothing about the data: whatever was interrupted by one is done again, and never blamed on what it held."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,  # noqa: A004  # Redis' own
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,  # noqa: A004  # Redis' own
    TryAgainError,
)

from kaizen_api.errors import Unavailable

OUTAGES = (
    ConnectionError,
    TimeoutError,
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    NoPermissionError,
    AskError,
    TryAgainError,
    ClusterDownError,
    Unavailable,
    OSError,
)
"""Redis is away, full or without a right that it needs; a slot of a cluster moves, or nobody has it; a part is away."""

_REFUSED = re.compile(r"(?:^|caused error: )(?:NOREPLICAS|MISCONF) ")


@contextmanager
def naming_refusals() -> Iterator[None]:
    """Within the block a server that takes no writes for now is an outage; redis-py has no class for that.

    Raises:
        Unavailable: it has too few replicas (`min-replicas-to-write`), or cannot write its file.
    """
    try:
        yield
    except ResponseError as error:
        if _REFUSED.search(str(error)):
            raise Unavailable(f"Redis takes no writes for now: {error}") from error
        raise

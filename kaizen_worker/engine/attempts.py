"""Attempts at one cycle: one over which worker after worker dies is given up, with what can be done about it.

An attempt is counted before its work begins, so that one whose worker is killed has been counted. One that an outage
ended does not count: it is taken back, if Redis itself is away then as soon as it answers.
"""

import threading
import time
from contextlib import suppress

from msgspec.structs import replace
from redis import RedisError

from kaizen_api.errors import Invalid
from kaizen_api.schema import Cycle
from kaizen_worker.engine.progress import Progress
from kaizen_worker.engine.runtime import Tenant

MOST = 5
"""Attempts at one cycle. A worker that is restarted in the middle of one costs one, too."""

_AGAIN = 0.2
_PATIENCE = 3600.0


def begin(progress: Progress, tenant: Tenant) -> None:
    """Count an attempt.

    Raises:
        Invalid: there were enough; the text says what to do.
    """
    cycle = progress.cycle
    if cycle.attempts >= MOST:
        raise Invalid(
            f"given up: {cycle.attempts} workers died at it, the last one in step '{cycle.step or 'read'}', as happens "
            "when memory runs out: give workers more, or lower KAIZEN_MAX_INTERACTIONS_PER_CYCLE (now "
            f"{tenant.config.max_interactions_per_cycle}), and analyse again"
        )
    progress.found(attempts=cycle.attempts + 1)


def take_back(tenant: Tenant, cycle_id: str) -> None:
    """An attempt was ended by an outage."""
    try:
        _take_back(tenant, cycle_id)
    except RedisError:
        threading.Thread(target=_later, args=(tenant, cycle_id), name=f"attempt {cycle_id}", daemon=True).start()


def _take_back(tenant: Tenant, cycle_id: str) -> None:
    def fewer(old: Cycle | None) -> Cycle | None:
        return replace(old, attempts=old.attempts - 1) if old is not None and old.attempts else None

    tenant.cycles.update(cycle_id, fewer, counts=lambda _old, _new: {}, rank=lambda cycle: float(cycle.requested_at))


def _later(tenant: Tenant, cycle_id: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with suppress(RedisError):
            return _take_back(tenant, cycle_id)
        time.sleep(_AGAIN)
    return None

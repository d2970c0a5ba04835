"""Progress of one cycle: what it is doing, how long each step took, and its end, counted once."""

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from msgspec.structs import replace
from redis import BusyLoadingError, ConnectionError, OutOfMemoryError, ReadOnlyError, TimeoutError  # noqa: A004  # Redis' own

from kaizen_api.critic import Critic
from kaizen_api.errors import Unavailable
from kaizen_api.metrics import field, observation
from kaizen_api.schema import Cycle
from kaizen_worker.engine.runtime import LOG, Tenant

OUTAGES = (ConnectionError, TimeoutError, BusyLoadingError, OutOfMemoryError, ReadOnlyError, Unavailable, OSError)
"""What says nothing about the data: whatever was interrupted by one is done again."""

STEPS = ("read", "embed", "signals", "topics", "gaps", "insights", "save", "effects")


class Progress:
    """One run of one cycle.

    Args:
        cycle: As it is stored.
    """

    def __init__(self, tenant: Tenant, cycle: Cycle) -> None:
        self._tenant = tenant
        self._began = time.monotonic()
        self.cycle = cycle

    @property
    def at(self) -> int:
        """The cycle's time in histories, us since the epoch: of the request, so that a replay writes the same."""
        return self.cycle.requested_at

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step of `STEPS`, shown while it runs and timed when it is done."""
        self._save(replace(self.cycle, status="running", step=name, progress=STEPS.index(name) / len(STEPS)))
        began = time.monotonic()
        yield
        seconds = {**self.cycle.seconds, name: round(time.monotonic() - began, 3)}
        self._save(replace(self.cycle, seconds=seconds))

    def found(self, **counts: int | dict[str, Critic]) -> None:
        """What the cycle found, noted before it is published."""
        self._save(replace(self.cycle, **counts))

    def finish(self, status: Literal["done", "insufficient_data"]) -> None:
        """The end, with its metrics in the same step."""
        took = time.monotonic() - self._began
        series = {field("kaizen_analysis_cycles_total"): 1, **observation("kaizen_analysis_duration_seconds", took)}
        ended = {"status": status, "step": "", "progress": 1.0, "finished_at": time.time_ns() // 1000}
        self._save(replace(self.cycle, **ended), series)

    def fail(self, error: Exception) -> None:
        """The end of a cycle that would fail again."""
        LOG.error("cycle %s failed in %s", self.cycle.id, self.cycle.step, exc_info=error)
        what = traceback.format_exception_only(error)[-1].strip()
        failed = replace(self.cycle, status="failed", error=what, finished_at=time.time_ns() // 1000)
        self._save(failed, {field("kaizen_analysis_failures_total"): 1})

    def _save(self, new: Cycle, counts: dict[str, int] | None = None) -> None:
        cycles = self._tenant.cycles
        if not cycles.save(new, old=self.cycle, rank=float(new.requested_at), counts=counts):
            raise Unavailable(f"cycle {new.id} was changed by another worker")
        self.cycle = new

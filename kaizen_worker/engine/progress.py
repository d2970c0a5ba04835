"""Progress of one cycle: what it is doing, how far that is, how long each step took, and its end, counted once.

Whoever notes progress of a cycle that was cancelled learns so, and stops: nothing of it is published.
"""

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from msgspec.structs import replace
from redis import RedisError

from kaizen_api import spans
from kaizen_api.critic import Critic
from kaizen_api.errors import KaizenError, Unavailable
from kaizen_api.metrics import field, observation
from kaizen_api.metrics.exemplars import exemplars, keep
from kaizen_api.schema import Cycle
from kaizen_worker.engine.runtime import LOG, Tenant

STEPS = {
    "read": 0.0,
    "embed": 0.05,
    "signals": 0.5,
    "topics": 0.55,
    "gaps": 0.9,
    "insights": 0.92,
    "save": 0.97,
    "effects": 0.98,
}
"""Each step, and how much is done when it begins, roughly: embedding takes most of a first cycle, else topics do."""

TOLD_SECONDS = 0.5
"""How often progress within a step is noted at most, and about how soon a worker sees that its cycle was cancelled."""

Tell = Callable[[float, str], None]
"""Takes how much of a step is done, 0..1, and a word about it; raises `Cancelled` if the work is no longer wanted."""


class Cancelled(KaizenError):
    """Somebody cancelled the cycle: there is nothing more to do for it."""


class Progress:
    """One run of one cycle.

    Args:
        cycle: As it is stored.
    """

    def __init__(self, tenant: Tenant, cycle: Cycle) -> None:
        self._tenant = tenant
        self._began = self._told = time.monotonic()
        self.cycle = cycle

    @property
    def at(self) -> int:
        """The cycle's time in histories, us since the epoch: of the request, so that a replay writes the same."""
        return self.cycle.requested_at

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step of `STEPS`, shown while it runs and timed when it is done."""
        self._save(replace(self.cycle, status="running", step=name, detail="", progress=STEPS[name]))
        began = time.monotonic()
        with spans.span(f"analysis {name}", tenant=self._tenant.name, cycle_id=self.cycle.id):
            yield
        seconds = {**self.cycle.seconds, name: round(time.monotonic() - began, 3)}
        self._save(replace(self.cycle, seconds=seconds))

    def tell(self, share: float, detail: str) -> None:
        """How far the present step is; noted now and then, however often it is told.

        Args:
            share: 0..1 of the step.
            detail: The same for people, such as "3,400 of 50,000 texts".

        Raises:
            Cancelled: stop.
        """
        if time.monotonic() - self._told < TOLD_SECONDS:
            return
        begins = STEPS[self.cycle.step]
        ends = min([after for after in STEPS.values() if after > begins], default=1.0)
        self._save(replace(self.cycle, progress=round(begins + share * (ends - begins), 4), detail=detail))
        self._told = time.monotonic()

    def found(self, **counts: int | dict[str, int] | dict[str, Critic]) -> None:
        """What the cycle found, noted before it is published."""
        self._save(replace(self.cycle, **counts))

    def finish(self, status: Literal["done", "insufficient_data"], *, detail: str = "") -> None:
        """The end, with its metrics in the same step."""
        took = time.monotonic() - self._began
        series = {field("kaizen_analysis_cycles_total"): 1, **observation("kaizen_analysis_duration_seconds", took)}
        ended = {"status": status, "step": "", "progress": 1.0, "finished_at": time.time_ns() // 1000}
        self._save(replace(self.cycle, **ended, detail=detail), series)
        ids = {"trace_id": spans.ids().get("trace_id"), "cycle_id": self.cycle.id}
        with suppress(RedisError):  # the analysis is done, and its gaps are not to wait for this
            keep(self._tenant.redis, exemplars("kaizen_analysis_duration_seconds", [(took, ids)]))

    def fail(self, error: Exception) -> None:
        """The end of a cycle that would fail again."""
        LOG.error("cycle %s failed in %s", self.cycle.id, self.cycle.step, exc_info=error)
        what = traceback.format_exception_only(error)[-1].strip()
        failed = replace(self.cycle, status="failed", error=what, finished_at=time.time_ns() // 1000)
        self._save(failed, {field("kaizen_analysis_failures_total"): 1})

    def _save(self, new: Cycle, counts: dict[str, int] | None = None) -> None:
        cycles = self._tenant.cycles
        if not cycles.save(new, old=self.cycle, rank=float(new.requested_at), counts=counts):
            stored = cycles.get(new.id)
            if stored is not None and stored.status == "cancelled":
                raise Cancelled(f"cycle {new.id} was cancelled")
            raise Unavailable(f"cycle {new.id} was changed by another worker")
        self.cycle = new

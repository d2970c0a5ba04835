"""Leave to make one call, and the verdict on it."""

import math
from dataclasses import dataclass
from typing import Literal

from kaizen_worker.breaker.settings import LONGEST_WAIT

Outcome = Literal["success", "failure", "ignore"]
"""`ignore` is no verdict: it only gives the place of a probe back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to make one call. Report its outcome with it, so that it counts for the state it was admitted in."""

    generation: int  # of the state that admitted it; 0: whichever is now
    token: str = ""  # names the lease of a probe
    probe: bool = False
    started: float = 0.0  # s on the monotonic clock, when it was given
    failures: int = 0  # in a row when it was admitted; a success is worth reporting only if there were any
    origin: Literal["shared", "local", "none"] = "shared"  # who admitted it, and hears the outcome

    def worth_reporting(self, outcome: Outcome) -> bool:
        """Whether the outcome can change anything."""
        return self.probe or outcome == "failure" or (outcome == "success" and self.failures > 0)


UNBOUND = Permit(generation=0, failures=1)
"""For a verdict on a call that asked for no permit: it counts for the state of now, and never as a probe."""


def judge(error: BaseException | None, *, ignore: tuple[type[BaseException], ...]) -> Outcome:
    """What the end of a call says about the service.

    Cancellation and the ends of a process (`KeyboardInterrupt`, `SystemExit`) say nothing, nor do Celery's `Retry`,
    `Ignore` and `Reject`, which only steer the task; its soft time limit is a failure like any other error.
    """
    if error is None:
        return "success"
    if isinstance(error, ignore) or not isinstance(error, Exception) or _steers_a_task(error):
        return "ignore"
    return "failure"


def _steers_a_task(error: Exception) -> bool:
    return _is(error, "celery.exceptions", "TaskPredicate")


def ends_the_task(error: Exception) -> bool:
    """Whether it is the soft time limit: it comes at any time, out of anything, and is nobody's to keep."""
    return _is(error, "billiard.exceptions", "SoftTimeLimitExceeded")


def _is(error: Exception, module: str, name: str) -> bool:
    # By name, because only the task modules may load Celery.
    return any((base.__module__, base.__name__) == (module, name) for base in type(error).__mro__)


def retry_after_of(error: BaseException | None) -> float:
    """Seconds that the service asked to be left alone: the error's `retry_after`, 0 where it has none."""
    return bounded(getattr(error, "retry_after", 0.0))


def bounded(seconds: object) -> float:
    """A length from outside, from 0 to `LONGEST_WAIT` seconds; 0 for what is no number."""
    if not isinstance(seconds, int | float) or math.isnan(seconds):
        return 0.0
    return min(max(float(seconds), 0.0), LONGEST_WAIT)

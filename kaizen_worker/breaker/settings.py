"""When a breaker opens, for how long, and what closes it again."""

from dataclasses import dataclass
from typing import Literal, TypedDict

from kaizen_api.errors import Invalid

DAY = 24 * 3600.0

LONGEST_WAIT = 7 * DAY
"""Seconds; no recovery time-out, lease or `Retry-After` is taken for longer."""

StoreDown = Literal["local", "pass", "reject"]

_RANGES: dict[str, tuple[float, float]] = {
    "failure_threshold": (1, 1_000_000),
    "recovery_timeout": (0.001, LONGEST_WAIT),
    "success_threshold": (1, 1_000_000),
    "permitted_calls": (1, 1_000_000),
    "lease_seconds": (0.001, LONGEST_WAIT),
    "multiplier": (1, 100),
    "longest_recovery": (0.001, LONGEST_WAIT),
    "jitter": (0, 1),
    "failure_rate": (0, 1),
    "slow_rate": (0, 1),
    "slow_seconds": (0.001, LONGEST_WAIT),
    "minimum_calls": (1, 1_000_000),
    "window_seconds": (0.001, LONGEST_WAIT),
    "recheck": (0, 60),
    "closed_cache": (0, 0.25),
    "store_timeout": (0.01, 10),
}


class Options(TypedDict, total=False):
    """The settings that a breaker takes by keyword only; meanings and defaults at `Settings`."""

    success_threshold: int
    permitted_calls: int
    lease_seconds: float
    multiplier: float
    longest_recovery: float
    jitter: float
    failure_rate: float
    slow_rate: float
    slow_seconds: float
    minimum_calls: int
    window_seconds: float
    store_down: StoreDown
    recheck: float
    closed_cache: float
    store_timeout: float
    ignore: tuple[type[BaseException], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one breaker; every process that uses its name passes the same ones.

    Raises:
        Invalid: a value is out of its range; the text names the range.
    """

    failure_threshold: int = 3
    """Failures in a row, over all processes, that open it. They stay counted until a success, however rare."""
    recovery_timeout: float = 300.0
    """Seconds that it stays open at first."""
    success_threshold: int = 1
    """Probes that must succeed before it closes."""
    permitted_calls: int = 1
    """Probes that may run at once while it is half-open."""
    lease_seconds: float = 300.0
    """Seconds after which a prober that has not reported is taken for dead: at least the hard limit of the task."""
    multiplier: float = 2.0
    """Each opening in a row, without a close between, lasts that many times as long as the one before."""
    longest_recovery: float = 3600.0
    """Seconds beyond which that stops growing; never less than `recovery_timeout`."""
    jitter: float = 0.1
    """Each opening lasts up to this share longer, drawn evenly, so that many breakers do not probe at once."""
    failure_rate: float = 0.0
    """Share of the calls of late that opens it when they failed, besides a row of failures; 0: not watched."""
    slow_rate: float = 0.0
    """Share of the calls of late that opens it when they were slow; a probe must then be quick too. 0: not watched."""
    slow_seconds: float = 5.0
    """Seconds from which a call is slow."""
    minimum_calls: int = 20
    """Calls of late, over all processes, without which no share is looked at."""
    window_seconds: float = 60.0
    """Seconds that "of late" reaches back at most; half of that at least."""
    store_down: StoreDown = "local"
    """Without Redis: `local` counts in this process, `pass` lets every call through, `reject` none."""
    recheck: float = 1.0
    """Seconds, give or take a fifth, for which an open breaker is not asked again: orders reach everyone by then."""
    closed_cache: float = 0.0
    """Seconds for which "closed, no failures" is believed without asking; 0 asks each time."""
    store_timeout: float = 0.2
    """Seconds that a call waits for Redis."""
    ignore: tuple[type[BaseException], ...] = (Invalid,)
    """Errors that say nothing about the service: they are no verdict."""

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise Invalid(f"{name} = {value}: must be from {low:g} to {high:g}")
        if self.store_down not in StoreDown.__args__:  # type: ignore[attr-defined]  # typeshed hides it
            raise Invalid(f"store_down = {self.store_down}: must be local, pass or reject")

    @property
    def watches_shares(self) -> bool:
        """Whether every end of a call has to be counted."""
        return self.failure_rate > 0 or self.slow_rate > 0

    def wait(self, opened: int, *, stretch: float, floor: float) -> float:
        """Seconds that the next opening lasts: recovery time-out × multiplier ^ openings, capped, stretched, floored.

        Args:
            opened: Openings in a row before this one.
            stretch: From 1 to 1 + jitter.
            floor: What the service asked for (`Retry-After`), in seconds.
        """
        cap = max(self.longest_recovery, self.recovery_timeout)
        try:
            grown = self.recovery_timeout * self.multiplier**opened
        except OverflowError:
            grown = cap
        return max(min(grown, cap) * stretch, floor)

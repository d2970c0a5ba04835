"""What the record of a breaker answers: the same integers from the scripts and from the in-process breaker."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

StateName = Literal["closed", "open", "half_open"]
OverrideName = Literal["open", "closed"]

STATES: Final[tuple[StateName, ...]] = ("closed", "open", "half_open")
OVERRIDES: Final[tuple[OverrideName | None, ...]] = (None, "open", "closed")

REJECTED: Final = 0
ADMITTED: Final = 1
PROBE: Final = 2
COUNTED: Final = 3
STALE: Final = 4
LEASE_LOST: Final = 5

CLOSED: Final = 0
OPEN: Final = 1
HALF_OPEN: Final = 2

SECOND: Final = 1_000_000
"""In µs, the unit of all times and lengths here."""


class Reply(NamedTuple):
    """One answer; a named tuple because one is made for every call, from the list that Redis sends.

    `calm.lua` sends the first four alone.
    """

    code: int  # REJECTED, ADMITTED or PROBE of an admission; COUNTED and what follows of a report
    state: int  # CLOSED, OPEN or HALF_OPEN
    generation: int
    failures: int  # in a row
    first_failure: int = 0  # µs since the epoch, of that row; 0 for none, and in-process
    retry_after: int = 0  # µs until a call may be admitted, 0 for now
    opened: int = 0  # openings in a row
    successes: int = 0  # of probes of this half-open state
    leases: int = 0  # probes that run now
    override: int = 0  # index into OVERRIDES
    override_left: int = 0  # µs
    entered: int = 0  # 1 if this call changed the state
    created: int = 0  # 1 if this call made the record

    @property
    def is_open(self) -> bool:
        """Whether it rejects every call until `retry_after` is over."""
        forced = OVERRIDES[self.override]
        return forced == "open" or (forced is None and self.state == OPEN and self.retry_after > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """A breaker as it stands: for lists, metrics and the command line."""

    name: str
    state: StateName  # `open` with `retry_after` 0: the next call is a probe
    generation: int
    failures: int  # in a row
    first_failure_at: int  # µs since the epoch, 0 for none
    retry_after: float  # s until a call may be admitted
    opened: int  # openings in a row
    successes: int  # of probes of this half-open state
    leases: int  # probes that run now
    override: OverrideName | None
    override_left: float  # s
    shared: bool  # False: Redis is away, this is the in-process breaker

    @property
    def is_open(self) -> bool:
        """Whether it rejects every call until `retry_after` is over."""
        return self.override == "open" or (self.override is None and self.state == "open" and self.retry_after > 0)

    @classmethod
    def of(cls, reply: Reply, *, name: str, shared: bool) -> "BreakerState":
        """The state that the reply tells."""
        return cls(
            name=name,
            state=STATES[reply.state],
            generation=reply.generation,
            failures=reply.failures,
            first_failure_at=reply.first_failure,
            retry_after=reply.retry_after / SECOND,
            opened=reply.opened,
            successes=reply.successes,
            leases=reply.leases,
            override=OVERRIDES[reply.override],
            override_left=reply.override_left / SECOND,
            shared=shared,
        )

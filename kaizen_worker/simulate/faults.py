"""What is wrong with the assistant, of known kind, place, size and onset: the truth that findings are held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Literal

FaultKind = Literal[
    "slow",
    "errors",
    "burst",
    "low_level",
    "missing",
    "unstable",
    "unclear",
    "unhelpful",
    "growth",
    "late",
]

SLOW_FACTORS = (4.0, 6.0)
"""Range of the factor on the latency of a slow subject."""

ERROR_SHARE = 0.7
"""Questions of one subject that time out with one model."""

BURST_FACTOR = 8.0
"""How many times as often a bursting subject is asked about."""

BURST_TAIL = 0.15
"""Share of the period that a burst takes, at its end."""

LEVEL_LOSS = 0.42
"""What the consciousness level of a low model loses: its mean then lies under the usual threshold of 0.4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, or new, from its onset on.

    `size` is by kind: slow, the factor on the response time; errors, the probability of the error; burst, the factor
    on how often the subject is asked about; low_level, what the consciousness level loses; missing, the share of
    the subject's documents that the assistant lacks; unstable, the standard deviation of the level; unclear and
    unhelpful, the share of the right answers in whose place the assistant asks back, or says what does not help;
    growth, the factor that the subject's questions have grown by at the end, in a straight line; late, the share of
    its questions that come after the onset, however long that is. A missing subject shows by the look-up alone.

    Attributes:
        kind: What is wrong.
        size: How much.
        onset: Since when.
        subject: With which subject's id; None for all.
        model: With which model; None for all.
        tool: With which tool; None for all.
        until: When it is over; None for never.
        error: Which error, for errors.
    """

    kind: FaultKind
    size: float
    onset: datetime
    subject: str | None = None
    model: str | None = None
    tool: str | None = None
    until: datetime | None = None
    error: str = "timeout"

    def hits(self, *, subject: str, model: str, at: datetime, tool: str | None = None) -> bool:
        """Whether it touches this place and time."""
        here = self.subject in {None, subject} and self.model in {None, model} and self.tool in {None, tool}
        return here and self.onset <= at and (self.until is None or at < self.until)


def place_faults(
    known: Sequence[str], missing: Sequence[str], models: Sequence[str], *, period: tuple[datetime, datetime], seed: int
) -> tuple[Fault, ...]:
    """Two slow subjects, two subjects with errors in one model, one that bursts, one low model, and what is missing.

    Only subjects that the assistant knows are made slow, erring or bursting, each at most one of it, so that a
    fault never hides behind another.

    Args:
        known: Ids of the subjects that the assistant can answer; at least five.
        missing: Ids of those that it can not.
        models: Names of the models that serve.
        period: Start and end; all but the burst begin at the start.
        seed: Decides the places.

    Raises:
        ValueError: fewer than five known subjects.
    """
    start, end = period
    chance = Random(f"{seed}/faults")
    *slow, one, other, bursting = chance.sample(sorted(known), 5)
    late = end - (end - start) * BURST_TAIL
    return (
        *(Fault(kind="slow", size=round(chance.uniform(*SLOW_FACTORS), 1), onset=start, subject=s) for s in slow),
        *(
            Fault(kind="errors", size=ERROR_SHARE, onset=start, subject=subject, model=chance.choice(models))
            for subject in (one, other)
        ),
        Fault(kind="burst", size=BURST_FACTOR, onset=late, subject=bursting),
        Fault(kind="low_level", size=LEVEL_LOSS, onset=start, model=chance.choice(models)),
        *(Fault(kind="missing", size=1.0, onset=start, subject=subject) for subject in missing),
    )

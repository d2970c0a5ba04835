"""Did a change help? Conversations that could see it against a random hold-out that could not.

Which conversation is held out follows from its id alone, so the look-up at answer time and the measurement afterwards
agree without a shared state. The p-value and the interval hold at every time of looking, so one may look after every
batch and stop at will: over all looks together, a useless change is confirmed (or called harmful) in at most 5 % of the
cases.
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from kaizen_api.schema import Effect, EffectVerdict, Interval
from kaizen_worker.types import Sample

ALPHA = 0.05
"""Chance, over all looks, of a verdict about a change that does nothing."""

SCALE = 0.15
"""Standard deviation of the differences that the mixture expects: it is sharpest for changes of that order."""

USEFUL, HARMLESS = 0.05, 0.10
"""Drop of the failure rate worth having, and rise that would be harm: an interval between them shows no effect."""

MIN_CONVERSATIONS = 20
"""In each arm, before anything is said: the test is a limit theorem's. Smaller arms wait."""

PRIOR_VARIANCE, PRIOR_WEIGHT = 0.25, 4.0
"""Four conversations that went either way are added to each arm's spread, which else could start at nothing."""


@dataclass(frozen=True, slots=True)
class Arm:
    """The conversations of one side, each with a failure of 0..1; sums can be kept as counters."""

    conversations: int = 0
    failures: float = 0.0
    squares: float = 0.0  # sum of the squared failures

    @property
    def mean(self) -> float:
        """Failure rate, 0 for an empty arm."""
        return self.failures / self.conversations if self.conversations else 0.0

    @property
    def spread(self) -> float:
        """Variance of one conversation, with the prior conversations mixed in."""
        own = max(self.squares - self.conversations * self.mean**2, 0.0)
        return (own + PRIOR_WEIGHT * PRIOR_VARIANCE) / (self.conversations + PRIOR_WEIGHT)

    def __add__(self, other: "Arm") -> "Arm":
        return Arm(
            self.conversations + other.conversations, self.failures + other.failures, self.squares + other.squares
        )


def held_out(session: str, insight: str, share: float) -> bool:
    """Whether that conversation belongs to the hold-out of that insight: `share` of all do, the same for ever."""
    digest = blake2b(f"{insight}\0{session}".encode(), digest_size=8, person=b"hold-out").digest()
    return int.from_bytes(digest, "big") < share * 2**64


def arms(sample: Sample, *, insight: str, topic: str, applied_at: int, share: float) -> tuple[Arm, Arm]:
    """The conversations about a topic after a change: exposed and held out.

    A conversation fails as much as its worst question about the topic. Interactions without a session are left out,
    for nothing says on which side they were.

    Args:
        sample: A window with topics and signals.
        insight: Id of the insight that was applied.
        topic: Id of the topic that it is about.
        applied_at: Microseconds since the epoch.
        share: Of the conversations that are held out, 0..1.
    """
    window, code = sample.window, sample.topic_ids.index(topic) if topic in sample.topic_ids else -2
    rows = np.flatnonzero((sample.topic == code) & (window.session.codes >= 0) & (window.occurred_at >= applied_at))
    worst: dict[int, float] = {}
    for session, failure in zip(
        window.session.codes[rows].tolist(), sample.signals.failure[rows].tolist(), strict=True
    ):
        worst[session] = max(worst.get(session, 0.0), failure)
    sides: dict[bool, list[float]] = {True: [], False: []}
    for session, failure in sorted(worst.items()):
        sides[held_out(window.session.names[session], insight, share)].append(failure)
    return _arm(sides[False]), _arm(sides[True])


def measure(exposed: Arm, held: Arm, *, insight: str, topic: str, applied_at: int) -> Effect:
    """The effect so far, with a p-value and an interval that hold at any time of looking.

    Mixture sequential test of two means (Robbins 1970; Johari, Koomen, Pekelis and Walsh 2017, "Peeking at A/B tests",
    for the two arms), and the confidence sequence that it inverts to (Howard, Ramdas, McAuliffe and Sekhon 2021).
    """
    variance, tau = _variance(exposed, held), SCALE**2
    difference = exposed.mean - held.mean
    total = variance + tau
    evidence = 0.5 * np.log(variance / total) + tau * difference**2 / (2 * variance * total)
    half = float(np.sqrt(variance * total / tau * (np.log(total / variance) - 2 * np.log(ALPHA))))
    enough = min(exposed.conversations, held.conversations) >= MIN_CONVERSATIONS
    interval = Interval(
        estimate=difference, low=max(difference - half, -1.0), high=min(difference + half, 1.0), unit="share"
    )
    return Effect(
        id=insight,
        insight=insight,
        topic=topic,
        applied_at=applied_at,
        exposed=exposed.conversations,
        exposed_failures=exposed.failures,
        held_out=held.conversations,
        held_out_failures=held.failures,
        difference=interval,
        p_value=float(np.exp(min(0.0, -evidence))) if enough else 1.0,
        verdict=_verdict(interval) if enough else "measuring",
    )


def _variance(exposed: Arm, held: Arm) -> float:
    """Of the difference of the two means.

    The greater of two estimates: from each arm's own spread, and from that of both together, as if nothing had changed.
    A small hold-out that had luck so far looks more certain than it is, and the second one knows better.
    """
    together = (exposed + held).spread
    one, other = exposed.conversations + PRIOR_WEIGHT, held.conversations + PRIOR_WEIGHT
    return max(exposed.spread / one + held.spread / other, together / one + together / other)


def _verdict(difference: Interval) -> EffectVerdict:
    if difference.high < 0:
        return "confirmed"
    if difference.low > 0:
        return "harmful"
    return "no_effect" if difference.low > -USEFUL and difference.high < HARMLESS else "measuring"


def _arm(failures: list[float]) -> Arm:
    return Arm(len(failures), float(sum(failures)), float(sum(failure**2 for failure in failures)))

"""Under which conditions a question is served: drawn before its outcome is known, bent by the faults that hit it."""

from dataclasses import dataclass
from datetime import datetime
from random import Random

from kaizen_worker.simulate.faults import FaultKind
from kaizen_worker.simulate.rates import Rates
from kaizen_worker.simulate.scenario import Scenario
from kaizen_worker.simulate.sessions import Session

ERRORS = ("timeout", "rate_limit")
"""Errors that happen without a fault; a fault's are all of the first kind."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What would hold for a question, whatever the answer: an error, seconds, and deviations of the scores."""

    error: str | None
    latency: float
    level: float
    groundedness: float
    politeness: float

    def scores(self, rates: Rates, *, good: bool) -> tuple[float, dict[str, float]]:
        """The consciousness level and the critics (0..1), of an answered question or a failed one."""
        level = rates.level_good if good else rates.level_bad
        grounded = rates.groundedness_good if good else rates.groundedness_bad
        critics = {"groundedness": grounded + self.groundedness, "politeness": rates.politeness + self.politeness}
        return _unit(level + self.level), {name: _unit(score) for name, score in critics.items()}


def conditions(session: Session, at: datetime, scenario: Scenario, chance: Random) -> Conditions:
    """Draw the conditions of a question of the session at this time."""
    rates = scenario.rates

    def sizes(kind: FaultKind) -> list[float]:
        places = (fault for fault in scenario.faults if fault.kind == kind)
        return [f.size for f in places if f.hits(subject=session.subject.id, model=session.model, at=at)]

    error = _error(sizes("errors"), rates, chance)
    seconds = latency(rates, chance)
    for factor in sizes("slow"):
        seconds *= factor
    return Conditions(
        error=error,
        latency=round(seconds, 3),
        level=chance.gauss(-sum(sizes("low_level")), rates.level_spread),
        groundedness=chance.gauss(0, rates.groundedness_spread),
        politeness=chance.gauss(0, rates.politeness_spread),
    )


def latency(rates: Rates, chance: Random) -> float:
    """Seconds to an answer without a fault, to the millisecond."""
    return round(rates.latency_median * chance.lognormvariate(0, rates.latency_sigma), 3)


def _error(shares: list[float], rates: Rates, chance: Random) -> str | None:
    faulty, usual, kind = chance.random(), chance.random(), chance.choice(ERRORS)
    if any(faulty < share for share in shares):
        return ERRORS[0]
    return kind if usual < rates.error else None


def _unit(score: float) -> float:
    return round(min(max(score, 0.0), 1.0), 3)

"""Under which conditions a question is served: drawn before its outcome is known, bent by the faults that hit it."""

from dataclasses import dataclass
from datetime import datetime
from random import Random

from kaizen_worker.simulate.faults import Fault, FaultKind
from kaizen_worker.simulate.rates import Rates
from kaizen_worker.simulate.scenario import Scenario
from kaizen_worker.simulate.sessions import Session

ERRORS = ("timeout", "rate_limit")
"""Errors that happen without a fault."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What would hold for a question, whatever the answer: an error, seconds, and deviations of the scores."""

    error: str | None
    latency: float
    level: float
    groundedness: float
    politeness: float
    unclear: bool  # the assistant asks back whatever it knows
    unhelpful: bool  # what it says does not help, whatever it knows

    def scores(self, rates: Rates, *, good: bool) -> tuple[float, dict[str, float]]:
        """The consciousness level and the critics (0..1), of an answered question or a failed one."""
        level = rates.level_good if good else rates.level_bad
        grounded = rates.groundedness_good if good else rates.groundedness_bad
        critics = {"groundedness": grounded + self.groundedness, "politeness": rates.politeness + self.politeness}
        return _unit(level + self.level), {name: _unit(score) for name, score in critics.items()}


def conditions(session: Session, at: datetime, tool: str, scenario: Scenario, chance: Random) -> Conditions:
    """Draw the conditions of a question of the session at this time, served with this tool."""
    rates, place = scenario.rates, (session.subject.id, session.model, tool)
    faults = [f for f in scenario.faults if f.hits(subject=place[0], model=place[1], tool=place[2], at=at)]

    def sizes(kind: FaultKind) -> list[float]:
        return [fault.size for fault in faults if fault.kind == kind]

    error = _error([fault for fault in faults if fault.kind == "errors"], rates, chance)
    seconds = latency(rates, chance)
    for factor in sizes("slow"):
        seconds *= factor
    return Conditions(
        error=error,
        latency=round(seconds, 3),
        level=chance.gauss(-sum(sizes("low_level")), max([rates.level_spread, *sizes("unstable")])),
        groundedness=chance.gauss(0, rates.groundedness_spread),
        politeness=chance.gauss(0, rates.politeness_spread),
        unclear=any(chance.random() < size for size in sizes("unclear")),
        unhelpful=any(chance.random() < size for size in sizes("unhelpful")),
    )


def latency(rates: Rates, chance: Random) -> float:
    """Seconds to an answer without a fault, to the millisecond."""
    return round(rates.latency_median * chance.lognormvariate(0, rates.latency_sigma), 3)


def _error(faults: list[Fault], rates: Rates, chance: Random) -> str | None:
    faulty, usual, kind = chance.random(), chance.random(), chance.choice(ERRORS)
    for fault in faults:
        if faulty < fault.size:
            return fault.error
    return kind if usual < rates.error else None


def _unit(score: float) -> float:
    return round(min(max(score, 0.0), 1.0), 3)

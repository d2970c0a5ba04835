"""What was planted beside what was found, and what the second round changed: told from the truth, not from the log."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kaizen_api.schema import Effect, Insight
from kaizen_worker.pipeline.effect import Arm, measure
from kaizen_worker.simulate import Fault, Played

SHOWN_BY: Mapping[str, frozenset[str]] = {
    "slow": frozenset({"performance"}),
    "errors": frozenset({"error_pattern", "reliability"}),
    "burst": frozenset({"emerging", "usage_cluster"}),
    "low_level": frozenset({"consciousness"}),
    "missing": frozenset({"gap"}),
}
"""The insight types that name each kind of fault."""


@dataclass(frozen=True, slots=True)
class Caught:
    """One planted fault and the insight that names it, None where none does."""

    fault: Fault
    insight: Insight | None


@dataclass(frozen=True, slots=True)
class Served:
    """Questions of one round about some subjects, and how many of them were answered."""

    questions: int
    answered: int

    @property
    def rate(self) -> float:
        """0..1."""
        return self.answered / self.questions if self.questions else 0.0


def topics_of_subjects(talk: Iterable[Played], assigned: Mapping[str, str | None]) -> dict[str, str]:
    """The topic that most of a subject's questions are in; subjects that are in none are left out."""
    votes: dict[str, Counter[str]] = {}
    for played in talk:
        topic = assigned.get(played.interaction.id or "")
        if topic is not None and played.outcome is not None:
            votes.setdefault(played.session.subject.id, Counter())[topic] += 1
    return {subject: min(count.items(), key=lambda one: (-one[1], one[0]))[0] for subject, count in votes.items()}


def catches(faults: Sequence[Fault], insights: Sequence[Insight], topics: Mapping[str, str]) -> list[Caught]:
    """Each fault with the first insight of a fitting type about its place."""
    return [Caught(fault, next((one for one in insights if _names(one, fault, topics)), None)) for fault in faults]


def _names(insight: Insight, fault: Fault, topics: Mapping[str, str]) -> bool:
    if insight.type not in SHOWN_BY[fault.kind]:
        return False
    if fault.subject is not None:
        return insight.topic is not None and insight.topic == topics.get(fault.subject)
    return insight.subject.get("model") == fault.model


def served(talk: Iterable[Played], subjects: frozenset[str]) -> Served:
    """How the questions about these subjects were served; what is no question does not count."""
    outcomes = [one.outcome for one in talk if one.outcome is not None and one.session.subject.id in subjects]
    return Served(len(outcomes), sum(outcome == "answered" for outcome in outcomes))


def together(effects: Iterable[Effect]) -> Effect:
    """All measured changes as one: conversations that had them against those that went without.

    The effects keep no squares; that no failure is over 1 bounds them by the sums, so the interval is wider than it
    need be, never narrower.
    """
    exposed, held = Arm(), Arm()
    for effect in effects:
        exposed += Arm(effect.exposed, effect.exposed_failures, effect.exposed_failures)
        held += Arm(effect.held_out, effect.held_out_failures, effect.held_out_failures)
    return measure(exposed, held, insight="all", topic="", applied_at=0)

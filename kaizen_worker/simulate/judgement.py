"""Which findings are true: of a planted log it is known what is wrong, so each statement is right or wrong.

A finding is true only of a fault in exactly its place: type, topic, model, tool, error, kind of request and time. What
a fault cannot but bring about in the same topic is true as well, if `CONSEQUENCES` says so. That the member of a pair
errs, where only the pair does, is false; that everything is slow, where one topic is, too. A topic that is found may
hold several subjects: a finding is about the one that at least half of its evidence is about, as whoever reads it sees.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kaizen_api.schema import Insight, InsightType
from kaizen_worker.simulate.planted_log import PlantedLog
from kaizen_worker.simulate.planting import Planted

OWN: Mapping[str, frozenset[InsightType]] = {
    "slow": frozenset({"performance"}),
    "errors": frozenset({"error_pattern", "reliability"}),
    "low_level": frozenset({"consciousness"}),
    "unstable": frozenset({"stability"}),
    "unclear": frozenset({"clarity"}),
    "unhelpful": frozenset({"effectiveness"}),
    "missing": frozenset({"gap"}),
    "growth": frozenset({"usage_cluster", "emerging"}),
    "burst": frozenset({"emerging"}),
    "late": frozenset({"emerging"}),
}
"""The types that name a fault of a kind."""

CONSEQUENCES: Mapping[str, frozenset[InsightType]] = {
    "errors": frozenset({"effectiveness"}),  # who gets an error asks again
    "unclear": frozenset(
        {"gap", "effectiveness"}
    ),  # a question back leaves the question unserved, and so does the next
    "unhelpful": frozenset({"gap"}),  # rejected answers do not serve
    "missing": frozenset({"effectiveness", "clarity"}),  # users ask again, the assistant asks back
    "burst": frozenset({"usage_cluster"}),  # it has grown, if it was late
    "late": frozenset({"usage_cluster"}),
}
"""What a fault brings about in its own topic; nobody who reads it would call it wrong."""

INSIDE = 0.5
"""Share of the evidence that must be about a fault's subject and lie in its time."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Knows what was planted in a log."""

    log: PlantedLog

    def true(self, insight: Insight) -> bool:
        """Whether some fault makes it so."""
        return any(self.names(insight, one) or self._follows(insight, one) for one in self.log.planting.planted)

    def names(self, insight: Insight, one: Planted) -> bool:
        """Whether it states this very fault."""
        types = frozenset({"regression"}) if one.kind.late == "half" else OWN[one.kind.kind]
        if insight.type not in types and not (one.kind.late == "half" and insight.type == "error_pattern"):
            return False
        return self._place(insight) == _place(one, insight.type) and self._in_time(insight, one)

    def found(self, insights: Sequence[Insight], one: Planted) -> bool:
        """Whether one of them states the fault; a return only as one."""
        types = {"regression"} if one.kind.late == "half" else OWN[one.kind.kind]
        return any(self.names(insight, one) for insight in insights if insight.type in types)

    def promised(self, one: Planted) -> bool:
        """Whether it is large enough that it must be found."""
        return one.strong and self.log.touched[one] >= one.kind.support

    def _follows(self, insight: Insight, one: Planted) -> bool:
        same = self._place(insight) == {"topic": one.fault.subject}
        return same and insight.type in CONSEQUENCES.get(one.fault.kind, ())

    def _place(self, insight: Insight) -> dict[str, str | None]:
        """What it is about, the true subject for the topic, without what only tells insights of one place apart."""
        apart = {"share", "insight", "by"} if "topic" in insight.subject else {"share", "insight"}
        told = {name: value for name, value in insight.subject.items() if name not in apart}
        return {name: self._shown(insight) if name == "topic" else value for name, value in told.items()}

    def _shown(self, insight: Insight) -> str | None:
        """The subject of its evidence, None of several."""
        counts = Counter(self.log.subject[row] for row in insight.evidence).most_common(1)
        return next((subject for subject, count in counts if count >= INSIDE * len(insight.evidence)), None)

    def _in_time(self, insight: Insight, one: Planted) -> bool:
        if one.fault.until is None:
            return True
        start, stop = (at.timestamp() * 1_000_000 for at in (one.fault.onset, one.fault.until))
        times = {record.id: record.occurred_at for record in self.log.records}
        return sum(start <= times[row] < stop for row in insight.evidence) >= INSIDE * len(insight.evidence)


def _place(one: Planted, told: InsightType) -> dict[str, str | None]:
    """What a finding of this type that states the fault is about."""
    fault = one.fault
    place = {"topic": fault.subject, "model": fault.model, "tool": fault.tool}
    if told == "error_pattern":
        place |= {"error": fault.error, "by": "time" if one.kind.place == "all" else None}
    return {name: value for name, value in place.items() if value is not None}

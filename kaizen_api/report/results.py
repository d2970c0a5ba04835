"""What one analysis found, gathered for a report.

The same log and seed give the same results byte by byte: what depends on the moment of the run (histories, times, the
cycle's id) is left out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kaizen_api.feed import Tally
from kaizen_api.kinds import kinds_of
from kaizen_api.queries import MAX_PAGE, Queries
from kaizen_api.rendering import plain
from kaizen_api.schema import Cycle

TOP = 10


@dataclass(frozen=True, slots=True)
class Results:
    """Everything a report shows, as plain JSON values.

    Attributes:
        assignments: (interaction id, topic id or None for noise), in order of time and id.
    """

    tally: Tally
    cycle: Cycle
    assignments: Sequence[tuple[str, str | None]]
    topics: Sequence[Mapping[str, Any]]
    insights: Sequence[Mapping[str, Any]]
    gaps: Sequence[Mapping[str, Any]]
    dead_letters: int = 0

    def summary(self) -> dict[str, Any]:
        """The report in short."""
        tally, cycle = self.tally, self.cycle
        return {
            "accepted": tally.accepted,
            "duplicate": tally.duplicate,
            "refused": tally.refused,
            "refusals": [{"place": refusal.place, "reason": refusal.reason} for refusal in tally.refusals],
            "unread": [{"place": broken.place, "reason": broken.reason} for broken in tally.broken],
            "dead_letters": self.dead_letters,
            "cycle": {
                "status": cycle.status,
                "interactions": cycle.interactions,
                "left_out": cycle.left_out,
                "topics": cycle.topics,
                "noise": cycle.noise,
                "insights": cycle.insights,
                "gaps": cycle.gaps,
            },
            "kinds": plain(kinds_of([cycle]).kinds),
            "critics": plain(cycle.critics),
            "types": dict(sorted(Counter(insight["type"] for insight in self.insights).items())),
            "findings": [
                {name: insight[name] for name in ("id", "type", "description", "confidence", "recommendation")}
                for insight in self.insights[:TOP]
            ],
            "largest_topics": [
                {name: topic[name] for name in ("id", "name", "size", "failure_rate")} for topic in self.topics[:TOP]
            ],
        }


def read_results(queries: Queries, cycle: Cycle, tally: Tally) -> Results:
    """Everything that an ended analysis left."""
    return Results(
        tally=tally,
        cycle=cycle,
        assignments=list(queries.assignments(cycle.id)),
        topics=[_timeless(topic) for topic in queries.topics()],
        insights=_all(queries, "insight"),
        gaps=_all(queries, "gap"),
        dead_letters=queries.queue().dead,
    )


def _all(queries: Queries, kind: str) -> list[dict[str, Any]]:
    """All objects of a kind in the order of lists."""
    found, page = [], queries.page(kind, limit=MAX_PAGE)
    while True:
        found += [_timeless(item) for item in page.items]
        if page.next is None:
            return found
        page = queries.page(kind, cursor=page.next, limit=MAX_PAGE)


def _timeless(value: Any) -> dict[str, Any]:
    return {name: item for name, item in plain(value).items() if name != "history" and not name.endswith("_at")}

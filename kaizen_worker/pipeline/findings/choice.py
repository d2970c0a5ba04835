"""Which insights of a cycle are handed on: each thing said once, the strongest first, not all about one topic."""

from collections import Counter
from collections.abc import Sequence

from kaizen_worker.types import Finding

AGAIN = 0.5
"""What a further statement about the same topic is worth beside the first."""

Scored = tuple[Finding, float]
"""A finding and its confidence."""


def merge(scored: Sequence[Scored]) -> list[Scored]:
    """Drop what another finding says better.

    A topic that burst or was born has grown, of course; and a topic has a high rate of errors where it has them with
    one model or tool alone.
    """
    risen = {finding.subject["topic"] for finding, _ in scored if finding.type == "emerging"}
    narrower = _narrower([finding for finding, _ in scored if finding.type == "error_pattern"])
    return [
        (finding, sure)
        for finding, sure in scored
        if not (finding.subject.get("share") == "growing" and finding.subject["topic"] in risen)
        and not (finding.type == "reliability" and "answer" not in finding.subject and _topic(finding) in narrower)
    ]


def _narrower(patterns: Sequence[Finding]) -> set[str]:
    """Topics that have an error with one model or tool, and none wherever they are asked."""
    topics = {finding.subject["topic"] for finding in patterns if "topic" in finding.subject}
    return topics - {one.subject["topic"] for one in patterns if one.subject.keys() == {"error", "topic"}}


def _topic(finding: Finding) -> str | None:
    return finding.subject.get("topic")


def strongest(scored: Sequence[Scored], limit: int) -> list[Scored]:
    """At most `limit`, by strength times confidence, less for each stronger one about the same topic."""
    rest = sorted(scored, key=lambda one: (-one[0].strength * one[1], one[0].type, sorted(one[0].subject.items())))
    told: Counter[str] = Counter()
    chosen: list[Scored] = []
    while rest and len(chosen) < limit:
        best = max(rest, key=lambda one: one[0].strength * one[1] * AGAIN ** told[one[0].subject.get("topic", "")])
        rest.remove(best)
        chosen.append(best)
        if "topic" in best[0].subject:
            told[best[0].subject["topic"]] += 1
    return chosen

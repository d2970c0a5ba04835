"""What stands behind a finding, in words: how sure it is, what it is compared with, and by which test.

They say of each type of insight what `kaizen_worker/pipeline/findings` does for it; a test holds the two together.
"""

from collections.abc import Mapping

from kaizen_api.schema import Chance, Insight, InsightType

_RATE = "the share is tested against its limit, and a topic's against the rest too; the weaker of the two counts"
_LEVEL = (
    "median and average are tested against the limit, and the ranks of a topic or model against the rest too; "
    "the weakest counts"
)
_SCAN = "all stretches of time are scanned, each person counting once in each, and their number is paid for"
_TESTS: Mapping[InsightType, str] = {
    "performance": _LEVEL,
    "consciousness": _LEVEL,
    "stability": _LEVEL,
    "reliability": _RATE,
    "clarity": _RATE,
    "effectiveness": _RATE,
    "error_pattern": "each topic, model, tool and pair of them is tested; a pair has to be worse than both its members",
    "usage_cluster": "a topic's share of the questions is tested, with people who ask much counting less",
    "usage_pattern": "the share of the kind is tested against a half",
    "emerging": _SCAN,
    "gap": "how often its questions are left unserved is tested against topics that are served",
}
_LIVE = (
    "it was watched while it happened: evidence grows only while the rate is over its usual limit, and over all tests "
    "together false alarms stay under KAIZEN_LIVE_FALSE_ALARMS a week"
)
_AGAIN = "the test of the finding that was settled, on what came after: "
_TINY = 1e-6
_ELSEWHERE: Mapping[InsightType, str] = {
    "emerging": "what all the traffic at that time explains",
    "gap": "the topics that are served",
}
_SHARES = {"growing": "its share in the first half of the window", "large": "what is large"}


def sureness(confidence: float) -> str:
    """As a frequency, which people read best: of 100 or 1,000 findings that are as sure."""
    of = 1000 if confidence > 0.99 else 100  # noqa: PLR2004  # where of 100 all would be real
    return f"of {of:,} findings as sure as this one, about {round(confidence * of)} are real, and the rest is chance"


def against(kind: InsightType, subject: Mapping[str, str]) -> str:
    """What the effect of a finding is measured against."""
    if "pattern" in subject:
        return "what is usual at that hour of the day" if subject["pattern"] == "burst" else "what was usual before"
    if subject.get("by") == "time":
        return "the time before and after"
    if "share" in subject:
        return _SHARES[subject["share"]]
    if not {"topic", "model", "tool"}.isdisjoint(subject):
        return _ELSEWHERE.get(kind, "everything else")
    return "a half" if kind == "usage_pattern" else "its limit"


def test(insight: Insight, settled: Insight | None) -> str:
    """The test in a sentence; `settled` is the insight that a regression reopens."""
    if "pattern" in insight.subject:
        return _LIVE
    if insight.type == "regression":
        return _AGAIN + (_test_again(settled) if settled else "that one is archived by now")
    return _test(insight.type, insight.subject)


def chance(of: Chance | None) -> str:
    """What the test says; empty where there is none."""
    if of is None:
        return ""
    return (
        f"by chance alone: {_odds('p', of.p_value)}; with all {of.hypotheses} hypotheses of that analysis "
        f"controlled {_odds('q', of.q_value)} (Benjamini and Hochberg)"
    )


def _test_again(settled: Insight) -> str:
    """Whether a gap is open again is told by the signs of failure alone, as a level."""
    return _LEVEL if settled.type == "gap" else _test(settled.type, settled.subject)


def _odds(name: str, value: float) -> str:
    """A probability as it is read; how many zeros a tiny one has says nothing."""
    return f"{name} = {value:.2g}" if value >= _TINY else f"{name} < {_TINY:f}"


def _test(kind: InsightType, subject: Mapping[str, str]) -> str:
    return _SCAN if subject.get("by") == "time" else _TESTS.get(kind, f"that of {kind}, known to a newer version alone")

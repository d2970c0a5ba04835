"""Gaps: topics that the assistant cannot serve, with the reason and with what to search for.

A gap is a statement about a topic and several people, never about one question: its questions go unserved clearly more
often than those of served topics, beyond what chance explains. The same sample gives the same gaps with the same ids.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from scipy.stats import false_discovery_control
from scipy.stats import t as student

from kaizen_api.schema import Entry, Gap, Interval
from kaizen_worker.pipeline.gaps.diagnosis import FAILED, Evidence, Rows, alien, diagnose
from kaizen_worker.pipeline.gaps.terms import frequencies, queries
from kaizen_worker.pipeline.gaps.unserved import coverage, failing, unserved
from kaizen_worker.types import Codes, Floats, Sample, Served

MIN_PEOPLE = 3
"""Distinct people with an unserved question that make a gap: two may be colleagues at one desk."""

MIN_SUPPORT = 8
"""Questions of a topic that make a gap; the test asks for more where they differ."""

MARGIN = 0.10
"""How much more often than in a served topic questions must go unserved: less is not worth a search."""

SERVED = 0.35
"""Greatest rate that is still taken for a served topic; where all topics are worse, all are gaps."""

RATE = 0.05
"""Share of the gaps that may be false (Benjamini and Hochberg 1995)."""

MAX_EVIDENCE = 20
"""Interaction ids of one gap."""


@dataclass(frozen=True, slots=True)
class _Topic:
    """How a topic is served."""

    code: int
    rows: Rows  # its questions
    mean: float  # probability that one goes unserved
    error: float  # standard error of the mean
    freedom: float
    people: int  # who had an unserved question


@dataclass(frozen=True, slots=True)
class _Survey:
    """What all topics are compared by."""

    lacking: Floats  # (n,) probability that the question went unserved
    baseline: float  # that probability in a served topic
    known: Evidence
    everywhere: Counter[str]  # texts in which a word occurs


def find_gaps(sample: Sample, served: Served | None = None, entries: Mapping[str, Entry] | None = None) -> list[Gap]:
    """The topics that are not served, by people times deficit, the most pressing first.

    Args:
        sample: A window with topics and signals.
        served: How the knowledge base covers each text; None where there is none yet.
        entries: Those that answers used, by id, as far as they are known: what tells whether they disagree.
    """
    covered = None if served is None else coverage(sample, served)
    lacking = unserved(sample, covered)
    topics = _topics(sample, lacking)
    baseline = _baseline(topics)
    least = max(1, min(MIN_PEOPLE, len(np.unique(sample.window.people())) // 2))
    tested = [(topic, _p_value(topic, baseline + MARGIN)) for topic in topics if topic.people >= least]
    if not tested:
        return []
    rates = false_discovery_control([p_value for _, p_value in tested])
    known = Evidence(failing(sample), covered, alien(sample, served), entries or {})
    survey = _Survey(lacking, baseline, known, frequencies(sample.window.texts))
    found = [
        _gap(sample, topic, p_value, survey)
        for (topic, p_value), rate in zip(tested, rates, strict=True)
        if rate <= RATE
    ]
    return sorted(found, key=lambda gap: (-gap.users * gap.deficit, gap.id))


def _gap(sample: Sample, topic: _Topic, p_value: float, survey: _Survey) -> Gap:
    name, covered = sample.topic_ids[topic.code], survey.known.covered
    worst = topic.rows[np.lexsort((topic.rows, -survey.lacking[topic.rows]))]
    return Gap(
        id=gap_id(name),
        topic=name,
        diagnosis=diagnose(sample, topic.code, topic.rows, survey.known),
        users=topic.people,
        queries=queries(sample, _unmet(worst, survey.lacking), survey.everywhere),
        deficit=topic.mean - survey.baseline,
        deficit_interval=_interval(topic, survey.baseline),
        p_value=p_value,
        evidence=_evidence(sample, worst),
        coverage=0.0 if covered is None else float(covered[sample.window.text[topic.rows]].mean()),
    )


def _unmet(worst: Rows, lacking: Floats) -> Rows:
    """Of the rows (m,), the worst first, those that more likely than not went unserved, or all if there is none."""
    unmet = worst[lacking[worst] > 1 / 2]
    return unmet if len(unmet) else worst


def gap_id(topic: str) -> str:
    """The id, "g" and 16 hex digits: a topic has one gap."""
    return f"g{blake2b(topic.encode(), digest_size=8).hexdigest()}"


def _topics(sample: Sample, lacking: Floats) -> list[_Topic]:
    """Topics with enough questions."""
    people = sample.window.people()
    rows = np.flatnonzero((sample.topic >= 0) & ~sample.signals.flags["follow_up"])
    rows = rows[np.argsort(sample.topic[rows], kind="stable")]
    edges = np.searchsorted(sample.topic[rows], np.arange(len(sample.topic_ids) + 1))
    parts = [rows[start:stop] for start, stop in pairwise(edges)]
    return [_topic(code, part, lacking, people) for code, part in enumerate(parts) if len(part) >= MIN_SUPPORT]


def _topic(code: int, rows: Rows, lacking: Floats, people: Codes) -> _Topic:
    """Mean over the questions, with an error that knows that one person's questions are alike (Kish 1965).

    Questions are counted as served or not, which is the most that probabilities can vary.
    """
    values, who = lacking[rows], people[rows]
    _, place = np.unique(who, return_inverse=True)
    sums, count = np.bincount(place, weights=values - values.mean()), int(place.max()) + 1
    by_person = count / max(count - 1, 1) * float((sums**2).sum()) / len(rows) ** 2
    share = (values.sum() + 1) / (len(rows) + 2)  # never exactly 0 or 1
    error = np.sqrt(max(by_person, float(share * (1 - share)) / len(rows)))
    unhappy = len(np.unique(who[values >= FAILED]))
    return _Topic(code, rows, float(values.mean()), float(error), float(max(count - 1, 1)), unhappy)


def _baseline(topics: list[_Topic]) -> float:
    """Rate at which questions of a served topic go unserved: that of the better quarter, by questions.

    Half of all topics may be gaps, so neither their mean nor their median tells what is served.
    """
    if not topics:
        return SERVED
    ordered = sorted(topics, key=lambda topic: topic.mean)
    reached = np.cumsum([len(topic.rows) for topic in ordered])
    return min(ordered[int(np.searchsorted(reached, reached[-1] / 4))].mean, SERVED)


def _p_value(topic: _Topic, limit: float) -> float:
    return float(student.sf((topic.mean - limit) / topic.error, topic.freedom))


def _interval(topic: _Topic, baseline: float) -> Interval:
    estimate, half = topic.mean - baseline, float(student.isf(0.025, topic.freedom)) * topic.error
    return Interval(estimate=estimate, low=max(estimate - half, -1.0), high=min(estimate + half, 1.0), unit="share")


def _evidence(sample: Sample, worst: Rows) -> list[str]:
    """Ids of the worst rows, a different person each as long as there are more."""
    _, first = np.unique(sample.window.people()[worst], return_index=True)
    chosen = np.concatenate((np.sort(first), np.delete(np.arange(len(worst)), first)))[:MAX_EVIDENCE]
    return [sample.window.ids[row] for row in worst[chosen]]

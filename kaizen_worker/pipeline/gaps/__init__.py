"""Gaps: topics that the assistant cannot serve, with the reason and with what to search for.

A gap is a statement about a topic and several people, never about one question: its questions go unserved clearly more
often than those of served topics, or are refused, rejected or asked back so, beyond what chance explains. What is said
of each of these alone tells more than a probability of failure that weighs them together: a question back is hardly a
failure, but where most questions meet one, nobody is served. The same sample gives the same gaps with the same ids.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from scipy.stats import false_discovery_control

from kaizen_api.schema import Entry, Gap
from kaizen_worker.pipeline.gaps.diagnosis import Evidence, Rows, alien, diagnose
from kaizen_worker.pipeline.gaps.share import SURE, Share, share
from kaizen_worker.pipeline.gaps.terms import frequencies, queries
from kaizen_worker.pipeline.gaps.unserved import coverage, failing, shown, unserved
from kaizen_worker.types import Floats, Sample, Served

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
    """What tells most against one topic."""

    code: int
    rows: Rows  # its questions
    share: Share  # of them that are not served, by one kind of evidence
    baseline: float  # that share in a served topic
    p_value: float  # of "none of the kinds of evidence is more frequent than in a served topic"


def find_gaps(sample: Sample, served: Served | None = None, entries: Mapping[str, Entry] | None = None) -> list[Gap]:
    """The topics that are not served, by people times deficit, the most pressing first.

    Args:
        sample: A window with topics and signals.
        served: How the knowledge base covers each text; None where there is none yet.
        entries: Those that answers used, by id, as far as they are known: what tells whether they disagree.
    """
    covered = None if served is None else coverage(sample, served)
    lacking = unserved(sample, covered)
    tested = _topics(sample, [lacking, *(sign.astype(np.float64) for sign in shown(sample).values())])
    if not tested:
        return []
    rates = false_discovery_control([topic.p_value for topic in tested])
    known = Evidence(failing(sample), covered, alien(sample, served), entries or {})
    everywhere = frequencies(sample.window.texts)
    found = [
        _gap(sample, topic, lacking, known, everywhere)
        for topic, rate in zip(tested, rates, strict=True)
        if rate <= RATE
    ]
    return sorted(found, key=lambda gap: (-gap.users * gap.deficit, gap.id))


def _gap(sample: Sample, topic: _Topic, lacking: Floats, known: Evidence, everywhere: Counter[str]) -> Gap:
    name, covered = sample.topic_ids[topic.code], known.covered
    order = np.lexsort((topic.rows, -lacking[topic.rows], -topic.share.each))
    unmet = order[topic.share.each[order] > SURE]
    deficit = topic.share.beyond(topic.baseline)
    return Gap(
        id=gap_id(name),
        topic=name,
        diagnosis=diagnose(sample, topic.code, topic.rows, known),
        users=topic.share.people,
        queries=queries(sample, topic.rows[unmet if len(unmet) else order], everywhere),
        deficit=deficit.estimate,
        deficit_interval=deficit,
        p_value=topic.p_value,
        evidence=_evidence(sample, topic.rows[order]),
        coverage=0.0 if covered is None else float(covered[sample.window.text[topic.rows]].mean()),
    )


def gap_id(topic: str) -> str:
    """The id, "g" and 16 hex digits: a topic has one gap."""
    return f"g{blake2b(topic.encode(), digest_size=8).hexdigest()}"


def _topics(sample: Sample, kinds: Sequence[Floats]) -> list[_Topic]:
    """Topics with enough questions and people, each by the kind of evidence (n,) that tells most against it."""
    people = sample.window.people()
    least = max(1, min(MIN_PEOPLE, len(np.unique(people)) // 2))
    parts = {code: rows for code, rows in enumerate(_questions(sample)) if len(rows) >= MIN_SUPPORT}
    found: dict[int, _Topic] = {}
    for each in kinds:
        shares = {code: share(each[rows], people[rows]) for code, rows in parts.items()}
        baseline = _baseline(list(shares.values()))
        for code, one in shares.items():
            p_value = min(1.0, len(kinds) * one.above(min(baseline + MARGIN, 1.0)))  # Bonferroni
            if one.people >= least and (code not in found or p_value < found[code].p_value):
                found[code] = _Topic(code, parts[code], one, baseline, p_value)
    return [found[code] for code in sorted(found)]


def _questions(sample: Sample) -> list[Rows]:
    """Rows of the questions of each topic."""
    rows = np.flatnonzero((sample.topic >= 0) & ~sample.signals.flags["follow_up"])
    rows = rows[np.argsort(sample.topic[rows], kind="stable")]
    edges = np.searchsorted(sample.topic[rows], np.arange(len(sample.topic_ids) + 1))
    return [rows[start:stop] for start, stop in pairwise(edges)]


def _baseline(shares: list[Share]) -> float:
    """Share of a served topic's questions that go unserved: that of the better quarter, by questions.

    Half of all topics may be gaps, so neither their mean nor their median tells what is served.
    """
    if not shares:
        return SERVED
    ordered = sorted(shares, key=lambda one: one.mean)
    reached = np.cumsum([len(one.each) for one in ordered])
    return min(ordered[int(np.searchsorted(reached, reached[-1] / 4))].mean, SERVED)


def _evidence(sample: Sample, worst: Rows) -> list[str]:
    """Ids of the worst rows, a different person each as long as there are more."""
    _, first = np.unique(sample.window.people()[worst], return_index=True)
    chosen = np.concatenate((np.sort(first), np.delete(np.arange(len(worst)), first)))[:MAX_EVIDENCE]
    return [sample.window.ids[row] for row in worst[chosen]]

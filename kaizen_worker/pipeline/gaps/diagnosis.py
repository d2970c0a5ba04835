"""Why a topic is not served: documented rules over what the answers did, and over what the knowledge base holds.

In order: the assistant mostly asks back (unclear); entries were used, users reject the answers, and the entries
disagree (contradictory); entries cover the topic, were used, and users reject the answers (stale; contradictory where
their texts are not known and more were used at a time than elsewhere);
it is there, but the answers do without (retrieval_miss); nothing is near, neither entries nor topics (out_of_scope);
otherwise knowledge is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kaizen_api.schema import Diagnosis, Entry
from kaizen_worker.pipeline.gaps.disagreement import contested
from kaizen_worker.types import Flags, Floats, Sample, Served

TOLD_QUESTIONS, TOLD_PEOPLE = 30, 10
"""Size of a topic in the window from which its cause is expected to be told, where half or more of its answers fail;
smaller ones are found when they show it more clearly. `tests/bench/findings/test_diagnosis.py` measures it."""

ASKING = 0.3
"""Share of answers that ask back from which the question is what is unclear, if refusals and rejections are rarer."""

COVERED = 0.5
"""Mean probability of an answer in the knowledge base from which a topic is covered."""

USABLE = 0.2
"""The same, where the assistant found entries good enough to answer from: several that say the same match less each."""

USED = 0.5
"""Share of the failed answers with entries from which these are to blame; of those, with several, likewise."""

CONTESTED = 0.3
"""Share of the failed answers that used an entry that another one disputes, from which these are contradictory."""

FAILED = 0.5
"""Probability from which an answer counts as failed."""

FAR_ENTRIES = 0.5
"""Share of the usual cosine with the knowledge base under which a topic is far from it; of covered topics it is one."""

FAR_TOPICS = 0.75
"""Share of the usual cosine with the nearest other topic under which a topic is far from all of them."""

MIN_TOPICS = 5
"""Topics from which it can be said what is usually near."""

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of every topic when one of them is diagnosed."""

    failed: Floats  # (n,) probability that the answer failed for want of knowledge
    covered: Floats | None  # (u,) probability that the knowledge base holds an answer; None where there is none
    alien: Flags  # (k,) topics to which nothing is near
    entries: Mapping[str, Entry] = field(default_factory=dict)  # of those that answers used, what is known


def diagnose(sample: Sample, code: int, rows: Rows, known: Evidence) -> Diagnosis:
    """The diagnosis of the topic with that code, whose questions are the rows (m,)."""
    refused, rejected, asking = _answers(sample, rows)
    if asking >= ASKING and asking > max(refused, rejected):
        return "unclear"
    failed = rows[known.failed[rows] >= FAILED]
    used = [sample.window.entry_ids[row] for row in failed if sample.window.entry_ids[row]]
    blamed = rejected > refused and bool(used) and len(used) >= USED * len(failed)
    disputed = _disputed(sample, rows, used, known) if blamed else None
    if disputed:
        return "contradictory"
    covered = None if known.covered is None else float(known.covered[sample.window.text[rows]].mean())
    there = covered is None or covered >= (USABLE if blamed else COVERED)
    if there and blamed:
        return "contradictory" if disputed is None and _several(sample, rows, used) else "stale"
    if there and covered is not None:
        return "retrieval_miss"
    return "out_of_scope" if known.alien[code] else "missing"


def _disputed(sample: Sample, rows: Rows, used: list[tuple[str, ...]], known: Evidence) -> bool | None:
    """Whether these failed answers used entries that others of the topic dispute; None where texts are not known."""
    present = {entry for row in rows for entry in sample.window.entry_ids[row]}
    texts = {entry: known.entries[entry] for entry in present if entry in known.entries}
    if len(texts) <= len(present) / 2:
        return None
    against = contested(texts)
    return sum(bool(against & set(entries)) for entries in used) >= CONTESTED * len(used)


def _several(sample: Sample, rows: Rows, used: list[tuple[str, ...]]) -> bool:
    """Whether these failed answers mostly use more entries than is usual elsewhere."""
    others = np.flatnonzero((sample.topic >= 0) & (sample.topic != sample.topic[rows[0]]))
    elsewhere = [len(sample.window.entry_ids[row]) for row in others if sample.window.entry_ids[row]]
    usual = float(np.median(elsewhere)) if elsewhere else 1.0
    return sum(len(entries) > usual for entries in used) >= USED * len(used)


def _answers(sample: Sample, rows: Rows) -> tuple[float, float, float]:
    """Shares of the rows that were refused, rejected by the user, and answered by a question."""
    flags = sample.signals.flags
    rejected = flags["negation"] | flags["negative_feedback"]
    return (
        float(flags["refusal"][rows].mean()),
        float(rejected[rows].mean()),
        float(flags["clarification"][rows].mean()),
    )


def alien(sample: Sample, served: Served | None) -> Flags:
    """Topics (k,) that are unusually far from every other topic and, where there is one, from the knowledge base."""
    count = len(sample.topic_ids)
    if count < MIN_TOPICS:
        return np.zeros(count, np.bool_)
    members = [np.unique(sample.window.text[sample.topic == code]) for code in range(count)]
    centres = np.stack([_centre(sample, texts) for texts in members])
    cosines = centres @ centres.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = cosines.max(axis=1)
    found = np.asarray(nearest < FAR_TOPICS * np.median(nearest))
    if served is not None:
        entries = np.array([served.cosine[texts].mean() if len(texts) else np.nan for texts in members])
        found &= entries < FAR_ENTRIES * np.nanquantile(entries, 0.75)  # half of the topics may be gaps
    return found


def _centre(sample: Sample, texts: Rows) -> Floats:
    centre = sample.window.vectors[texts].sum(axis=0, dtype=np.float64)
    return np.asarray(centre / max(float(np.linalg.norm(centre)), 1e-12))

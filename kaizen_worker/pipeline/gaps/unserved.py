"""How likely each question went unserved: not covered by the knowledge base, or failed by what is known of it.

What is not covered counts only where the answer came from the knowledge base, or where none is known: an assistant with
knowledge of its own may answer well what this one lacks, and then only the signs of failure tell. An error of the
service is no lack of knowledge and does not count, unless it says that nothing was found. An answer that the user was
content with was served, whatever the knowledge base holds.
"""

import re

import numpy as np

from kaizen_worker.pipeline.gaps.coverage import calibrated
from kaizen_worker.types import Flags, Floats, Sample, Served

NO_MATCH = re.compile(
    r"no[ _-]?(match|result|answer|hit|document|intent)|not[ _-]?found|unanswered|fallback|empty", re.IGNORECASE
)
"""Names of errors that say that nothing was found."""

WAYS = {
    "refused": ("refusal",),
    "rejected": ("negation", "negative_feedback", "escalation", "rephrase", "repeat"),
    "asked_back": ("clarification",),
}
"""Ways in which it shows that a question was not served, and the signs of each."""

SILENT = 0.2
"""Probability of failure under which an answer shows no sign of it."""

MIN_WELL = 50
"""Such answers, from entries, without which nothing is known of what is usual."""

USUAL = 0.8
"""Coverage that a usual question has where answers do well: short entries match less."""

LARGEST_SHIFT = 0.5
"""Log odds by which coverage is moved for that at most: a knowledge base that lacks half must not look whole, though
many of its wrong answers pass in silence."""

CITING = 0.05
"""Share of the answers that cite entries from which the assistant is one that answers from this knowledge base."""


def failing(sample: Sample) -> Floats:
    """Probability (n,) that the answer failed for want of knowledge: the signs, without errors of the service."""
    return np.where(_service(sample), 0.0, sample.signals.failure)


def shown(sample: Sample) -> dict[str, Flags]:
    """Interactions (n,) that show that they were not served, by the way in which they do, without those errors."""
    flags, well = sample.signals.flags, ~_service(sample)
    return {way: well & np.logical_or.reduce([flags[sign] for sign in signs]) for way, signs in WAYS.items()}


def _service(sample: Sample) -> Flags:
    """Interactions (n,) that an error of the service ended, or an answer that came out empty."""
    error = sample.window.error
    service = np.array([NO_MATCH.search(name) is None for name in (*error.names, "")], np.bool_)
    return np.asarray(((error.codes >= 0) & service[error.codes]) | sample.signals.flags["empty"])


def content(sample: Sample) -> Flags:
    """Interactions (n,) whose user was content."""
    return (sample.window.feedback > 0) | sample.signals.flags["thanked"]


def coverage(sample: Sample, served: Served) -> Floats:
    """Probability (u,) that the knowledge base holds an answer to each text, by what users said of the answers."""
    feedback = np.where(sample.window.error.codes >= 0, np.nan, sample.window.feedback)
    helped = np.where(feedback > 0, 1.0, np.where(feedback < 0, 0.0, np.nan))
    covered = calibrated(served, sample.window.text, helped)
    cited = np.array([bool(entries) for entries in sample.window.entry_ids], np.bool_)
    well = cited & (sample.signals.failure < SILENT) & ~sample.signals.flags["follow_up"]
    return _raised(covered, covered[sample.window.text[well]])


def _lacking(covered: Floats) -> Floats:
    """What of it counts (u,): nothing where the text is rather covered than not, so that doubts don't add up."""
    return np.maximum(0.0, 1.0 - 2.0 * covered)


def _raised(covered: Floats, well: Floats) -> Floats:
    """Coverage (u,) by the measure of this knowledge base: that of answers (m,) without a sign of failure is usual."""
    if len(well) < MIN_WELL:
        return covered
    shift = float(np.clip(np.log(USUAL / (1 - USUAL)) - np.median(_log_odds(well)), 0.0, LARGEST_SHIFT))
    return np.asarray(1.0 / (1.0 + np.exp(-_log_odds(covered) - shift)))


def _log_odds(probability: Floats) -> Floats:
    bounded = np.clip(probability, 1e-9, 1.0 - 1e-9)
    return np.asarray(np.log(bounded / (1.0 - bounded)))


def unserved(sample: Sample, covered: Floats | None) -> Floats:
    """Probability (n,) that a question was not served.

    Args:
        sample: n interactions over u texts.
        covered: (u,) from `coverage`; None where there is no knowledge base.
    """
    failed = failing(sample)
    if covered is None:
        return failed
    lacking = np.where(content(sample) | answered_otherwise(sample), 0.0, _lacking(covered)[sample.window.text])
    return np.asarray(1.0 - (1.0 - lacking) * (1.0 - failed))


def answered_otherwise(sample: Sample) -> Flags:
    """Interactions (n,) that were answered, in a log whose answers cite no entries: from knowledge of another kind."""
    answered = sample.window.answers["given"] & (sample.window.error.codes < 0)
    cited = np.array([bool(entries) for entries in sample.window.entry_ids], np.bool_)
    uses_entries = (cited & answered).sum() >= CITING * max(answered.sum(), 1)
    return answered & np.bool_(not uses_entries)

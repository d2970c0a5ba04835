"""From a test to a finding: its identity, its evidence, its strength, and numbers as people read them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from kaizen_api.schema import InsightType, Interval
from kaizen_worker.pipeline.findings.independence import Rows
from kaizen_worker.types import Finding, Floats, Sample

WORTH = 0.05
"""Largest p-value worth a sentence. No threshold of a later stage is looser, so nothing that counts is left out."""

MAX_EVIDENCE = 20
"""Interaction ids of one finding."""

NEWS = 0.2
"""Weight of news beside harm: something new is worth knowing, something broken is worth fixing."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What a finder looked at: all its hypotheses count when multiplicity is controlled, spoken or not."""

    findings: tuple[Finding, ...]  # those with a p-value of at most WORTH
    hypotheses: int  # tested, with the findings


def identity(kind: InsightType, subject: Mapping[str, str]) -> str:
    """The insight's id, "i" and 16 hex digits: the same type and subject say the same thing."""
    said = json.dumps([kind, sorted(subject.items())], ensure_ascii=False)
    return f"i{blake2b(said.encode(), digest_size=8).hexdigest()}"


def clearest(sample: Sample, rows: Rows, clarity: Floats) -> tuple[str, ...]:
    """Ids of the rows (m,) with the highest clarity (m,), a different person each as long as there are more."""
    ordered = rows[np.lexsort((rows, -clarity))]
    _, first = np.unique(sample.window.people()[ordered], return_index=True)
    again = np.delete(np.arange(len(ordered)), first)
    chosen = np.concatenate((np.sort(first), again))[:MAX_EVIDENCE]
    return tuple(sample.window.ids[row] for row in ordered[chosen])


def strength(avoidable: float) -> float:
    """0..1 from the share of the window's interactions that need not have gone so; the root keeps small topics seen."""
    return float(np.sqrt(min(max(avoidable, 0.0), 1.0)))


def persons(sample: Sample, rows: Rows) -> int:
    """Distinct people behind these rows: users, else sessions; 0 in a log that has neither."""
    window = sample.window
    if not any((column.codes >= 0).any() for column in (window.user, window.session)):
        return 0
    return len(np.unique(window.people()[rows[window.told_apart()[rows]]]))


def percent(value: float) -> str:
    """A share as people read it: "0.4 %", "12 %"."""
    return f"{value * 100:.1f} %" if abs(value) < 0.095 else f"{value * 100:.0f} %"  # noqa: PLR2004 - one digit below 10


def points(difference: float) -> str:
    """One share less another, in percentage points: "0.4", "12"."""
    return percent(difference).removesuffix(" %")


def seconds(value: float) -> str:
    """A duration: "0.25 s", "4.1 s"."""
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"


def percents(estimate: Interval) -> str:
    """A share with its interval: "12 % (95 %: 9.1 % to 15 %)"."""
    return f"{percent(estimate.estimate)} (95 %: {percent(estimate.low)} to {percent(estimate.high)})"


def basis(sample: Sample, rows: Rows) -> str:
    """What it rests on: "212 interactions of 87 users", "of 87 sessions", or alone, by the ids that the log has."""
    count = persons(sample, rows)
    if not count:
        return f"{len(rows)} interactions"
    return f"{len(rows)} interactions of {count} {'users' if (sample.window.user.codes >= 0).any() else 'sessions'}"

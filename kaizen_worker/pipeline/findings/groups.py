"""The groups that findings compare: everything, and each topic that has enough to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kaizen_worker.pipeline.findings.independence import MIN_SUPPORT, Rows, needed_people
from kaizen_worker.types import Flags, Sample


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together."""

    topic: str | None  # its id; None is everything
    name: str
    rows: Rows

    @property
    def subject(self) -> Mapping[str, str]:
        """What a finding about it is about."""
        return {} if self.topic is None else {"topic": self.topic}

    @property
    def where(self) -> str:
        """As a sentence names it."""
        return "overall" if self.topic is None else f"in '{self.name}'"


def everything(sample: Sample, usable: Flags) -> Group | None:
    """All usable rows (n,) bool, if they suffice."""
    rows = np.flatnonzero(usable)
    return Group(None, "", rows) if _enough(sample, rows) else None


def topics(sample: Sample, usable: Flags) -> list[Group]:
    """Each topic with enough usable rows of enough people, in the order of the topic ids."""
    rows = np.flatnonzero(usable & (sample.topic >= 0))
    rows = rows[np.argsort(sample.topic[rows], kind="stable")]
    edges = np.searchsorted(sample.topic[rows], np.arange(len(sample.topic_ids) + 1))
    people = sample.window.people()
    least = needed_people(people)
    return [
        Group(sample.topic_ids[topic], sample.topic_names[topic], rows[start:stop])
        for topic, (start, stop) in enumerate(pairwise(edges))
        if stop - start >= MIN_SUPPORT and len(np.unique(people[rows[start:stop]])) >= least
    ]


def _enough(sample: Sample, rows: Rows) -> bool:
    people = sample.window.people()
    return len(rows) >= MIN_SUPPORT and len(np.unique(people[rows])) >= needed_people(people)

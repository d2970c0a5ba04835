"""The groups that findings compare: everything, and each topic and model that has enough to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from kaizen_worker.pipeline.findings.independence import MIN_SUPPORT, Rows, needed_people
from kaizen_worker.pipeline.findings.scan import moment
from kaizen_worker.types import Codes, Flags, Sample


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together."""

    id: str | None  # of the topic, or the model's name; None is everything
    name: str
    rows: Rows
    kind: Literal["topic", "model"] = "topic"
    since: int | None = None  # microseconds since the epoch, where only what came later is meant

    @property
    def topic(self) -> str | None:
        """The topic's id, None if it is no topic."""
        return self.id if self.kind == "topic" else None

    @property
    def is_all(self) -> bool:
        """Whether it is everything."""
        return self.id is None

    @property
    def subject(self) -> Mapping[str, str]:
        """What a finding about it is about."""
        return {} if self.id is None else {self.kind: self.id}

    @property
    def where(self) -> str:
        """As a sentence names it."""
        time = "" if self.since is None else f" since {moment(self.since)}"
        if self.is_all:
            return f"overall{time}"
        return f"in '{self.name}'{time}" if self.kind == "topic" else f"with the model '{self.name}'{time}"


def everything(sample: Sample, usable: Flags) -> Group | None:
    """All usable rows (n,) bool, if they suffice."""
    rows = np.flatnonzero(usable)
    return Group(None, "", rows) if _enough(sample, rows) else None


def topics(sample: Sample, usable: Flags) -> list[Group]:
    """Each topic with enough usable rows of enough people, in the order of the topic ids."""
    rows = np.flatnonzero(usable & (sample.topic >= 0))
    rows = rows[np.argsort(sample.topic[rows], kind="stable")]
    edges = np.searchsorted(sample.topic[rows], np.arange(len(sample.topic_ids) + 1))
    people, known = sample.window.people(), sample.window.told_apart()
    least = needed_people(people[known])
    return [
        Group(sample.topic_ids[topic], sample.topic_names[topic], rows[start:stop])
        for topic, (start, stop) in enumerate(pairwise(edges))
        if stop - start >= MIN_SUPPORT and _distinct(people, known, rows[start:stop]) >= least
    ]


def models(sample: Sample, usable: Flags) -> list[Group]:
    """Each model with enough usable rows of enough people, by name; none where there is only one."""
    model = sample.window.model
    groups = [
        Group(name, name, np.flatnonzero(usable & (model.codes == code)), "model")
        for code, name in enumerate(model.names)
    ]
    return [group for group in groups if _enough(sample, group.rows)] if len(groups) > 1 else []


def _enough(sample: Sample, rows: Rows) -> bool:
    people, known = sample.window.people(), sample.window.told_apart()
    return len(rows) >= MIN_SUPPORT and _distinct(people, known, rows) >= needed_people(people[known])


def _distinct(people: Codes, known: Flags, rows: Rows) -> int:
    """How many people are behind these rows, those left out who cannot be told apart."""
    return len(np.unique(people[rows[known[rows]]]))

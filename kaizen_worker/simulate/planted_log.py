"""A planted log as an analysis sees it, with the truth of every interaction beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zlib import crc32

import numpy as np

from kaizen_api.schema import Interaction, Record
from kaizen_worker.pipeline.findings.statement import identity
from kaizen_worker.pipeline.membership import memberships
from kaizen_worker.pipeline.patterns import kinds
from kaizen_worker.pipeline.signals import in_topics, read_responses, signals
from kaizen_worker.pipeline.window import window
from kaizen_worker.simulate.assistant import Found
from kaizen_worker.simulate.planting import Planted, Planting
from kaizen_worker.simulate.sessions import sessions
from kaizen_worker.simulate.stage import Played, perform
from kaizen_worker.types import Clusters, Codes, Halves, Sample, Thresholds, Window

TOLD = "This is how it is done: open the page of your account, choose what you need, and confirm it with your code."
"""What every document says: what helps is known from its title."""

LIMITS = Thresholds(confidence=0.0, max_insights=1000)
"""Everything that a cycle would say at any threshold of confidence."""


@dataclass(frozen=True, slots=True)
class PlantedLog:
    """What was said in a planting, and about which subject each interaction is."""

    planting: Planting
    records: tuple[Record, ...]  # by time
    subject: Mapping[str, str]  # interaction id -> subject
    touched: Mapping[Planted, int]  # questions that each fault touched

    def seen(self, vectors: Callable[[Sequence[str]], Halves], *, until: int | None = None) -> Window:
        """The columns of what there is by a time (us since the epoch), or of everything."""
        known = (record for record in self.records if until is None or record.occurred_at < until)
        seen = window(known, read=read_responses)
        return replace(seen, vectors=vectors(seen.texts))

    def sample(self, seen: Window, *, labels: Callable[[Window, Codes], Clusters] | None = None) -> Sample:
        """What every finder looks at.

        Args:
            seen: From `seen`.
            labels: From a window and its m questions' texts (places into the texts, sorted) to their clusters; the true
                subjects, if absent.
        """
        marks = signals(seen, LIMITS)
        follow_up = marks.flags["follow_up"]
        groups: tuple[str, ...] = ()
        if labels is None:
            ids = tuple(sorted({subject.id for subject in self.planting.scenario.subjects}))
            code = {subject: number for number, subject in enumerate(ids)}
            topic = np.array([code[self.subject[one]] for one in seen.ids], np.int32)
        else:
            asked = np.unique(seen.text[~follow_up])
            of_text = np.full(len(seen.texts), -1, np.int32)
            found = labels(seen, asked)
            of_text[asked] = found.labels
            ids = tuple(f"t{number}" for number in range(len(found.parents)))
            above = zip(ids, found.parents.tolist(), strict=True)
            groups = tuple(f"g{group}" if group >= 0 else topic for topic, group in above)
            topic = memberships(seen, follow_up, of_text)
        marks = in_topics(seen, marks, topic, LIMITS)
        return self._with_past(Sample(seen, topic, ids, ids, marks, LIMITS, kinds=kinds(seen.texts), groups=groups))

    def subjects(self, sample: Sample) -> dict[str, str]:
        """Topic id -> the subject that most of its interactions are about."""
        names = sorted(set(self.subject.values()))
        code = {subject: number for number, subject in enumerate(names)}
        true = np.array([code[self.subject[one]] for one in sample.window.ids], np.int64)
        counts = np.zeros((len(sample.topic_ids), len(names)), np.int64)
        known = sample.topic >= 0
        np.add.at(counts, (sample.topic[known], true[known]), 1)
        return {topic: names[row.argmax()] for topic, row in zip(sample.topic_ids, counts, strict=True) if row.any()}

    def _with_past(self, sample: Sample) -> Sample:
        """With the topics that are new since the day before the last third, and what was repaired."""
        middle = self.planting.scenario.start + (self.planting.scenario.end - self.planting.scenario.start) / 2
        known = sample.topic[(sample.window.occurred_at < _micros(middle)) & (sample.topic >= 0)]
        sizes = np.bincount(known, minlength=len(sample.topic_ids))
        born = frozenset(topic for topic, size in zip(sample.topic_ids, sizes.tolist(), strict=True) if size == 0)
        settled = {
            identity("reliability", {"topic": topic}): float(_micros(self.planting.repaired[subject]))
            for topic, subject in self.subjects(sample).items()
            if subject in self.planting.repaired
        }
        return replace(sample, born=born, settled=settled)


def draw(planting: Planting) -> PlantedLog:
    """Let them talk."""
    played = list(perform(planting.scenario, _library(planting)))
    touched = {one: sum(_touches(one, turn) for turn in played) for one in planting.planted}
    return PlantedLog(
        planting,
        tuple(_record(turn.interaction) for turn in played),
        {str(turn.interaction.id): turn.session.subject.id for turn in played},
        touched,
    )


def _library(planting: Planting) -> Callable[[str, str], Sequence[Found]]:
    """Finds the right document of every subject, but of what is missing."""
    about = {session.id: session.subject for session in sessions(planting.scenario)}
    missing = {fault.subject: fault.size for fault in planting.scenario.faults if fault.kind == "missing"}

    def look_up(query: str, session_id: str) -> Sequence[Found]:
        subject = about[session_id]
        if crc32(f"{session_id}{query}".encode()) < missing.get(subject.id, 0.0) * 2**32:
            return [Found("e-other", "other", TOLD, 0.5)]
        return [Found(f"e-{subject.id}", subject.answer[0], TOLD, 0.5)]

    return look_up


def _touches(one: Planted, turn: Played) -> bool:
    said, fault = turn.interaction, one.fault
    if turn.kind != "question" or said.occurred_at is None or said.model is None:
        return False
    return fault.hits(subject=turn.session.subject.id, model=said.model, at=said.occurred_at, tool=said.tool)


def _record(said: Interaction) -> Record:
    if said.id is None or said.occurred_at is None:
        raise ValueError("the simulation gives every interaction an id and a time")
    return Record(
        id=said.id,
        occurred_at=_micros(said.occurred_at),
        query=said.query,
        session=said.session_id,
        user=said.user_id,
        response=said.response,
        response_time=said.response_time,
        error=said.error,
        feedback=said.feedback,
        level=said.consciousness_level,
        critics=said.critics,
        entry_ids=said.entry_ids,
        model=said.model,
        tool=said.tool,
    )


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)

"""A small world with known faults: what users ask of an assistant, and how it goes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from zlib import crc32

import msgspec
import numpy as np
import pytest

from kaizen_api.schema import Record
from kaizen_worker.embedding.static import Static
from kaizen_worker.pipeline import patterns
from kaizen_worker.pipeline.signals import read_responses, signals
from kaizen_worker.pipeline.window import window
from kaizen_worker.types import Sample, Thresholds, Window

START = 1_760_000_000_000_000
HOUR = 3_600_000_000
SUBJECTS = {
    "garden": "tomato seedlings compost mildew pruning trellis mulch aphids",
    "bicycle": "derailleur brakes saddle spokes gearshift pedals chainring tubeless",
    "baking": "sourdough hydration oven crust proofing flour starter banneton",
    "camera": "aperture shutter lens tripod exposure histogram autofocus flashgun",
    "harbour": "mooring anchor tide ferry pontoon dredging lighthouse customs",
    "violin": "rosin bow vibrato strings luthier bridge pegs etude",
    "payroll": "salary overtime payslip deduction pension bonus taxcode backpay",
    "weather": "barometer drizzle forecast humidity frost gale isobar sunshine",
}
FORMS = {
    "question": "what is the best {0} for a {1}?",
    "analysis": "compare the {0} with the {1}",
    "command": "send me the {0} of the {1}",
    "creation": "write a note on {0} and {1}",
    "statement": "my {0} lies beside the {1} today",
}
Where = Callable[[Record], bool]


@dataclass(frozen=True)
class World:
    """Interactions with the topic each one truly has."""

    records: tuple[Record, ...]
    topics: dict[str, str]  # interaction id -> topic
    thresholds: Thresholds = field(default_factory=lambda: Thresholds(max_insights=50))

    def chosen(self, topic: str = "", *, share: float = 1.0, where: Where | None = None) -> list[Record]:
        """Records of a topic, where the test wants them; `share` takes a part that depends on their ids alone."""
        return [
            record
            for record in self.records
            if (not topic or self.topics[record.id] == topic)
            and crc32(record.id.encode()) < share * 2**32
            and (where is None or where(record))
        ]

    def change(self, topic: str = "", *, share: float = 1.0, where: Where | None = None, **columns: object) -> "World":
        """The same world with other values in the chosen records; a callable value gets the record."""
        ids = {record.id for record in self.chosen(topic, share=share, where=where)}
        changed = (_changed(record, columns) if record.id in ids else record for record in self.records)
        return replace(self, records=tuple(changed))

    def turn(self, topic: str, to: str, *, share: float = 1.0, where: Where | None = None) -> "World":
        """The chosen records of a topic ("" for all) ask about another one instead, as others do."""
        queries = [record.query for record in self.chosen(to)]
        ids = {record.id for record in self.chosen(topic, share=share, where=where)}
        asked = self.change(
            where=lambda record: record.id in ids, query=lambda r: queries[crc32(r.id.encode()) % len(queries)]
        )
        return replace(asked, topics=self.topics | dict.fromkeys(ids, to))

    def follow(self, topic: str, text: str | Callable[[Record], str], *, share: float = 1.0) -> "World":
        """The user says something more after some turns of a topic, half a minute later."""
        more = tuple(
            msgspec.structs.replace(
                record,
                id=f"{record.id}+",
                query=text(record) if callable(text) else text,
                occurred_at=record.occurred_at + 30_000_000,
                feedback=None,
                error=None,
            )
            for record in self.chosen(topic, share=share)
        )
        topics = self.topics | {record.id: topic for record in more}
        return replace(self, records=self.records + more, topics=topics)

    def window(self) -> Window:
        return as_window(self.records)

    def sample(self, **values: object) -> Sample:
        """With signals, kinds, and the true topics under the ids t-<name>; turns without a question have none."""
        looked = self.window()
        names = tuple(sorted(set(self.topics.values())))
        found = signals(looked, self.thresholds)
        codes = [names.index(self.topics[one]) for one in looked.ids]
        topic = np.where(found.flags["follow_up"], -1, codes).astype(np.int32)
        kinds = patterns.kinds(looked.texts)
        ids = tuple(f"t-{name}" for name in names)
        sample = Sample(looked, topic, ids, names, found, self.thresholds, kinds=kinds)
        return replace(sample, **values)


def _changed(record: Record, columns: dict[str, object]) -> Record:
    values = {name: value(record) if callable(value) else value for name, value in columns.items()}
    return msgspec.structs.replace(record, **values)


def as_window(records: Sequence[Record]) -> Window:
    bare = window(records, read=read_responses)
    return replace(bare, vectors=Static().embed(bare.texts))


@pytest.fixture
def build() -> Callable[[Sequence[Record]], Window]:
    """Records to a window."""
    return as_window


@pytest.fixture
def world() -> Callable[..., World]:
    """A world without faults, of a seed."""
    return _world


def _world(seed: int = 0, *, sessions: int = 500, users: int = 250, hours: int = 48) -> World:
    rng = np.random.default_rng(seed)
    topics: dict[str, str] = {}
    records: list[Record] = []
    for session in range(sessions):
        start, user = START + int(rng.integers(hours * HOUR)), f"u{rng.integers(users)}"
        for turn, topic in enumerate(rng.permutation(list(SUBJECTS))[: rng.integers(1, 5)]):
            record = _turn(rng, f"s{session}-{turn}", start + turn * 60_000_000, str(topic))
            records.append(msgspec.structs.replace(record, session=f"s{session}", user=user))
            topics[record.id] = str(topic)
    return World(tuple(records), topics)


def _turn(rng: np.random.Generator, name: str, at: int, topic: str) -> Record:
    words = [str(word) for word in rng.permutation(SUBJECTS[topic].split())[:2]]
    form = FORMS[str(rng.choice(list(FORMS)))]
    return Record(
        id=name,
        occurred_at=at,
        query=form.format(*words),
        response=f"Here is all about {words[0]} and {words[1]}: take it slowly, then read the manual of the {topic}.",
        response_time=float(rng.lognormal(0.0, 0.3)),
        error=str(rng.choice(["timeout", "upstream"])) if rng.random() < 0.02 else None,
        feedback=float(rng.choice([-1, 1], p=[0.2, 0.8])) if rng.random() < 0.1 else None,
        level=float(np.clip(rng.normal(0.7, 0.08), 0, 1)),
        critics={"tone": float(rng.random()), "truth": float(rng.random())},
        model=str(rng.choice(["large", "small"])),
        tool=str(rng.choice(["search", "lookup", "none"])),
    )

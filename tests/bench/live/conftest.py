"""A stream of interactions whose volume and shares have a daily and a weekly rhythm, as columns, and its detector."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from kaizen_worker.pipeline.live.arrivals import Arrivals
from kaizen_worker.pipeline.live.baseline import baseline
from kaizen_worker.pipeline.live.detector import Detector, begin, tests_of
from kaizen_worker.pipeline.live.evidence import bar
from kaizen_worker.types import Clusters, Coded, Window

DAY = 86_400
START = 20_454 * DAY  # a Thursday
UNASSIGNED = 0.05
DIMENSION = 48
WORDINGS = 4_000  # of what is in no topic
WAYS = 4  # wordings of a topic
NEW = 200  # wordings of a subject that is not there yet, behind those
PEOPLE = 20_000
BUDGET, CONFIDENCE = 0.1, 0.7


@dataclass(frozen=True)
class Rows:
    """n interactions, by time."""

    second: np.ndarray
    topic: np.ndarray  # -1 for none
    text: np.ndarray  # for those in none
    error: np.ndarray
    time: np.ndarray
    asker: np.ndarray

    def __len__(self):
        return len(self.second)

    def part(self, rows):
        return Rows(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @staticmethod
    def joined(parts):
        return Rows(*(np.concatenate([getattr(one, name) for one in parts]) for name in Rows.__dataclass_fields__))


@dataclass
class World:
    """What is asked, by whom, how often."""

    seed: int
    topics: int = 200
    rng: np.random.Generator = field(init=False)

    def __post_init__(self):
        self.rng = rng = np.random.default_rng(self.seed)
        self.weight = 1 / (np.arange(self.topics) + 10.0)
        self.peak, self.height = rng.uniform(0, DAY, self.topics), rng.uniform(0, 0.6, self.topics)
        self.weekend = rng.uniform(0.6, 1.6, self.topics)
        self.error = rng.beta(1, 40, self.topics + 1)
        self.scale = rng.lognormal(0, 0.5, self.topics + 1)
        self.centroids = _unit(rng.normal(size=(self.topics, DIMENSION)))
        subjects = _unit(rng.normal(size=(400, DIMENSION)))
        subject = np.minimum(rng.zipf(1.6, WORDINGS) - 1, 399)
        self.wordings = _unit(subjects[subject] + 0.7 / np.sqrt(DIMENSION) * rng.normal(size=(WORDINGS, DIMENSION)))
        spread = 0.7 / np.sqrt(DIMENSION) * rng.normal(size=(self.topics * WAYS, DIMENSION))
        new = _unit(rng.normal(size=(1, DIMENSION))) + 0.7 / np.sqrt(DIMENSION) * rng.normal(size=(NEW, DIMENSION))
        self.vectors = _unit(np.concatenate((self.centroids.repeat(WAYS, axis=0) + spread, self.wordings, new)))

    def shares(self, second):
        """Of the topics at a time, (k,)."""
        daily = 1 + self.height * np.cos(2 * np.pi * (second - self.peak) / DAY)
        weekly = np.where(second // DAY % 7 >= 5, self.weekend, 1.0)
        weights = self.weight * daily * weekly
        return weights / weights.sum()

    def volume(self, second):
        """Of its mean: by night a quarter of the day, at the weekend half of the week."""
        daily = 1 - 0.6 * np.cos(2 * np.pi * (second % DAY) / DAY)
        return daily * np.where(second // DAY % 7 >= 5, 0.58, 1.17)

    def talk(self, start, seconds, rate, *, steps=24):
        """What comes in so many seconds, at so many a second on average."""
        parts = []
        width = seconds / steps
        for step in range(steps):
            begins = start + step * width
            number = self.rng.poisson(rate * width * self.volume(begins))
            parts.append(self._some(number, begins, width))
        rows = Rows.joined(parts)
        return rows.part(np.argsort(rows.second, kind="stable"))

    def _some(self, number, begins, width):
        rng = self.rng
        topic = rng.choice(self.topics, size=number, p=self.shares(begins))
        topic[rng.random(number) < UNASSIGNED] = -1
        busy = 1 + 0.15 * np.cos(2 * np.pi * (begins % DAY) / DAY)
        return Rows(
            second=(begins + rng.random(number) * width).astype(np.int64),
            topic=topic.astype(np.int32),
            text=rng.integers(WORDINGS, size=number),
            error=rng.random(number) < self.error[topic] * busy,
            time=self.scale[topic] * busy * rng.lognormal(0, 0.5, number),
            asker=rng.integers(PEOPLE, size=number),
        )

    def baseline(self, rows):
        """What a cycle finds usual in them, with the code it does so."""
        n, k = len(rows), self.topics
        text = np.where(rows.topic >= 0, rows.topic * WAYS + rows.asker % WAYS, k * WAYS + rows.text).astype(np.int32)
        texts = tuple(f"text {index}" for index in range(len(self.vectors)))
        none = Coded(np.full(n, -1, np.int32), ())
        window = Window(
            ids=tuple(map(str, range(n))),
            occurred_at=rows.second * 1_000_000,
            text=text,
            texts=texts,
            vectors=self.vectors,
            session=none,
            user=Coded(rows.asker.astype(np.int32), tuple(map(str, range(PEOPLE)))),
            response_time=rows.time,
            error=replace(none, codes=np.where(rows.error, 0, -1).astype(np.int32), names=("timeout",)),
            feedback=np.empty(0),
            level=np.empty(0),
            accepted=np.empty(0),
            critics={},
            answers={},
            model=none,
            tool=none,
            entry_ids=(),
        )
        clusters = Clusters(np.empty(0, np.int32), self.centroids, np.empty(0, np.int32), 0.5)
        ids = [f"t{code}" for code in range(k)]
        return baseline(window, rows.topic, clusters, named=(ids, ids))


def _unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class Watched:
    """A detector that is fed rows, and what it raised: (second, kind, place)."""

    def __init__(self, world, usual):
        self.world, self.cycle, self.alarms = world, 0, []
        self.detector = Detector(usual, begin("0", usual))
        self.bar = bar(tests_of(world.topics), budget=BUDGET, confidence=CONFIDENCE)

    def go_on(self, usual):
        """A cycle has found what is usual now."""
        self.cycle += 1
        self.detector = Detector(usual, begin(str(self.cycle), usual, old=self.detector.state))

    def feed(self, rows):
        """All of them, each second a batch."""
        edges = np.flatnonzero(np.diff(rows.second)) + 1
        starts = np.concatenate(([0], edges)) if len(rows) else edges
        for start, stop in zip(starts.tolist(), [*edges.tolist(), len(rows)], strict=True):
            self.batch(rows.part(slice(start, stop)))

    def batch(self, rows):
        """Rows of one second."""
        what = np.where(rows.topic >= 0, rows.topic, self.world.topics + rows.text)
        loose = rows.text[rows.topic < 0]
        names = [""] * len(rows)
        batch = Arrivals(
            second=int(rows.second[0]),
            ids=names,
            texts=names,
            topic=rows.topic,
            error=rows.error,
            time=rows.time,
            pairs=((what * PEOPLE + rows.asker) * 2654435761 % 2**32).astype(np.uint32),
            askers=rows.asker.astype(np.uint32),
            errors=names,
        )
        self.detector.observe(batch, self.world.vectors[self.world.topics * WAYS + loose])
        for alarm in self.detector.alarms(self.bar):
            self.alarms.append((batch.second, alarm.kind, alarm.place))
            self.detector.settle(alarm, told=True)


@pytest.fixture(scope="session")
def live():
    """The tools above, by name."""
    return SimpleNamespace(World=World, Watched=Watched, Rows=Rows, DAY=DAY, START=START, WORDINGS=WORDINGS, NEW=NEW)

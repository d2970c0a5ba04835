"""A week of interactions of three topics in as many directions, and the columns of what arrives."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from kaizen_api.schema import Record
from kaizen_worker.pipeline.live.arrivals import arrivals
from kaizen_worker.pipeline.live.baseline import baseline
from kaizen_worker.pipeline.signals import read_responses
from kaizen_worker.pipeline.window import window
from kaizen_worker.types import Clusters

DAY = 86_400
MONDAY = 20_458 * DAY
TOPICS = ("one", "two", "three")
DIMENSION = 16


def direction(text):
    """Texts that begin alike lie near to each other; each subject has a direction of its own."""
    subject, _, wording = text.partition(" ")
    places = [*TOPICS, "noise", "rare", "odd", "strange"]
    vector = np.zeros(DIMENSION, np.float32)
    vector[places.index(subject)] = 1.0
    vector[len(places) + len(wording) % 8] = 0.4
    return vector / np.linalg.norm(vector)


def vectors(texts):
    return np.array([direction(text) for text in texts], np.float32).reshape(len(texts), DIMENSION)


def record(number, text, second, **fields):
    return Record(id=f"i{number}", occurred_at=second * 1_000_000, query=text, user=f"u{number}", **fields)


def week(*, number=20_000, seed=0):
    """`two` is asked by day alone, `three` errs and is slow more than the others."""
    draw = np.random.default_rng(seed)
    for index in range(number):
        second = MONDAY + int(draw.integers(7 * DAY))
        by_day = 8 <= second % DAY // 3600 < 20
        subject = str(draw.choice([*TOPICS, "noise"], p=[0.4, 0.2, 0.3, 0.1] if by_day else [0.6, 0.0, 0.3, 0.1]))
        odd = subject == "three"
        yield record(
            index,
            f"{subject} {'x' * int(draw.integers(8))}",
            second,
            response_time=float(draw.lognormal(odd, 0.3)),
            error="timeout" if draw.random() < (0.1 if odd else 0.01) else None,
        )


def usual(records):
    """The baseline of some records."""
    bare = window(records, read=read_responses)
    seen = replace(bare, vectors=vectors(bare.texts))
    centroids = vectors([f"{topic} " for topic in TOPICS])
    clusters = Clusters(np.empty(0, np.int32), centroids, np.empty(0, np.int32), 0.8)
    codes = {topic: code for code, topic in enumerate(TOPICS)}
    topic = np.array([codes.get(seen.texts[text].split(" ")[0], -1) for text in seen.text], np.int32)
    return baseline(seen, topic, clusters, named=(TOPICS, [topic.title() for topic in TOPICS]))


def batch(records, second, baseline):
    """Records as they arrive in a second, with their vectors."""
    names = [record.query.split(" ")[0] for record in records]
    topics = [name if name in TOPICS else None for name in names]
    found = arrivals(records, topics, at=second * 1000, place=baseline.place)
    return found, vectors(found.unassigned)


@pytest.fixture(scope="session")
def desk():
    """The tools above, and what is usual in a week."""
    whole = usual(week())
    return SimpleNamespace(usual=whole, usual_of=usual, week=week, record=record, batch=batch, MONDAY=MONDAY, DAY=DAY)

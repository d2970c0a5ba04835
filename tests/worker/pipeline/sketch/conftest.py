"""Logs of random interactions about five topics, as columns."""

import numpy as np
import pytest

from kaizen_worker.pipeline.sketch import OUTCOMES, sketches
from kaizen_worker.types import Coded, Signals, Window

TOPICS = 5
START = 1_760_000_000_000_000


def halves(random, count, dimension):
    rows = random.normal(size=(count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def coded(random, names, count):
    """A quarter is not known; the names of one column are those of others too."""
    codes = np.maximum(random.integers(-(names // 3) - 1, names, count), -1).astype(np.int32)
    return Coded(codes, tuple(f"{n:06d}" for n in range(names)))


def make_log(count, *, texts, users, seed=0, vectors=None):
    """A window with signals and topics; some users, sessions and times are not known, some rows are noise."""
    random = np.random.default_rng(seed)
    absent = np.full(count, np.nan)
    window = Window(
        ids=tuple(f"i{n}" for n in range(count)),
        occurred_at=START + np.sort(random.integers(0, 10**12, count)),
        text=np.minimum(random.zipf(1.3, count) - 1, texts - 1).astype(np.int32),
        texts=tuple(f"{n:05d} how do I reset it?" for n in range(texts)),
        vectors=halves(random, texts, 16) if vectors is None else vectors,
        session=coded(random, users * 2, count),
        user=coded(random, users, count),
        response_time=np.where(random.random(count) < 0.8, random.lognormal(0, 1.5, count), np.nan),
        error=Coded(np.full(count, -1, np.int32), ()),
        feedback=absent,
        level=absent,
        accepted=absent,
        critics={},
        answers={},
        model=Coded(np.full(count, -1, np.int32), ()),
        tool=Coded(np.full(count, -1, np.int32), ()),
        entry_ids=((),) * count,
    )
    flags = {name: random.random(count) < 0.1 for name in (*OUTCOMES, "follow_up")}
    topics = (window.text % (TOPICS + 1) - 1).astype(np.int32)
    return window, Signals(flags, random.random(count), {}), topics


@pytest.fixture(scope="session")
def log():
    """Makes a window with signals and topics, some of its rows noise."""
    return make_log


@pytest.fixture(scope="session")
def small():
    return make_log(1200, texts=300, users=150)


@pytest.fixture(scope="session")
def known(small):
    """The sketches of the five topics of the small log."""
    return sketches(*small, count=TOPICS)

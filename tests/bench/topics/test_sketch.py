"""Sketches of a large window: time and memory to build them, their size, and merging those of a thousand shards."""

import time
import tracemalloc

import numpy as np
import pytest

from kaizen_worker.pipeline.sketch import OUTCOMES, encode, merged, sketches
from kaizen_worker.types import Coded, Signals, Window

INTERACTIONS = 1_000_000
TEXTS = 300_000
TOPICS = 200
DIMENSION = 384
SHARDS = 1000


@pytest.mark.timeout(1200)
def test_a_million_interactions():
    log = large_log(np.random.default_rng(0))
    started = time.perf_counter()
    whole = sketches(*log, count=TOPICS)
    built = time.perf_counter() - started
    rows = np.random.default_rng(1).permutation(INTERACTIONS)
    shards = [sketches(*log, count=TOPICS, rows=part) for part in np.array_split(rows, SHARDS)]
    started = time.perf_counter()
    again = merged(shards)
    joined = time.perf_counter() - started
    assert [encode(one) for one in again] == [encode(one) for one in whole]
    sizes = [len(encode(one)) for one in whole]
    tracemalloc.start()
    sketches(*log, count=TOPICS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"\n{INTERACTIONS} interactions, {TOPICS} topics, {DIMENSION} dimensions: {built:.1f} s, {peak / 1e6:.0f} MB")
    print(f"bytes of a sketch: {np.median(sizes):.0f} (at most {max(sizes)}), {sum(sizes) / 1e6:.2f} MB for all")
    print(f"{SHARDS} shards x {TOPICS} topics merged: {joined:.2f} s")


def large_log(random):
    """A window with signals and topics, sizes as 1, 1/2, 1/3 …"""
    shares = 1 / np.arange(1, TOPICS + 1)
    of_text = random.choice(TOPICS, TEXTS, p=shares / shares.sum()).astype(np.int32)
    vectors = np.empty((TEXTS, DIMENSION), np.float16)
    for start in range(0, TEXTS, 10_000):
        rows = random.normal(size=(min(10_000, TEXTS - start), DIMENSION))
        vectors[start : start + len(rows)] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    text = random.integers(0, TEXTS, INTERACTIONS).astype(np.int32)
    none, unknown = Coded(np.full(INTERACTIONS, -1, np.int32), ()), np.full(INTERACTIONS, np.nan)
    window = Window(
        ids=tuple(f"interaction-{n}" for n in range(INTERACTIONS)),
        occurred_at=np.arange(INTERACTIONS) * 1000,
        text=text,
        texts=tuple(f"{n:06d} how do I reset the PIN of my card?" for n in range(TEXTS)),
        vectors=vectors,
        session=Coded(random.integers(-1, 400_000, INTERACTIONS).astype(np.int32), tuple(map(str, range(400_000)))),
        user=Coded(random.integers(-1, 100_000, INTERACTIONS).astype(np.int32), tuple(map(str, range(100_000)))),
        response_time=random.lognormal(0, 1, INTERACTIONS),
        error=none,
        feedback=unknown,
        level=unknown,
        accepted=unknown,
        critics={},
        answers={},
        model=none,
        tool=none,
        entry_ids=((),) * INTERACTIONS,
    )
    flags = {name: random.random(INTERACTIONS) < 0.1 for name in (*OUTCOMES, "follow_up")}
    return window, Signals(flags, random.random(INTERACTIONS), {}), of_text[text]

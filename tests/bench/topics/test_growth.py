"""How clustering grows from ten thousand texts to a million, and how long live assignment takes.

    python -m pytest -q -s tests/bench/topics/test_growth.py

Memory is what a process has beyond the vectors and texts that it was given. Anchored is a recluster, which compares the
texts with the last topics too.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kaizen_worker.pipeline.assignment import assign
from kaizen_worker.pipeline.cluster.views import unit
from kaizen_worker.types import Clusters

SIZES = (10_000, 31_600, 100_000, 316_000, 1_000_000)
QUERIES, TOPICS = 1_000, 2_000
ROUNDS = 20
FORM = "{:>9}  {:>7} {:>7}  {:>9} {:>9}  {:>6} {:>6} {:>10}"


@pytest.mark.timeout(3600)
def test_growth():
    print("\n" + FORM.format("texts", "CPU", "MB", "anchored", "MB", "topics", "ARI", "noise seen"))
    rows = []
    for size in SIZES:
        of = fresh(size)
        rows.append([of[way][name] for way in ("fresh", "anchored") for name in ("cpu", "beyond")])
        figures = [f"{value:.{digits}f}" for value, digits in zip(rows[-1], (1, 0, 1, 0), strict=True)]
        print(FORM.format(size, *figures, of["found"], f"{of['ari']:.3f}", f"{of['shut_out']:.3f}"), flush=True)
        assert of["ari"] > 0.9
    slopes = np.polyfit(np.log(SIZES), np.log(rows), 1)[0]
    steepest = np.max(np.diff(np.log(rows), axis=0) / np.diff(np.log(SIZES))[:, None], axis=0)
    print(FORM.format("slope", *[f"{slope:.2f}" for slope in slopes], "", "", "") + "  aim 1.1 at most, log-log")
    print(FORM.format("steepest", *[f"{slope:.2f}" for slope in steepest], "", "", "") + "  between two sizes")
    assert max(slopes) <= 1.1
    assert max(rows[-1][1], rows[-1][3]) < 2_000


def fresh(size):
    """What `planted.py` says, with `beyond`, MB more at the peak than before the call."""
    command = [sys.executable, Path(__file__).with_name("planted.py"), str(size)]
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=True, stdout=subprocess.PIPE)
    of = json.loads(done.stdout)
    for way in (of["fresh"], of["anchored"]):
        way["beyond"] = (way["peak"] - way["before"]) / 1e6
    return of


def test_live_assignment():
    random = np.random.default_rng(0)
    means = unit(random.normal(size=(TOPICS, 384)))
    asked = random.integers(TOPICS, size=QUERIES)
    queries = unit(means[asked] + 0.9 * random.normal(size=(QUERIES, 384)) / np.sqrt(384))
    none = np.full(TOPICS, -1, np.int32)
    topics = Clusters(np.empty(0, np.int32), means, none, 0.3, none)
    assert (assign(queries, topics) == asked).mean() > 0.99
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assign(queries, topics)
        times.append(1e3 * (time.perf_counter() - began))
    print(f"\n{QUERIES} queries to {TOPICS} topics: best {min(times):.1f} ms, median {np.median(times):.1f} (aim 50)")

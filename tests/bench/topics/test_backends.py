"""Backends beside numpy on the same rows: how much alike their answers are, and their times as a ratio in one run.

    KAIZEN_DATA=... python -m pytest -q -s tests/bench/topics/test_backends.py

PyTorch on the CPU shows that the seam is right, not that it is fast: that takes a device.
"""

import time

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from kaizen_worker.engine.backends import choose
from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.backend import NUMPY
from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.cluster.neighbours import nearest_rows
from kaizen_worker.pipeline.cluster.views import unit

ROUNDS = 3
SETS = ("banking77", "hwu64", "clinc150")


@pytest.fixture(scope="module")
def other():
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'kaizen[gpu]'")
    return choose("torch").backend


def test_products(other):
    rows = crowd(20_000)
    means = unit(rows[:2_000])
    here, there, ratio = beside(lambda backend: nearest(rows, means, backend=backend), other)
    apart = np.abs(here[1] - there[1]).max()
    print(f"\n20,000 x 384 to 2,000 centroids, {other.name} on {other.device}: time x {ratio:.2f} of numpy's,")
    print(f"  same centroid {(here[0] == there[0]).mean():.5%}, cosines apart by at most {apart:.1e}")
    some = rows[:8_000]
    near, others, ratio = beside(lambda backend: nearest_rows(some, 32, backend=backend), other)
    shared = np.mean([len(set(one) & set(two)) / 32 for one, two in zip(near.tolist(), others.tolist(), strict=True)])
    print(
        f"32 nearest of 8,000: time x {ratio:.2f}, neighbours shared {shared:.5%}, same place {same(near, others):.5%}"
    )
    assert apart < 1e-5
    assert shared > 0.999


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("name", SETS)
def test_clustering(read, other, name):
    of = read(name)
    texts, vectors = of.texts, of.vectors
    weights = np.ones(len(texts), dtype=np.int64)
    here, there = (cluster(vectors, texts, weights=weights, seed=0, backend=each) for each in (NUMPY, other))
    alike = adjusted_rand_score(here.labels, there.labels)
    joined = same(*(nearest(vectors, here.centroids, backend=each)[0] for each in (NUMPY, other)))
    print(f"\n{name}, {len(texts)} texts: {len(here.centroids)} and {len(there.centroids)} topics, ARI {alike:.4f},")
    print(f"  same label {same(here.labels, there.labels):.4%}; assigned to the same centroids alike {joined:.4%}")
    assert alike > 0.99


def crowd(number):
    """Unit rows (number, 384) around 300 directions."""
    draw = np.random.default_rng(0)
    means = draw.normal(size=(300, 384))
    return unit(means[draw.integers(300, size=number)] + 1.2 * draw.normal(size=(number, 384)))


def beside(run, other):
    """What numpy gives, what the other gives, and the other's time as a multiple: the best of some turns each."""
    results, times = {}, {NUMPY.name: [], other.name: []}
    for _ in range(ROUNDS):
        for backend in (NUMPY, other):
            began = time.perf_counter()
            results[backend.name] = run(backend)
            times[backend.name].append(time.perf_counter() - began)
    return results[NUMPY.name], results[other.name], min(times[other.name]) / min(times[NUMPY.name])


def same(one, two):
    return (one == two).mean()

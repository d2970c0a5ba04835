"""The seam of the devices: a library that knows the standard alone, a device of its own, and the real ones if present.

Cosines agree within `TOLERANCE`; labels and neighbours agree unless the candidates are nearer to each other than that.
"""

from dataclasses import replace

import array_api_strict as strict
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from kaizen_worker.engine.backends import choose
from kaizen_worker.pipeline.assignment import assign, nearest
from kaizen_worker.pipeline.backend import NUMPY, Backend
from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.cluster.neighbours import nearest_rows
from kaizen_worker.pipeline.cluster.views import unit

TOLERANCE = 1e-5
ELSEWHERE = strict.Device("device1")  # whose arrays numpy cannot read, as it cannot read a graphics card's

STANDARD = Backend(
    name="standard",
    device=str(ELSEWHERE),
    space=strict,
    put=lambda rows: strict.asarray(rows, device=ELSEWHERE, copy=True),
    get=lambda array: np.from_dlpack(array, device="cpu"),
    top=lambda cosines, count: strict.argsort(cosines, axis=1)[:, -count:],
)
SEARCHING = replace(NUMPY, name="a search of its own", knn=NearestNeighbors)


def torch():
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'kaizen[gpu]'")
    pytest.importorskip("array_api_compat")
    return choose("torch").backend


@pytest.fixture(params=["standard", "search", "torch"])
def backend(request):
    return {"standard": lambda: STANDARD, "search": lambda: SEARCHING, "torch": torch}[request.param]()


def cloud(sizes, *, dimension=96, scatter=0.9, seed=0):
    """Unit rows around one direction for each size, and sorted texts."""
    draw = np.random.default_rng(seed)
    means = draw.normal(size=(len(sizes), dimension)) / np.sqrt(dimension)
    rows = np.repeat(means, sizes, axis=0) + scatter * draw.normal(size=(sum(sizes), dimension)) / np.sqrt(dimension)
    rows = rows[draw.permutation(len(rows))]
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    return rows, [f"text {number:06d}" for number in range(len(rows))]


def test_the_nearest_centroid_is_the_same_wherever_it_is_looked_for(backend):
    rows, _ = cloud([400] * 5)
    means = rows[:70].astype(np.float32)
    means.flags.writeable = False  # as those that come out of Redis
    codes, cosines = nearest(rows, means)
    there, near = nearest(rows, means, backend=backend)
    np.testing.assert_allclose(near, cosines, atol=TOLERANCE)
    two = np.sort(rows.astype(np.float32) @ means.T, axis=1)[:, -2:]
    assert (there == codes)[two[:, 1] - two[:, 0] > TOLERANCE].all()
    assert there.dtype == codes.dtype
    assert near.dtype == cosines.dtype


def test_of_equally_near_centroids_the_first_is_taken(backend):
    rows = np.eye(4, dtype=np.float32)
    assert nearest(rows, rows[[1, 0, 0, 1, 2, 3, 3]], backend=backend)[0].tolist() == [1, 0, 4, 5]


def test_the_nearest_rows_are_the_same_wherever_they_are_looked_for(backend):
    rows = unit(cloud([150] * 8)[0])
    here, there = nearest_rows(rows, 32), nearest_rows(rows, 32, backend=backend)
    assert there.dtype == here.dtype
    assert not (there == np.arange(len(rows))[:, None]).any()
    cosines = rows @ rows.T
    np.testing.assert_allclose(
        np.take_along_axis(cosines, there, axis=1), np.take_along_axis(cosines, here, axis=1), atol=TOLERANCE
    )


def test_a_row_is_never_its_own_neighbour_even_where_many_are_the_same(backend):
    rows = np.repeat(np.eye(3, dtype=np.float32), 40, axis=0)
    near = nearest_rows(rows, 20, backend=backend)
    assert not (near == np.arange(120)[:, None]).any()
    assert (near // 40 == (np.arange(120) // 40)[:, None]).all()
    assert all(len(set(own)) == 20 for own in near.tolist())
    assert nearest_rows(rows[:2], 20, backend=backend).tolist() == [[1], [0]]


def test_texts_get_the_same_topics_wherever_they_are_clustered(backend):
    rows, texts = cloud([100, 80, *[40] * 6])
    weights = np.ones(len(texts), dtype=np.int64)
    here = cluster(rows, texts, weights=weights, seed=0)
    there = cluster(rows, texts, weights=weights, seed=0, backend=backend)
    assert adjusted_rand_score(here.labels, there.labels) > 0.99
    assert len(here.centroids) > 5
    assert adjusted_rand_score(assign(rows, here), assign(rows, here, backend=backend)) > 0.99


def test_a_backend_gives_the_same_bits_in_any_order_company_and_number_of_threads(backend):
    rows, texts = cloud([60] * 7)
    weights = np.ones(len(texts), dtype=np.int64)
    first = cluster(rows, texts, weights=weights, seed=0, backend=backend)
    codes, cosines = nearest(rows, first.centroids, backend=backend)
    order = np.random.default_rng(1).permutation(len(rows))
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            again = cluster(rows[order], [texts[i] for i in order], weights=weights, seed=0, backend=backend)
            assert np.array_equal(again.labels, first.labels[order])
            assert np.array_equal(again.centroids, first.centroids)
            for part in (order, np.arange(100, 300), np.arange(1)):
                some = nearest(rows[part], first.centroids, backend=backend)
                assert np.array_equal(some[0], codes[part])
                assert np.array_equal(some[1], cosines[part])

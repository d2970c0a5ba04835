"""The rough products: never further from the true ones than they say, and what is found by them is what is there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_worker.knowledge.index import CANDIDATES, Index
from kaizen_worker.knowledge.scan import LEAST, Scan

D = 24


def drawn(seed, count, dimension=D, *, peaked=0.0):
    """Rows of unit length; `peaked` gives one number of each most of it."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((count, dimension))
    rows[np.arange(count), draw.integers(0, dimension, count)] += peaked
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)


@given(seed=st.integers(0, 2**32 - 1), peaked=st.sampled_from([0.0, 3.0, 50.0]), count=st.integers(1, 40))
def test_no_product_is_further_off_than_it_says(seed, peaked, count):
    rows = drawn(seed, count, peaked=peaked)
    scan = Scan(D)
    scan.place(dict(enumerate(rows)))
    rough, error = scan.products(rows[0], count)
    assert np.abs(rough - rows.astype(np.float64) @ rows[0]).max() <= error
    assert error <= 0.1  # and it says something


@pytest.mark.parametrize("dimension", [1, 384, 3072])
def test_the_greatest_and_smallest_numbers_leave_no_room(dimension):
    """Sums of bytes that are as large as they get, alike and opposite, in every length of vector."""
    row = np.full(dimension, dimension**-0.5, np.float32)
    scan = Scan(dimension)
    scan.place({0: row, 1: -row})
    rough, error = scan.products(row, 2)
    assert rough == pytest.approx([1, -1], abs=1e-3)
    assert error < 1e-3


def test_rows_without_a_vector_are_nought_and_a_new_one_takes_the_place_of_the_old():
    rows, scan = drawn(1, 2), Scan(D)
    scan.place({9_000: rows[0]})
    scan.place({9_000: rows[1]})
    rough, error = scan.products(rows[1], 9_002)
    assert len(rough) == 9_002
    assert rough[9_000] == pytest.approx(1, abs=error)
    assert not rough[:9_000].any()
    assert rough[9_001] == 0


@pytest.mark.parametrize("peaked", [0.0, 3.0])
def test_what_is_near_is_what_the_plain_products_say(peaked):
    count = LEAST + 500
    if count > 1_000_000:
        pytest.skip("the runtime has no kernel for bytes on this machine: the plain products are what is used")
    rows = drawn(3, count, peaked=peaked)
    rows[10:400] = rows[400]  # many alike, so that the hundredth is one of equals
    index = Index(D)
    index.change({f"e{row:06}": "a" for row in range(count)})
    index.place({f"e{row:06}": vector for row, vector in enumerate(rows)})
    index.change({}, removed=["e000400", "e000777"])
    view = index.view()
    for asked in (*drawn(4, 20), rows[400], rows[777]):
        hidden = [5, 12]
        true = np.einsum("ij,j->i", rows, asked)
        true[[*hidden, 400, 777]] = -1
        wanted = np.lexsort((np.arange(count), -true))[:CANDIDATES]
        assert view._near(asked, count=CANDIDATES, without=hidden) == wanted[true[wanted] > 0].tolist()

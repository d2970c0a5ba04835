import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from kaizen_worker.pipeline.gaps.share import share


def _share(hits, count, per_person=1):
    return share((np.arange(count) < hits).astype(float), np.arange(count, dtype=np.int32) // per_person)


@given(st.integers(8, 60), st.data())
def test_of_people_who_ask_once_it_is_the_exact_binomial(count, data):
    hits = data.draw(st.integers(0, count))
    one = _share(hits, count)
    exact = binomtest(hits, count, 0.2, alternative="greater").pvalue
    assert one.above(0.2) == pytest.approx(exact, rel=0.5, abs=1e-6)
    assert one.people == hits
    low, high = binomtest(hits, count).proportion_ci(method="exact")
    told = one.beyond(0.1)
    assert (told.low, told.high) == (pytest.approx(low - 0.1, abs=0.02), pytest.approx(high - 0.1, abs=0.02))


def test_questions_of_one_person_count_less():
    alone, together = _share(20, 40), _share(20, 40, per_person=10)
    assert together.trials < alone.trials / 4
    assert together.above(0.2) > alone.above(0.2)
    assert together.people == 2


def test_certainty_grows_with_the_questions():
    assert _share(30, 60).above(0.2) < _share(10, 20).above(0.2) < 0.05
    assert _share(0, 20).above(0.2) == 1.0
    assert _share(20, 20).beyond(0.0).high == 1.0

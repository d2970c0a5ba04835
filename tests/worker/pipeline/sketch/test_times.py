import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_worker.pipeline.sketch.times import ACCURACY, BINS, SHORTEST, count_times, quantile


@given(st.lists(st.floats(0, 86_400), min_size=1, max_size=50), st.floats(0, 1))
@settings(max_examples=300, deadline=None)
def test_a_quantile_of_times_is_within_its_error(times, share):
    exact = float(np.sort(times)[int(share * (len(times) - 1))])
    found = quantile(count_times(np.array([*times, np.nan])), share)
    assert found == 0.0 if exact <= SHORTEST else abs(found - exact) <= (ACCURACY + 1e-9) * exact


def test_without_times_there_is_no_quantile_and_every_time_has_a_bin():
    assert quantile(count_times(np.array([np.nan, np.nan])), 0.5) is None
    assert count_times(np.array([0.0, 86_400.0])).nonzero()[0].tolist() == [0, BINS - 1]
    assert count_times(np.array([1e9]))[BINS - 1] == 1

import numpy as np
import pytest

from kaizen_worker.pipeline.sketch.distinct import KEPT, distinct, hashes, lowest


def test_few_are_counted_exactly_and_many_within_the_error_that_is_said():
    for count in (0, 1, 7, KEPT - 1, KEPT):
        assert distinct(lowest(hashes(f"{n}" for n in range(count)))) == pytest.approx(count, rel=0.1)
    assert distinct(lowest(hashes(f"{n % 1000}" for n in range(5000)))) == 1000
    errors = [distinct(lowest(hashes(f"{seed} {n}" for n in range(5000)))) / 5000 - 1 for seed in range(200)]
    assert abs(np.mean(errors)) < 0.01
    assert np.std(errors) < 1.15 / np.sqrt(KEPT - 2)
    assert max(map(abs, errors)) > 0.005  # an estimate after all

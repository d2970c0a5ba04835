import numpy as np
import pytest
from scipy.stats import false_discovery_control, norm

from kaizen_worker.pipeline.findings.multiplicity import confidences, q_values


def test_q_values_are_benjamini_and_hochbergs():
    p_values = np.random.default_rng(0).random(50) ** 3
    assert q_values(p_values, 50) == pytest.approx(false_discovery_control(p_values))


def test_hypotheses_without_a_finding_count_as_one():
    p_values = np.array([0.001, 0.02])
    padded = np.concatenate((p_values, np.ones(38)))
    assert q_values(p_values, 40) == pytest.approx(false_discovery_control(padded)[:2])


def test_confidence_falls_with_p_and_is_none_where_the_rate_is_too_high():
    p_values = np.array([1e-12, 1e-6, 1e-4, 0.04])
    found = confidences(p_values, 200, worth=0.05)
    assert found[0] > 0.99
    assert 1 > found[0] >= found[1] > found[2] > found[3] == 0.0
    assert confidences(np.array([1e-4]), 1000, worth=0.05)[0] == 0.0


def test_nothing_tested_is_nothing_found():
    assert confidences(np.array([]), 0, worth=0.05).tolist() == []


def test_it_is_as_often_right_as_it_says():
    """Findings of about 80 % are real in at least that share, when one hypothesis in five is true."""
    rng = np.random.default_rng(0)
    said, real = [], []
    for _ in range(300):
        true = rng.random(100) < 0.2
        p_values = norm.sf(rng.normal(size=100) + 3.0 * true)
        worth = p_values <= 0.05
        said.extend(confidences(p_values[worth], 100, worth=0.05))
        real.extend(true[worth])
    said, real = np.array(said), np.array(real)
    for low, high in ((0.6, 0.8), (0.8, 0.9), (0.9, 1.0)):
        inside = (said >= low) & (said < high)
        assert inside.sum() > 50
        assert real[inside].mean() >= said[inside].mean() - 0.05
    assert real[said > 0].mean() > 0.93

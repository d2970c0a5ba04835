"""How numbers are said."""

import pytest

from kaizen_api.figures import critic

OF = {"weight": 0.0, "auc": 0.512, "failed": 30, "succeeded": 200, "by": "ratings"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "does not predict which answers fail: weight 0 (AUC 0.51, 30 failures and 200 successes by ratings)"),
        ({"weight": 0.923, "auc": 0.78}, "predicts which answers fail: weight 0.92 (AUC 0.78, 30 failures"),
        ({"by": "next_turn"}, "200 successes by what users did next)"),
        ({"auc": None}, "too few outcomes are known to say whether it predicts"),
    ],
)
def test_a_score_is_told_in_plain_words(changed, said):
    told = critic("polite", {**OF, **changed})
    assert told.startswith("polite")
    assert said in told

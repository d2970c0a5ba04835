"""How numbers are said."""

import pytest

from kaizen_api.figures import FEW, critic, critics

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


@pytest.mark.parametrize(("unknown", "lines"), [(FEW, FEW + 1), (FEW + 1, 2)])
def test_many_scores_of_which_nothing_is_known_are_one_line(unknown, lines):
    told = critics({"kind": OF, **{f"day {number}": {**OF, "auc": None} for number in range(unknown)}})
    assert (len(told), told[0].startswith("kind")) == (lines, True)

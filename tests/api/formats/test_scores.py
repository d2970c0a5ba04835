"""Scores of other tools become feedback and critics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_api.formats.scores import Score, fields_of, finite


def told(scores):
    values = {}
    for score in scores:
        if score.value is not None:
            values.setdefault(score.name, []).append(score.value)
    fields = fields_of(scores, lambda name: (min(values[name]), max(values[name])))
    return {name: value for name, value in fields.items() if value is not None}


def feedback(value, others=(), name="user-feedback"):
    """What one score says beside others of its name in the same log."""
    bounds = (min(value, *others), max(value, *others)) if others else (value, value)
    return fields_of([Score(name, value)], lambda _: bounds)["feedback"]


@pytest.mark.parametrize(
    ("value", "others", "expected"),
    [
        (1, [0], 1.0),
        (0, [1], -1.0),
        (0, [], -1.0),
        (1, [], 1.0),
        (0.25, [1], -0.5),
        (-1, [1], -1.0),
        (0, [-1], 0.0),
        (0.5, [-1], 0.5),
        (1, [5], -1.0),
        (3, [5], 0.0),
        (4, [1], 0.5),
        (5, [0], 1.0),
        (0, [4], -1.0),
        (5, [10], 0.0),
        (75, [0], 0.5),
    ],
)
def test_the_scale_is_read_from_all_values_of_a_name(value, others, expected):
    assert feedback(value, others) == expected


def test_stars_are_stars_even_where_all_are_one():
    assert feedback(1, name="stars") == -1.0
    assert feedback(1, name="CSAT score") is None, "no name of feedback, so a critic"
    assert told([Score("CSAT score", 1)]) == {"critics": {"CSAT score": 0.0}}


@pytest.mark.parametrize(
    ("label", "expected"),
    [("thumbs-up", 1.0), ("Thumbs Down", -1.0), ("👎", -1.0), ("neutral", 0.0), ("True", 1.0), ("false", -1.0)],
)
def test_words_speak_before_numbers(label, expected):
    assert told([Score("user feedback", 0.3, label)]) == {"feedback": expected}


@pytest.mark.parametrize(("value", "expected"), [(1, {"feedback": -1.0}), (0, {})])
def test_a_complaint_counts_against(value, expected):
    assert told([Score("thumbs_down", value)]) == expected


def test_other_names_are_critics_but_two():
    scores = [
        Score("tone", 0.5),
        Score("depth", None, "pass"),
        Score("accepted", 1),
        Score("consciousness_level", 0.25),
    ]
    assert told(scores) == {"critics": {"tone": 0.5, "depth": 1.0}, "accepted": True, "consciousness_level": 0.25}


def test_several_of_one_name_count_with_their_mean():
    assert told([Score("rating", 5), Score("rating", 2), Score("tone", 0.0), Score("tone", 1.0)]) == {
        "feedback": 0.25,
        "critics": {"tone": 0.5},
    }


def test_what_fits_no_scale_stays_readable():
    scores = [Score("tokens", 4096), Score("verdict", None, "weird"), Score("balance", -5)]
    assert told(scores) == {"metadata": {"score.tokens": 4096, "score.verdict": "weird", "score.balance": -5}}


@given(st.lists(st.builds(Score, st.sampled_from(["rating", "tone", "stars"]), st.floats(-200, 200)), max_size=8))
def test_nothing_leaves_its_range(scores):
    fields = told(scores)
    assert -1 <= fields.get("feedback", 0) <= 1
    assert all(0 <= value <= 1 for value in fields.get("critics", {}).values())


@pytest.mark.parametrize("value", [None, "text", float("nan"), float("inf"), "nan", 10**400, [], {}])
def test_what_is_no_finite_number_is_none(value):
    assert finite(value) is None


def test_texts_and_booleans_are_numbers_too():
    assert [finite(value) for value in ("0.5", True, 3)] == [0.5, 1.0, 3.0]

from kaizen_api.schema import Interval
from kaizen_worker.pipeline.findings.choice import merge, strongest
from kaizen_worker.types import Finding


def _finding(kind, strength, **subject):
    effect = Interval(estimate=0.1, low=0.05, high=0.2, unit="share")
    return Finding(kind, subject, "", "", 1e-9, effect, strength, (), 100, 50), 0.9


def test_strength_orders_and_the_limit_cuts():
    few, many = _finding("clarity", 0.1, topic="a"), _finding("reliability", 0.3, topic="b")
    assert strongest([few, many], 5) == [many, few]
    assert strongest([few, many], 1) == [many]


def test_a_second_statement_about_a_topic_waits():
    first, second = _finding("gap", 0.5, topic="a"), _finding("effectiveness", 0.45, topic="a")
    other = _finding("reliability", 0.3, topic="b")
    assert strongest([first, second, other], 3) == [first, other, second]


def test_ties_are_settled_by_what_is_said():
    one, other = _finding("clarity", 0.2, topic="a"), _finding("clarity", 0.2, topic="b")
    assert strongest([other, one], 2) == strongest([one, other], 2) == [one, other]


def test_a_risen_topic_is_not_also_a_grown_one():
    grown, large = (_finding("usage_cluster", 0.1, topic="a", share=share) for share in ("growing", "large"))
    risen = _finding("emerging", 0.1, topic="a")
    assert merge([grown, large, risen]) == [large, risen]
    assert merge([grown, _finding("emerging", 0.1, topic="b")])[0] == grown


def test_errors_with_one_model_are_not_also_those_of_the_topic():
    rate = _finding("reliability", 0.1, topic="a")
    pair = _finding("error_pattern", 0.1, error="timeout", topic="a", model="large")
    alone = _finding("error_pattern", 0.1, error="quota", topic="a")
    assert merge([rate, pair]) == [pair]
    assert merge([rate, pair, alone]) == [rate, pair, alone]
    assert merge([rate]) == [rate]

"""Every type is found where it was planted, and nowhere else."""

import re
from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_struct

from kaizen_api.explanation import words
from kaizen_api.schema import INSIGHT_TYPES
from kaizen_worker.pipeline.findings import findings
from kaizen_worker.pipeline.gaps import find_gaps
from kaizen_worker.types import Thresholds

HOUR = 3_600_000_000
START = 1_760_000_000_000_000
REFUSED = "I'm sorry, but I don't have information about that."
UNCLEAR = "Could you please clarify what you mean?"


def _hour(record):
    return (record.occurred_at - START) / HOUR


def _said(sample, **options):
    return {(one.type, *sorted(one.subject.items())): one for one in findings(sample, **options)}


def _spread(record):
    return (sum(record.id.encode()) * 37 % 100) / 100


FAULTS = {
    ("performance", ("topic", "t-garden")): lambda world: world.change(
        "garden", response_time=lambda record: record.response_time * 14
    ),
    ("performance",): lambda world: world.change(response_time=lambda record: record.response_time * 3),
    ("reliability", ("topic", "t-violin")): lambda world: world.change("violin", share=0.9, error="timeout"),
    ("reliability",): lambda world: world.change(share=0.15, error="timeout"),
    ("reliability", ("answer", "empty")): lambda world: world.change(share=0.15, response=" "),
    ("reliability", ("answer", "empty"), ("topic", "t-violin")): lambda world: world.change(
        "violin", share=0.5, response=""
    ),
    ("error_pattern", ("error", "timeout"), ("topic", "t-violin")): lambda world: world.change(
        "violin", share=0.3, error="timeout"
    ),
    ("error_pattern", ("error", "quota"), ("model", "large")): lambda world: world.change(
        share=0.15, where=lambda record: record.model == "large", error="quota"
    ),
    ("error_pattern", ("error", "quota"), ("tool", "search"), ("topic", "t-baking")): lambda world: world.change(
        "baking", where=lambda record: record.tool == "search", error="quota"
    ),
    ("error_pattern", ("by", "time"), ("error", "upstream")): lambda world: world.change(
        share=0.5, where=lambda record: 30 < _hour(record) < 33, error="upstream"
    ),
    ("usage_pattern", ("kind", "question")): lambda world: world.change(
        share=0.7, query=lambda record: f"which is the {record.query}?"
    ),
    ("consciousness", ("topic", "t-baking")): lambda world: world.change(
        "baking", level=lambda record: record.level - 0.4
    ),
    ("consciousness",): lambda world: world.change(level=lambda record: record.level / 2),
    ("stability", ("topic", "t-baking")): lambda world: world.change("baking", level=_spread),
    ("stability",): lambda world: world.change(level=_spread),
    ("clarity", ("topic", "t-camera")): lambda world: world.change("camera", share=0.5, response=UNCLEAR),
    ("clarity",): lambda world: world.change(share=0.25, response=UNCLEAR),
    ("effectiveness", ("topic", "t-payroll")): lambda world: world.follow("payroll", "no, that's wrong", share=0.5),
    ("usage_cluster", ("share", "large"), ("topic", "t-weather")): lambda world: world.turn("", "weather", share=0.4),
    ("usage_cluster", ("share", "growing"), ("topic", "t-weather")): lambda world: world.turn(
        "", "weather", share=0.15, where=lambda record: _hour(record) > 24
    ),
    ("emerging", ("topic", "t-harbour")): lambda world: world.turn(
        "", "harbour", share=0.5, where=lambda record: 30 < _hour(record) < 35
    ),
}


@pytest.mark.parametrize("expected", FAULTS, ids=str)
def test_a_planted_fault_is_found_and_no_other_of_its_type(world, expected):
    said = _said(FAULTS[expected](world(1)).sample())
    assert expected in said
    assert said[expected].confidence > 0.9
    assert {key for key in said if key[0] == expected[0]} == {expected}


def test_empty_answers_are_told_as_such_and_are_no_gap(world):
    sample = world(1).change("violin", share=0.5, response="").sample()
    found = _said(sample, gaps=find_gaps(sample))["reliability", ("answer", "empty"), ("topic", "t-violin")]
    assert found.description.startswith("Answers are empty in ")
    assert "text is lost" in found.recommendation
    assert all("empty" in found.signs[one] for one in found.evidence)
    assert find_gaps(sample) == []


def test_a_log_of_nothing_but_empty_answers_says_so_once(world):
    said = _said(world(1).change(response="").sample())
    assert [key for key in said if ("answer", "empty") in key] == [("reliability", ("answer", "empty"))]


def test_an_empty_answer_beside_an_error_is_told_by_the_error_alone(world):
    said = _said(world(1).change(share=0.15, error="timeout", response="").sample())
    assert ("reliability",) in said
    assert not [key for key in said if ("answer", "empty") in key]


def test_a_gap_is_an_insight_with_its_diagnosis(world):
    sample = world(1).change("payroll", share=0.8, response=REFUSED).sample()
    gaps = find_gaps(sample)
    said = _said(sample, gaps=gaps)
    found = said["gap", ("topic", "t-payroll")]
    assert (found.topic, found.gap) == ("t-payroll", gaps[0].id)
    estimate, low, high = (
        f"{100 * getattr(found.effect, name):.{0 if abs(getattr(found.effect, name)) >= 0.095 else 1}f}"
        for name in ("estimate", "low", "high")
    )
    assert f"{estimate} points more of its questions are left unserved than of a served" in found.description
    assert f"(95 %: {low} to {high} points)" in found.description
    assert found.effect.low > 0.1
    assert not [key for key in _said(sample) if key[0] == "gap"]


def test_a_born_topic_is_news_when_it_came_late(world):
    early = world(1).turn("harbour", "violin", where=lambda record: _hour(record) < 30)
    late = early.turn("", "harbour", share=0.1, where=lambda record: _hour(record) >= 30)
    key = ("emerging", ("topic", "t-harbour"))
    found = _said(late.sample(born=frozenset({"t-harbour"})))[key]
    assert "is a new topic" in found.description
    assert found.effect.unit == "times"
    assert found.effect.low > 1
    assert key not in _said(world(1).sample(born=frozenset({"t-harbour"})))  # it was there all the time


def test_a_topic_that_burst_has_grown_and_is_said_once(world):
    late = world(1).turn("", "harbour", share=0.5, where=lambda record: _hour(record) > 42)
    said = _said(late.sample())
    assert ("emerging", ("topic", "t-harbour")) in said
    assert ("usage_cluster", ("share", "growing"), ("topic", "t-harbour")) not in said


def test_a_third_of_three_topics_is_not_large(world):
    three = world(1)
    for topic in ("baking", "camera", "garden", "harbour", "payroll"):
        three = three.turn(topic, "violin", share=0.5).turn(topic, "weather")
    three = three.turn("bicycle", "violin", share=0.2)
    sample = three.sample()
    assert sample.topic_ids == ("t-bicycle", "t-violin", "t-weather")
    assert not [key for key in _said(sample) if key[0] == "usage_cluster"]


def test_a_topic_of_one_kind_of_request_is_how_topics_are_found_and_no_news(world):
    questions = world(1).change("camera", query=lambda record: f"which camera has a {record.query.split()[-1]}?")
    assert not [key for key in _said(questions.sample()) if key[0] == "usage_pattern"]


def _numbers(text):
    """What a description measures and what it compares that with; in the unit of the text."""
    measured = re.findall(r"(\d+(?:\.\d+)?)(?: %| s)?(?: around [a-z ]+)? \((?:median; |average; )?95 %", text)
    other = re.search(r"(?:against|limit of|from) (\d+(?:\.\d+)?)", text)
    return float(measured[-1]), float(other[1])


@pytest.mark.parametrize("expected", FAULTS, ids=str)
def test_a_text_names_its_place_and_its_numbers_are_those_of_the_effect(world, expected):
    found = _said(FAULTS[expected](world(1)).sample())[expected]
    for name, value in found.subject.items():
        if name not in {"by", "share", "answer"}:
            assert f"'{value.removeprefix('t-')}'" in found.description, "whatever it is about"
    assert ("overall" in found.description) == (not {"topic", "model", "by"} & set(found.subject))
    assert f"{found.support} interactions of {found.users} users" in found.description
    effect = found.effect
    if effect.unit == "times":
        assert f"{effect.estimate:.1f} times (95 %: {effect.low:.1f} to {effect.high:.1f})" in found.description
    elif expected != ("usage_pattern", ("kind", "question")):  # over a half, which is no setting
        one, other = _numbers(found.description)
        scale, rounded = (100, 1.1) if effect.unit == "share" else (1, 0.11)
        sign = -1 if found.type == "consciousness" else 1  # the effect is how much lower it is
        assert sign * (one - other) == pytest.approx(scale * effect.estimate, abs=rounded)
        assert effect.low <= effect.estimate <= effect.high


def test_what_to_do_differs_by_type_and_place(world):
    advice = {key: _said(fault(world(1)).sample())[key].recommendation for key, fault in FAULTS.items()}
    assert len(set(advice.values())) == len(advice)
    for key, text in advice.items():
        places = [value.removeprefix("t-") for name, value in key[1:] if name in {"topic", "tool", "model"}]
        assert all(f"'{place}'" in text for place in places)
        assert text.endswith(".")
        assert len(text) < 200


@pytest.mark.parametrize("expected", FAULTS, ids=str)
def test_what_is_said_of_the_test_agrees_with_the_text(world, expected):
    found = _said(FAULTS[expected](world(1)).sample())[expected]
    against = words.against(found.type, found.subject)
    assert ("else" in against) == ("elsewhere" in found.description)
    if against == "its limit":
        assert "the limit of" in found.description
    assert words.test(found, None)
    assert found.chance.q_value >= found.chance.p_value
    assert found.chance.hypotheses > 100


def test_the_evidence_has_its_signs(world):
    broken = world(1).change("violin", share=0.3, error="timeout")
    found = _said(broken.sample())["reliability", ("topic", "t-violin")]
    assert set(found.signs) == set(found.evidence)
    assert all("error" in signs for signs in found.signs.values())


def test_every_type_can_be_reported():
    assert {key[0] for key in FAULTS} | {"gap", "regression"} == set(INSIGHT_TYPES)


def test_clean_worlds_report_nothing(world):
    reported = [seed for seed in range(40) if findings((sample := world(seed).sample()), gaps=find_gaps(sample))]
    assert len(reported) <= 2


def test_one_broken_user_is_no_finding(world):
    stuck = world(1, users=40)
    sessions = {record.session for record in stuck.records if record.user == "u7"}
    broken = stuck.change(
        where=lambda record: record.session in sessions, error="timeout", response_time=30.0, level=0.05
    )
    assert len([record for record in broken.records if record.error == "timeout"]) > 30
    assert _said(broken.sample()) == {}


def test_ids_and_order_do_not_depend_on_the_order_of_the_records(world):
    broken = world(2).change("garden", response_time=5.0).change("violin", share=0.3, error="timeout")
    one = findings(broken.sample())
    other = findings(replace(broken, records=broken.records[::-1]).sample())
    assert one == other
    assert len(one) >= 3
    assert all(re.fullmatch("i[0-9a-f]{16}", insight.id) for insight in one)
    assert len({insight.id for insight in one}) == len(one)


def test_the_same_finding_next_week_is_the_same_insight(world):
    def slow(seed):
        return {one.id for one in findings(world(seed).change("garden", response_time=5.0).sample())}

    assert slow(3) == slow(4) != set()


def test_descriptions_say_numbers_interval_comparison_and_basis(world):
    (found,) = findings(world(1).change("garden", response_time=lambda record: record.response_time * 4).sample())
    assert re.fullmatch(
        r"Response time in 'garden' is 4\.\d s \(median; 95 %: 3\.\d s to 4\.\d s\), against 0\.99 s elsewhere, over "
        r"the limit of 2\.0 s: 147 interactions of 113 users, \d+ of them over the limit\.",
        found.description,
    )
    assert (found.support, found.users) == (147, 113)
    assert found.effect.low < found.effect.estimate < found.effect.high
    assert found.effect.unit == "s"
    assert found.recommendation


def test_evidence_is_clear_and_of_different_people(world):
    broken = world(1).change("violin", share=0.3, error="timeout")
    found = _said(broken.sample())["reliability", ("topic", "t-violin")]
    cases = {record.id: record for record in broken.records}
    assert len(found.evidence) == 20
    assert {cases[one].error for one in found.evidence} <= {"timeout", "upstream"}
    assert len({cases[one].user for one in found.evidence}) == 20


def test_the_strongest_come_first_up_to_the_limit(world):
    broken = world(2).change("garden", response_time=9.0).change("violin", share=0.2, error="timeout")
    everything = findings(broken.sample())
    assert everything[0].type == "performance"
    assert findings(broken.sample(), limit=1) == everything[:1]
    few = replace(broken, thresholds=Thresholds(max_insights=2)).sample()
    assert findings(few) == everything[:2]


def test_confidence_is_no_constant_and_under_the_threshold_nothing_is_said(world):
    weak = world(1).change("violin", share=0.05, error="timeout")
    strong = world(1).change("violin", share=0.6, error="timeout")
    key = ("reliability", ("topic", "t-violin"))
    one, other = _said(weak.sample())[key], _said(strong.sample())[key]
    assert one.confidence < other.confidence
    strict = replace(weak, thresholds=Thresholds(confidence=0.99, max_insights=50))
    assert key not in _said(strict.sample())


def test_without_topics_what_is_general_is_still_found(world):
    sample = world(1).change(response_time=5.0).sample()
    bare = replace(sample, topic=sample.topic * 0 - 1, topic_ids=(), topic_names=())
    assert ("performance",) in _said(bare)


def test_an_empty_window_reports_nothing(world):
    sample = replace(world(1), records=()).sample()
    assert findings(sample, gaps=find_gaps(sample)) == []


def test_an_empty_knowledge_base_is_called_empty(world):
    sample = world(1).change("payroll", share=0.8, response="I'm sorry, but I don't have information.").sample()
    (gap,) = find_gaps(sample)
    (said,) = [one for one in findings(sample, gaps=[gap]) if one.type == "gap"]
    assert "the knowledge base is empty" in said.description
    covered = replace_struct(gap, coverage=0.1)
    (said,) = [one for one in findings(sample, gaps=[covered]) if one.type == "gap"]
    assert "nothing in the knowledge base covers it" in said.description


def test_a_low_model_is_neither_a_low_assistant_nor_an_unstable_one(world):
    low = world(1, sessions=1200).change(where=lambda record: record.model == "large", level=lambda r: r.level - 0.42)
    said = _said(low.sample())
    assert ("consciousness", ("model", "large")) in said
    assert ("consciousness",) not in said
    assert ("stability",) not in said


def test_a_topic_that_is_under_the_limit_only_by_a_low_model_is_not_low_itself(world):
    low = world(1, sessions=1200).change(where=lambda record: record.model == "large", level=lambda r: r.level - 0.42)
    lower = _said(low.change("violin", level=lambda record: record.level - 0.15).sample())
    assert ("consciousness", ("model", "large")) in lower
    assert ("consciousness", ("topic", "t-violin")) not in lower
    lowest = _said(low.change("violin", level=lambda record: record.level - 0.45).sample())
    assert ("consciousness", ("topic", "t-violin")) in lowest


def test_evidence_of_errors_shows_the_commonest_first(world):
    early = world(1).change("violin", share=0.5, where=lambda record: _hour(record) < 12, error="upstream")
    broken = early.change("violin", share=0.7, where=lambda record: _hour(record) >= 12, error="timeout")
    cases = {record.id: record.error for record in broken.records}
    found = _said(broken.sample())["reliability", ("topic", "t-violin")]
    assert "mostly timeout" in found.description
    assert {cases[one] for one in found.evidence} == {"timeout"}


def test_a_topic_that_is_asked_about_during_an_outage_does_not_fail_itself(world):
    def outage(record):
        return 30 < _hour(record) < 33

    asked = world(1, sessions=2000).turn("", "violin", share=0.4, where=outage)
    failing = asked.change(where=lambda record: outage(record) and _spread(record) < 0.5, error="upstream")
    said = _said(failing.sample())
    assert ("error_pattern", ("by", "time"), ("error", "upstream")) in said
    assert ("reliability", ("topic", "t-violin")) not in said
    assert ("error_pattern", ("error", "upstream"), ("topic", "t-violin")) not in said


def test_a_topic_that_is_asked_about_by_night_is_not_slow_where_the_night_is(world):
    def by_night(record):
        return _hour(record) % 24 < 4

    asked = world(1, sessions=2000).turn("", "garden", share=0.5, where=by_night)
    said = _said(asked.change(where=by_night, response_time=lambda record: record.response_time * 14).sample())
    assert ("performance", ("topic", "t-garden")) not in said


def test_a_burst_of_errors_in_one_topic_names_the_topic(world):
    sample = world(1, sessions=3000, hours=24 * 7)
    burst = sample.change("garden", where=lambda record: 60 < _hour(record) < 75, error="quota").sample()
    said = [key for key in _said(burst) if key[0] == "error_pattern"]
    assert said
    assert all(("topic", "t-garden") in key for key in said)


def test_one_wording_asked_a_thousand_times_is_one_witness(world):
    few = world(1, sessions=1000).change(share=0.7, query=lambda _: "which one is this?")
    assert ("usage_pattern", ("kind", "question")) not in _said(few.sample())


def test_a_low_score_alone_is_no_gap_of_rejected_answers(world):
    sample = world(1).change("payroll", level=lambda record: record.level - 0.5).sample()
    made = find_gaps(world(1).change("payroll", share=0.8, response=REFUSED).sample())
    rejected = [replace_struct(gap, diagnosis="stale") for gap in made]
    assert made
    assert not [key for key in _said(sample, gaps=rejected) if key[0] == "gap"]


SLOW_GARDEN = {"response_time": lambda record: record.response_time * 14}
NAMELESS = {"user": None, "session": None}


def test_a_log_without_ids_is_told_of_by_interactions(world):
    found = _said(world(1).change("garden", **SLOW_GARDEN).change(**NAMELESS).sample())
    said = found["performance", ("topic", "t-garden")]
    assert "interactions" in said.description
    assert "users" not in said.description
    assert said.users == 0


def test_a_log_with_sessions_alone_is_told_of_by_sessions(world):
    found = _said(world(1).change("garden", **SLOW_GARDEN).change(user=None).sample())
    said = found["performance", ("topic", "t-garden")]
    assert re.search(rf"interactions of {said.users} sessions", said.description)


def test_lines_without_ids_are_no_people_beside_lines_with_ids(world):
    hidden = world(1).change("garden", **SLOW_GARDEN).change("garden", **NAMELESS)
    assert ("performance", ("topic", "t-garden")) not in _said(hidden.sample())

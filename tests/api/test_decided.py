from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kaizen_api.decided import Decided, fold, group
from kaizen_api.schema import Decision, Step, Topic

IDS = ["a", "b", "c", "d", "e"]


def topic(topic_id, **changed):
    known = {"name": f"about {topic_id}", "size": 10, "failure_rate": 0.5, "exemplars": [topic_id], "users": 4}
    return Topic(id=topic_id, **{**known, **changed})


def decided(*decisions, **gone):
    return Decided({one.id: one for one in decisions}, gone)


def named(topic_id, name, at=1):
    return Decision(id=topic_id, name=name, history=[Step(at=at, event="renamed", detail=name)])


def test_without_decisions_the_topics_are_as_they_were_found_the_largest_first():
    small, large = topic("a", size=1), topic("b", size=2)
    assert fold([small, large], decided()) == [large, small]


def test_a_merged_topic_counts_to_its_target_however_far():
    found = [topic("a", size=30, failure_rate=0.2), topic("b", size=10, failure_rate=1.0), topic("c", size=5)]
    (one, other) = fold(found, decided(Decision(id="b", into="a")))
    assert (one.id, one.merged, one.size, one.failure_rate, one.users) == ("a", ["b"], 40, 0.4, 8)
    assert (other.id, other.merged) == ("c", [])
    (all_of_them,) = fold(found, decided(Decision(id="b", into="a"), Decision(id="a", into="c")))
    assert (all_of_them.id, all_of_them.name, all_of_them.merged) == ("c", "about c", ["a", "b"])


def test_what_topics_add_up_to_is_what_the_analysis_counted_where_it_knew_the_group():
    found = [topic("a"), replace(topic("b"), signs={"error": 0.5}, response_time_p95=2.0)]
    merged = decided(Decision(id="b", into="a"))
    known = replace(topic("b"), users=5, signs={"error": 0.25}, response_time_p95=1.5)
    (one,) = fold(found, merged, {group(["b", "a"]): known})
    assert (one.id, one.users, one.signs, one.response_time_p95) == ("a", 5, {"error": 0.25}, 1.5)
    (other,) = fold(found, merged, {group(["b", "c"]): known})
    share = found[1].size / (found[0].size + found[1].size) / 2
    assert (other.users, other.signs, other.response_time_p95) == (8, {"error": round(share, 6)}, None)


def test_a_target_that_ended_goes_on_in_what_was_merged_into_it():
    (one,) = fold([topic("b")], decided(Decision(id="b", into="a"), named("a", "cards"), a=""))
    assert (one.id, one.name, one.merged, one.size) == ("a", "cards", ["b"], 10)


def test_a_target_that_merged_by_itself_takes_along_what_people_merged_into_it():
    found = [topic("b"), topic("h")]
    (one,) = fold(found, decided(Decision(id="b", into="a"), a="h"))
    assert (one.id, one.merged) == ("h", ["b"])


def test_an_heir_without_a_name_of_its_own_keeps_the_last_one_people_gave():
    gone = {"a": "h", "b": "h"}
    assert fold([topic("h")], decided(named("a", "old", 1), named("b", "new", 2), **gone))[0].name == "new"
    assert fold([topic("h")], decided(named("a", "old", 1), named("h", "own", 0), **gone))[0].name == "own"
    assert fold([topic("h"), topic("a")], decided(named("a", "old", 1)))[0].name == "about h"


def test_a_name_that_people_gave_is_no_other_topics():
    shown = fold([topic("a", name="Cards"), topic("b"), topic("c", name="cards (2)")], decided(named("b", "cards")))
    assert {each.id: each.name for each in shown} == {"a": "Cards (3)", "b": "cards", "c": "cards (2)"}


def test_the_topic_above_is_one_that_is_shown():
    merged = decided(Decision(id="b", into="a"))
    shown = {
        each.id: each.parent for each in fold([topic("a", parent="b"), topic("b"), topic("c", parent="b")], merged)
    }
    assert shown == {"a": None, "c": "a"}


@given(
    st.dictionaries(st.sampled_from(IDS), st.sampled_from(IDS)),
    st.dictionaries(st.sampled_from(IDS), st.sampled_from([*IDS, ""])),
)
def test_whatever_is_decided_every_interaction_is_in_one_topic(into, gone):
    decisions = [Decision(id=one, into=other) for one, other in into.items() if one != other]
    stands = decided(*decisions, **{one: heir for one, heir in gone.items() if one != heir})
    found = [topic(one) for one in IDS if one not in stands.gone]
    shown = fold(found, stands)
    assert sum(each.size for each in shown) == 10 * len(found)
    assert len({each.id for each in shown}) == len(shown)
    for each in shown:
        assert stands.seen_as(each.id) == each.id

"""`kaizen topics rename · merge · split`, and what `show` says of it."""

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.lives import Life, Point
from kaizen_api.schema import Step, Topic


@pytest.fixture(autouse=True)
def topics(redis):
    found = [
        Topic(id="t1", name="card pin", size=60, failure_rate=0.5, exemplars=["reset my pin"], share=0.6, users=9),
        Topic(id="t2", name="refund", size=30, failure_rate=0.1, exemplars=["money back"], share=0.3, users=5),
        Topic(id="t3", name="refunds", size=10, failure_rate=0.1, exemplars=["give it back"], share=0.1, users=2),
    ]
    redis.hset(keys.snapshot("default"), "topics", msgspec.msgpack.encode(found))
    for topic in found:
        series = [Point(at=at, size=topic.size, failure_rate=topic.failure_rate) for at in range(1, 41)]
        life = Life(id=topic.id, name=topic.name, history=[Step(at=1, event="birth")], series=series)
        redis.hset(keys.objects("default", "life"), topic.id, msgspec.msgpack.encode(life))


def ids(command_json):
    return [topic["id"] for topic in command_json("topics")["items"]]


def test_a_topic_is_renamed_and_back(command, command_json):
    assert command_json("topics", "rename", "t1", "Cards")["name"] == "Cards"
    result = command("topics", "rename", "t1", "Cards and PINs")
    assert result.stdout == "t1 is called 'Cards and PINs': 60 interactions\n"
    assert "Cards and PINs (t1) (named by a person)" in command("topics", "show", "t1").stdout
    back = command_json("topics", "rename", "t1", "--automatic")
    assert (back["name"], back["renamed"]) == ("card pin", False)


@pytest.mark.parametrize("arguments", [["t1"], ["t1", "x", "--automatic"], []])
def test_neither_a_name_nor_automatic_is_misuse_and_so_are_both(command, arguments):
    result = command("topics", "rename", *arguments)
    assert result.exit_code == 2


def test_several_topics_are_merged_into_the_last_and_split_one_by_one(command, command_json):
    result = command("topics", "merge", "t2", "t3", "t1")
    assert result.stdout == "t1 now is 'card pin': 100 interactions, with t2, t3\n"
    assert ids(command_json) == ["t1"]
    assert command("topics", "split", "t2").stdout == "t2 stands for itself: 'refund': 30 interactions\n"
    undone = command("topics", "split", "t2")
    assert undone.exit_code == 0
    assert undone.stdout == "t2 was merged into no other, nothing to undo: 'refund': 30 interactions\n"
    command("topics", "merge", "t2", "t1")
    assert command_json("topics", "split", "t3")["size"] == 10
    assert ids(command_json) == ["t1", "t3"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rename", "none", "x"], "no topic none: `kaizen topics` lists them"),
        (["rename", "t1", "REFUND"], "choose another name"),
        (["rename", "t1", " "], "blank"),
        (["merge", "t1", "t1"], "into itself"),
        (["merge", "none", "t1"], "no topic none"),
        (["split", "none"], "no topic none"),
    ],
)
def test_what_cannot_be_says_what_to_do_and_ends_with_one(command, command_json, arguments, said):
    assert said in command_json("topics", *arguments, status=1)["error"]
    assert command("topics", *arguments).exit_code == 1


def test_a_merged_topic_says_where_it_went_and_its_target_with_whom_it_is_one(command, command_json):
    command("topics", "merge", "t3", "t2")
    part = command("topics", "show", "t3").stdout
    assert "t2 (refund)" in part
    assert "`kaizen topics show t2`" in part
    assert "with          t3" in command("topics", "show", "t2").stdout
    assert command_json("topics", "show", "t3")["into"] == "t2"


def test_a_history_tells_all_that_happened_with_the_series(command, command_json):
    command("topics", "merge", "t3", "t2")
    told = command_json("topics", "show", "t2", "--history")
    assert [(each["event"], each["topic"], each["topic_name"]) for each in told["events"]] == [
        ("birth", None, None),
        ("took in by a person", "t3", "refunds"),
    ]
    assert [point["size"] for point in told["series"]] == [40] * 40
    text = command("topics", "show", "t2", "--history").stdout
    assert "took in by a person  t3 (refunds)" in text
    assert "10 earlier: --json" in text
    assert text.count("40 interactions, 10.0% failed") == 30

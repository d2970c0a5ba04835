"""The chat formats: conversations become turns."""

from datetime import UTC, datetime, timedelta

import pytest

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def user(content, **more):
    return {"role": "user", "content": content, **more}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def pairs(interactions):
    return [(item.query, item.response) for item in interactions]


def test_each_message_of_a_user_is_an_interaction_with_the_answers_to_it(taken):
    turns = taken(
        [
            {
                "messages": [
                    {"role": "system", "content": "Be kind."},
                    assistant("Welcome!"),
                    user("Where is my card?"),
                    assistant(None, tool_calls=[{"type": "function", "function": {"name": "track", "arguments": ""}}]),
                    {"role": "tool", "content": "sent on Monday", "tool_call_id": "1"},
                    assistant("It was sent on Monday."),
                    assistant("Anything else?"),
                    user("Hello?"),
                    user([{"type": "text", "text": "One"}, {"type": "image_url"}, {"type": "text", "text": "two"}]),
                    assistant([{"type": "output_text", "text": "Three."}]),
                ]
            }
        ]
    )
    assert pairs(turns) == [
        ("Where is my card?", "It was sent on Monday.\n\nAnything else?"),
        ("Hello?", None),
        ("One\ntwo", "Three."),
    ]
    assert [turn.tool for turn in turns] == ["track", None, None]
    assert len({turn.session_id for turn in turns}) == 1
    assert {turn.occurred_at for turn in turns} == {None}


def test_the_record_says_whose_conversation_it_is_and_how_it_ended(taken):
    first, last = taken(
        [
            {
                "id": "c1",
                "user": "u1",
                "model": "m",
                "created": NOON.timestamp(),
                "feedback": -1,
                "error": "timeout",
                "plan": "pro",
                "metadata": {"market": "de", "nested": {"x": 1}},
                "tools": [{"type": "function"}],
                "messages": [user("a"), assistant("b"), user("c")],
            }
        ]
    )
    for turn in (first, last):
        assert (turn.session_id, turn.user_id, turn.model) == ("c1", "u1", "m")
        assert turn.metadata == {"plan": "pro", "market": "de"}
    assert (first.feedback, first.error, first.occurred_at) == (None, None, NOON)
    assert (last.feedback, last.error, last.occurred_at) == (-1.0, "timeout", NOON + timedelta(microseconds=1))


def test_ids_sort_as_the_turns_do_and_repeat_only_with_them(taken):
    conversation = {"messages": [user("again"), assistant("no")] * 12}
    other = {"messages": [user("again"), assistant("no")]}
    log = [conversation, {"id": "c", **conversation}, {"id": "c", **other}, {"id": "c", **conversation}, other]
    turns = taken(log)
    ids = [turn.id for turn in turns]
    assert ids[:12] == sorted(ids[:12])
    assert len(set(ids[:24])) == 24
    assert ids[24] == ids[12], "the same turn of the same conversation, in a shorter log of it"
    assert ids[25:37] == ids[12:24]
    assert turns[0].session_id != turns[-1].session_id
    assert ids == [turn.id for turn in taken(log)]


def test_other_content_under_the_same_id_is_another_turn(taken):
    one, two = taken([{"id": "c", "messages": [user("a")]}, {"id": "c", "messages": [user("b")]}])
    assert one.id != two.id
    assert one.session_id == two.session_id == "c"


def test_ids_come_from_masked_text(taken):
    one, two = taken([{"messages": [user("I am a@example.org")]}, {"messages": [user("I am b@example.com")]}])
    assert (one.id, one.session_id) == (two.id, two.session_id)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"messages": []}, "`messages` is missing or empty"),
        ({"messages": "none"}, "`messages` is missing or empty"),
        ({"other": 1}, "`messages` is missing or empty"),
        ({"messages": [assistant("Welcome!")]}, "no message of a user"),
        ({"messages": [user("a"), 5]}, "message 1: a message is no object"),
        ({"messages": [{"content": "a"}]}, "message 0: a message has no known `role`"),
        ({"messages": [{"role": "wizard", "content": "a"}]}, "no known `role`"),
        ({"messages": [{"role": ["user"], "content": "a"}]}, "no known `role`"),
        ({"messages": [user(5)]}, "message 0: `content` of a message is neither text nor"),
        ({"messages": [user("a", timestamp="noon")]}, "message 0: `timestamp` is no time"),
        ({"messages": [user("a")], "created": "noon"}, "`created` is no time"),
        ({"messages": [user("a")], "feedback": 7}, "`feedback`"),
        ({"messages": [user("a")], "id": "x" * 300}, "`session_id`"),
    ],
)
def test_a_record_that_is_no_conversation_is_refused_alone(outcome, record, reason):
    before, (line, said), after = outcome(
        [{"messages": [user("before")]}, record, {"messages": [user("after")]}], format="openai"
    )
    assert (before, line, after) == ("before", 2, "after")
    assert reason in said


def test_a_turn_without_text_is_refused_alone(outcome):
    first, (line, reason), last = outcome(
        [{"messages": [user("a"), user([{"type": "image_url"}]), assistant("nice"), user("b")]}]
    )
    assert (first, line, last) == ("a", 1, "b")
    assert reason.startswith("message 1: `query` is blank")


def test_sharegpt(taken):
    turns = taken(
        '[{"id": "x_0", "conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "a"},'
        ' {"from": "gpt", "value": "b"}, {"from": "Human", "value": "c"}, {"from": "chatgpt", "value": "d"}]}]'
    )
    assert pairs(turns) == [("a", "b"), ("c", "d")]
    assert {turn.session_id for turn in turns} == {"x_0"}


def test_lmsys(taken, told):
    (turn,) = taken(
        [
            {
                "conversation_id": "c1",
                "model": "m",
                "conversation": [user("a"), assistant("b")],
                "turn": 1,
                "language": "English",
                "openai_moderation": [{"flagged": False}],
                "redacted": True,
            }
        ]
    )
    assert told(turn) == {
        "session_id": "c1",
        "model": "m",
        "query": "a",
        "response": "b",
        "metadata": {"turn": 1, "language": "English", "redacted": True},
    }


def test_wildchat_has_a_time_for_each_answer(taken):
    early, late = NOON - timedelta(minutes=2), NOON - timedelta(minutes=1)
    turns = taken(
        [
            {
                "conversation_hash": "h",
                "model": "m",
                "timestamp": NOON.isoformat(),
                "conversation": [
                    user("a", hashed_ip="ip", country="Peru", timestamp=None),
                    assistant("b", timestamp=early.isoformat(), hashed_ip=None),
                    user("c", hashed_ip="ip"),
                    assistant("d", timestamp=late.timestamp() * 1000),
                    user("e", hashed_ip="ip"),
                    assistant("f", timestamp=late.timestamp() * 1000),
                    user("g", hashed_ip="ip"),
                ],
                "turn": 4,
                "language": "Spanish",
                "hashed_ip": "ip",
                "header": {"user-agent": "x"},
                "toxic": False,
            }
        ]
    )
    tick = timedelta(microseconds=1)
    assert [turn.occurred_at for turn in turns] == [early, late, late + tick, late + 2 * tick]
    assert {(turn.session_id, turn.user_id, turn.model) for turn in turns} == {("h", "ip", "m")}
    assert turns[0].metadata == {"turn": 4, "language": "Spanish", "toxic": False}


def test_the_same_conversation_at_another_time_is_another_one(taken):
    def at(moment):
        return {"conversation_hash": "h", "timestamp": moment.isoformat(), "conversation": [user("a")]}

    one, two = taken([at(NOON), at(NOON + timedelta(hours=1))])
    assert one.id != two.id


def test_a_time_behind_the_end_of_time_is_refused(outcome):
    record = {"messages": [user("a"), user("b")], "timestamp": "9999-12-31T23:59:59.999999Z"}
    (refused,) = outcome([record])
    assert "behind the year 9999" in refused[1]

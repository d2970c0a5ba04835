"""Kaizen's event log."""

from datetime import UTC, datetime, timedelta

import pytest

from kaizen_api.formats import Refused, fold

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def event(name, /, second=None, session="s1", **data):
    at = None if second is None else (NOON + timedelta(seconds=second)).isoformat()
    return {"event": name, "timestamp": at, "data": {"session_id": session, **data}}


def asked(query, second=None, session="s1", **data):
    return event("daniel_query_received", second, session, query=query, **data)


def completed(second=None, session="s1", **data):
    return event("daniel_query_completed", second, session, **data)


def test_all_that_happens_to_a_query_is_one_interaction(taken, told):
    (interaction,) = taken(
        [
            asked("Where is my card?", 0, user_id="u1", channel="web"),
            event("consciousness_update", 1, level=0.4),
            event("tool_invoked", 1, tool_name="track"),
            event("tool_invoked", 1, name="mail", id="call-1"),
            event("filter_applied", 2, filter="profanity"),
            event("filter_applied", 2, filter_name="pii"),
            completed(3, processing_time=2.5, consciousness_level=0.75, response="On its way.", model="m"),
            event("critics_result", 5, accepted=True, scores={"tone": 0.5}),
            event("critics_result", 6, accepted=False, scores={"depth": 1}),
        ]
    )
    assert interaction.id is None, "content and time tell it from others"
    assert told(interaction) == {
        "query": "Where is my card?",
        "response": "On its way.",
        "session_id": "s1",
        "user_id": "u1",
        "occurred_at": NOON + timedelta(seconds=3),
        "response_time": 2.5,
        "consciousness_level": 0.75,
        "tool": "track",
        "model": "m",
        "accepted": False,
        "critics": {"tone": 0.5, "depth": 1.0},
        "metadata": {"channel": "web", "filters": ["profanity", "pii"]},
    }


def test_what_the_log_does_not_say_is_told_by_its_times_and_updates(taken):
    (interaction,) = taken([asked("a", 0), event("consciousness_update", 1, level=0.5), completed(4)])
    assert (interaction.response_time, interaction.consciousness_level) == (4.0, 0.5)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"error": "timeout"}, "timeout"),
        ({"error_type": "RateLimit", "message": "too many"}, "RateLimit"),
        ({"error": "ValueError: card 17 is unknown"}, "ValueError"),
        ({"message": "the model said nothing for a long time"}, "error"),
        ({}, "error"),
    ],
)
def test_an_error_is_its_type(taken, data, error):
    (interaction,) = taken([asked("a", 0), event("daniel_error", 2, **data), event("daniel_error", 3, error="other")])
    assert interaction.error == error
    assert interaction.response is None


def test_sessions_do_not_mix(taken):
    both = taken(
        [
            asked("a", 0, "one"),
            asked("b", 1, "two"),
            completed(2, "two", response="B"),
            event("daniel_error", 3, "one", error="timeout"),
            asked("c", 4, "one"),
        ]
    )
    assert [(item.query, item.response, item.error) for item in both] == [
        ("a", None, "timeout"),
        ("b", "B", None),
        ("c", None, None),
    ]


def test_without_sessions_the_order_decides(taken):
    log = [asked("a", session=None), completed(session=None, response="A"), asked("b", session=None)]
    assert [(item.query, item.response, item.session_id) for item in taken(log)] == [
        ("a", "A", None),
        ("b", None, None),
    ]


def test_without_times_equal_questions_stay_apart_in_order(taken):
    log = [asked("again"), completed(), asked("again"), completed(), asked("again")]
    items = taken(log)
    assert {item.occurred_at for item in items} == {None}
    ids = [item.id for item in items]
    assert ids == sorted(set(ids))
    assert ids == [item.id for item in taken(log)]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (completed(session="unknown"), "without a query before it"),
        (event("heartbeat"), "none that Kaizen knows: daniel_query_received"),
        ({"event": {"name": "x"}, "data": {}}, "none that Kaizen knows"),
        ({"event": "daniel_error", "data": "timeout"}, "`data` is no object"),
        (event("critics_result", scores={"tone": 7}), "`critics"),
        (event("critics_result", accepted="yes"), "`accepted`"),
        (completed(processing_time=-1), "`response_time`"),
        (completed(consciousness_level="high"), "`consciousness_level`"),
        ({"event": "daniel_error", "timestamp": "noon", "data": {"session_id": "s1"}}, "`timestamp` is no time"),
        (asked(" ", session="s2"), "`query` is blank"),
        (asked(None, session="s2"), "`query` is missing"),
        ({"query": "a"}, "`event` is none"),
    ],
)
def test_an_event_that_does_not_fit_is_refused_and_its_interaction_goes_on(reads, bad, reason):
    items = reads([asked("a", 0), bad, completed(3, response="A")])
    refused, good = items
    assert isinstance(refused.value, Refused)
    assert refused.line == 2
    assert reason in refused.value.reason
    assert (good.line, good.value.query, good.value.response, good.value.error) == (1, "a", "A", None)


def test_events_after_a_bad_query_do_not_go_to_the_one_before(reads):
    first, *refused = reads([asked("a", 0), asked("", 1), completed(2, response="to what?")])
    assert (first.value.query, first.value.response) == ("a", None)
    assert [item.line for item in refused] == [2, 3]


def test_a_level_between_interactions_is_passed_over(taken):
    assert [
        item.consciousness_level for item in taken([event("consciousness_update", 0, level=0.9), asked("a", 1)])
    ] == [None]


def test_of_too_many_open_ones_the_one_silent_longest_ends(reads, monkeypatch):
    monkeypatch.setattr(fold, "MAX_OPEN", 2)
    log = [asked("a", session="1"), asked("b", session="2"), completed(session="1"), asked("c", session="3")]
    items = reads([*log, completed(session="2")])
    assert [(item.line, getattr(item.value, "query", None)) for item in items] == [
        (2, "b"),
        (5, None),
        (1, "a"),
        (4, "c"),
    ]


def test_of_too_many_bytes_the_one_silent_longest_ends(reads, monkeypatch):
    monkeypatch.setattr(fold, "MAX_OPEN_BYTES", 500)
    items = reads([asked("a" * 300, session="1"), asked("b" * 300, session="2"), completed(session="2")])
    assert [item.value.query[0] for item in items] == ["a", "b"]
    (only, refused) = reads([asked("a" * 600), completed()])
    assert only.value.query[0] == "a"
    assert "without a query before it" in refused.value.reason

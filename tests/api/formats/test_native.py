"""Kaizen's own format, and what is wrong with JSON in any."""

from datetime import UTC, datetime

import pytest

WHOLE = {
    "id": "i1",
    "occurred_at": "2026-01-31T09:30:00Z",
    "session_id": "s1",
    "user_id": "u1",
    "query": "How do I reset my PIN?",
    "response": "In the app.",
    "response_time": 1.25,
    "error": "timeout",
    "feedback": -0.5,
    "consciousness_level": 0.75,
    "critics": {"tone": 0.5},
    "accepted": False,
    "entry_ids": ["e1", "e2"],
    "model": "m",
    "tool": "t",
    "metadata": {"language": "en"},
}


def test_every_field_arrives(taken, told):
    (interaction,) = taken([WHOLE])
    expected = WHOLE | {"occurred_at": datetime(2026, 1, 31, 9, 30, tzinfo=UTC)}
    del expected["id"]
    assert told(interaction) == expected
    assert interaction.id == "i1"


def test_unknown_fields_are_metadata(taken):
    (interaction,) = taken([{"query": "q", "channel": "web", "metadata": {"a": 1}}])
    assert interaction.metadata == {"a": 1, "channel": "web"}


def test_the_last_of_two_equal_keys_counts(taken):
    (interaction,) = taken('{"query": "a", "query": "b"}')
    assert interaction.query == "b"


def test_marks_blank_lines_and_line_ends_do_not_matter(outcome):
    assert outcome(b'\xef\xbb\xbf{"query": "a"}\r\n\r\n  \n{"query": "b"}') == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"query": "a"', "not JSON"),
        (b"query", "on a line of its own"),
        (b'{"query": "a", "x": NaN}', "write null"),
        (b'{"query": "a", "response_time": Infinity}', "write null"),
        (b'{"query": "a \xff"}', "save the log as UTF-8"),
        (b'{"x": 1, "query": "a \xff"}', "save the log as UTF-8"),
        (b'{"query": "a \\ud83d"}', "half of a surrogate pair"),
        (b'{"query": "a", "x": 1e999}', "out of range"),
        (b'["query"]', "Expected `object`, got `array`"),
        (b"5", "Expected `object`, got `int`"),
        (b'{"question": "a"}', "`query` is missing"),
        (b'{"query": null}', "`query` is missing"),
        (b'{"query": " \\n"}', "`query` is blank"),
        (b'{"query": 5}', "`query`: expected"),
        (b'{"query": "a", "feedback": 2}', "`feedback`: expected"),
        (b'{"query": "a", "response_time": -1}', "`response_time`: expected"),
        (b'{"query": "a", "critics": {"tone": "good"}}', "`critics"),
        (b'{"query": "a", "occurred_at": "yesterday"}', "`occurred_at`: invalid RFC3339"),
        (b'{"query": "a", "session_id": ""}', "`session_id`: expected"),
        (b'{"query": "a", "metadata": 5}', "`metadata`: expected"),
        (b'{"query": "a", "x": ' + b"[" * 40 + b"]" * 40 + b"}", "nested too deeply"),
        (b'{"query": "a", "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deeply"),
        (b'{"query": "a", "x": ' + b'{"y":' * 200_000 + b"1" + b"}" * 200_000 + b"}", "nested too deeply"),
    ],
)
def test_a_bad_line_is_refused_between_good_ones(outcome, line, reason):
    before, refused, after = outcome(b'{"query": "before"}\n' + line + b'\n{"query": "after"}\n')
    assert (before, after) == ("before", "after")
    assert refused[0] == 2
    assert reason in refused[1]


def test_a_log_whose_first_lines_are_bad_is_still_recognized(outcome):
    *bad, good = outcome(b"junk\n" * 30 + b'{"query": "a"}\n')
    assert [line for line, _ in bad] == list(range(1, 31))
    assert good == "a"

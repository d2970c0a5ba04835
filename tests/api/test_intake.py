"""What comes in is checked, cut, masked and named, whatever it is; the same thing always becomes the same record."""

import math
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_api.errors import Invalid
from kaizen_api.intake import Intake, decode, from_mapping
from kaizen_api.masking import mask
from kaizen_api.schema import MAX_NAMES, MAX_TEXT_BYTES, Interaction

NOW = 1_700_000_000.0


@pytest.fixture
def intake():
    return Intake(b"key")


def record(intake, **fields):
    return intake.record(Interaction(**{"query": "Why?", **fields}), now=NOW)


def test_every_field_arrives(intake):
    line = {
        "id": "a1",
        "occurred_at": "2023-11-14T22:13:20.5+00:00",
        "session_id": "s",
        "user_id": "u",
        "query": "Why?",
        "response": "So.",
        "response_time": 1.5,
        "error": "timeout",
        "feedback": -1,
        "consciousness_level": 0.25,
        "critics": {"tone": 1},
        "accepted": False,
        "entry_ids": ["e1"],
        "model": "m",
        "tool": "t",
        "metadata": {"k": [1, {"x": None}]},
        "colour": "blue",
    }
    stored = intake.record(decode(msgspec.json.encode(line)), now=NOW)
    assert stored.occurred_at == 1_700_000_000_500_000
    assert stored.user not in {None, "u"}
    assert stored.metadata == {"k": [1, {"x": None}], "colour": "blue"}
    kept = ("id", "query", "response", "response_time", "error", "feedback", "critics", "accepted", "entry_ids")
    assert [getattr(stored, name) for name in kept] == [line[name] for name in kept]
    assert (stored.session, stored.level, stored.model, stored.tool) == ("s", 0.25, "m", "t")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not an interaction"),
        (b'"x"', "not an interaction"),
        (b'{"response": "x"}', "`query` is missing"),
        (b'{"query": 3}', r"\$.query"),
        (b'{"query": "x", "response_time": -0.1}', r"\$.response_time"),
        (b'{"query": "x", "response_time": NaN}', "not JSON"),
        (b'{"query": "x", "response_time": 86400.1}', r"\$.response_time"),
        (b'{"query": "x", "feedback": 1.5}', r"\$.feedback"),
        (b'{"query": "x", "consciousness_level": "high"}', r"\$.consciousness_level"),
        (b'{"query": "x", "critics": {"tone": 2}}', r"\$.critics"),
        (b'{"query": "x", "accepted": "yes"}', r"\$.accepted"),
        (b'{"query": "x", "occurred_at": "yesterday"}', r"\$.occurred_at"),
        (b'{"query": "\xff"}', "not JSON in UTF-8"),
        (b'{"colour": 1, "query": "\xff"}', "UTF-8"),
        (b'{"query": "x", "metadata": 3}', r"\$.metadata"),
    ],
)
def test_what_is_wrong_is_named(line, told):
    with pytest.raises(Invalid, match=told):
        decode(line)


@pytest.mark.parametrize("name", ["response_time", "feedback", "consciousness_level"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_built_in_python_is_checked_too(intake, name, value):
    with pytest.raises(Invalid, match=name):
        record(intake, **{name: value})


def test_a_critic_that_is_no_number_is_named(intake):
    with pytest.raises(Invalid, match="tone"):
        record(intake, critics={"tone": math.nan})


@pytest.mark.parametrize("query", ["", " \t\n", "\u3000"])
def test_a_blank_query_is_refused(intake, query):
    with pytest.raises(Invalid, match="blank"):
        record(intake, query=query)


def test_the_future_is_bounded(intake):
    day = datetime.fromtimestamp(NOW, UTC) + timedelta(hours=24)
    assert record(intake, occurred_at=day).occurred_at == int((NOW + 86400) * 1e6)
    with pytest.raises(Invalid, match="24 h in the future"):
        record(intake, occurred_at=day + timedelta(seconds=1))


@pytest.mark.parametrize("name", ["id", "query", "session_id", "user_id", "response", "error", "model", "tool"])
def test_half_a_surrogate_pair_is_refused(intake, name):
    with pytest.raises(Invalid, match="surrogate"):
        record(intake, **{name: "x\ud800"})


def test_a_time_without_a_zone_is_utc(intake):
    naive = datetime(2023, 11, 14, 22, 13, 20)  # noqa: DTZ001 - the point
    zoned = datetime(2023, 11, 15, 0, 13, 20, tzinfo=timezone(timedelta(hours=2)))
    assert record(intake, occurred_at=naive).occurred_at == record(intake, occurred_at=zoned).occurred_at


@pytest.mark.parametrize("letter", ["a", "é", "文", "🙂"])
def test_a_long_text_is_cut_between_characters_and_marked(intake, letter):
    size = len(letter.encode())
    fits = letter * (MAX_TEXT_BYTES // size)
    assert not record(intake, query=fits).truncated
    cut = record(intake, query=fits + letter)
    assert (cut.query, cut.truncated) == (fits, True)
    assert record(intake, response=fits + letter).truncated


def test_metadata_is_bounded_in_number_and_size(intake):
    assert record(intake, metadata={f"k{i}": i for i in range(MAX_NAMES)}).metadata
    with pytest.raises(Invalid, match=r"64|at most"):
        record(intake, metadata={f"k{i}": i for i in range(MAX_NAMES + 1)})
    with pytest.raises(Invalid, match="bytes"):
        record(intake, metadata={"k": "x" * MAX_TEXT_BYTES})


def test_the_same_content_has_the_same_id_and_other_content_another(intake):
    fields = {"query": "Why?", "response": "So.", "session_id": "s"}
    assert record(intake, **fields).id == intake.record(Interaction(**fields), now=NOW + 50).id
    others = [{"query": "How?"}, {"response": "No."}, {"session_id": "t"}, {"user_id": "u"}, {"feedback": 1.0}]
    ids = {record(intake, **{**fields, **other}).id for other in others}
    assert len(ids | {record(intake, **fields).id}) == len(others) + 1


def test_no_plain_user_and_no_personal_data_is_stored(intake):
    secret = "ann@example.org"
    stored = record(
        intake,
        id=secret,
        query=f"I am {secret}",
        response=f"Hi {secret}",
        session_id=secret,
        user_id=secret,
        error=f"no {secret}",
        metadata={secret: [secret], "card": 4111111111111111, "set": {secret}},
        model=secret,
        tool=secret,
        critics={secret: 1.0},
        entry_ids=[secret],
    )
    assert b"ann" not in msgspec.msgpack.encode(stored)
    assert stored.metadata["card"] == "[card]"
    assert stored.session == record(intake, session_id=secret).session
    assert Intake(b"other").record(Interaction(query="x", user_id="u")).user != record(intake, user_id="u").user


MASKED = [
    ("mail bob.o'neil+x@mail.example.co.uk now", "mail [email] now"),
    ("card 4111 1111 1111 1111 please", "card [card] please"),
    ("4111-1111-1111-1112 is no card", "4111-1111-1111-1112 is no card"),
    ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [iban]"),
    ("from 192.168.1.20 to 2001:db8:0:1::2", "from [ip] to [ip]"),
    ("call +49 (0)30 1234 5678", "call [phone]"),
    ("call 555-123-4567 today", "call [phone] today"),
    ("key sk-proj-Abcdefghijklmnop1234", "key [secret]"),
    ("AKIAIOSFODNN7EXAMPLE", "[secret]"),
    ("password=hunter2!x", "password=[secret]"),
    ("postgres://joe:pw@db/x", "postgres://[login]@db/x"),
]
KEPT = [
    "at 12:30:45 on 2024-01-03",
    "items[::2] and std::vector and a::b",
    "version 3.11 of 2024",
    "order 1234567890123456 is late",
    "how do I reset my password",
    "0.1 + 0.2 == 0.30000000000000004",
]


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_personal_data_is_replaced_by_its_kind(text, masked):
    assert mask(text) == masked


def test_nothing_that_drives_a_terminal_is_stored(intake):
    evil = "\x1b]0;own\x07a\x1b[31mb\x00\x9bc\td\n"
    stored = record(intake, query=evil, response=evil, model=evil, tool=evil, error=evil, critics={evil: 1.0})
    assert stored.query == stored.response == stored.model == stored.tool == stored.error == "abc\td\n"
    assert stored.critics == {"abc\td\n": 1.0}
    assert not set(record(intake, id=evil, session_id=evil).session) & set(evil) - set("abcd0123456789ef")


def test_hostile_repetition_takes_no_time_worth_measuring():
    texts = [
        word * (MAX_TEXT_BYTES // len(word))
        for word in ("pwd=", "sk-", "eyJ-", "1.", "1 ", "a@", "::1", "://a:", "DE89 ")
    ]
    assert [mask(mask(text)) == mask(text) for text in texts] == [True] * len(texts)


def test_deep_nesting_is_refused():
    with pytest.raises(Invalid, match="nested"):
        decode(b'{"query": "x", "metadata": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}")


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_like_it_stays(text):
    assert mask(text) == text


@given(st.text(max_size=200))
def test_masking_again_changes_nothing(text):
    assert mask(mask(text)) == mask(text)


def outcome(call):
    """What it returns, or the text with which it is refused; anything else is a defect."""
    try:
        return call()
    except Invalid as error:
        return str(error)


@given(
    st.dictionaries(st.text(max_size=12), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
)
def test_no_mapping_does_more_than_be_refused(fields):
    assert outcome(lambda: Intake(b"key").record(from_mapping(fields), now=NOW))


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(line):
    assert outcome(lambda: decode(line))


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_a_whole_number_that_nothing_can_store_is_refused_by_name(intake, number):
    with pytest.raises(Invalid, match="`metadata` holds a whole number of more than 64 bits"):
        record(intake, metadata={"order": {"number": number}})


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63)])
def test_the_largest_and_smallest_whole_numbers_are_stored(intake, number):
    assert record(intake, metadata={"level": number}).metadata["level"] == number


@pytest.mark.parametrize("critics", [[1], "bad", 5])
def test_critics_that_are_none_are_refused(intake, critics):
    with pytest.raises(Invalid, match="critics"):
        record(intake, critics=critics)


@pytest.mark.parametrize("thing", [{"query": "x"}, "x", None, []])
def test_only_interactions_become_records(thing):
    with pytest.raises(Invalid, match="give an Interaction"):
        Intake(b"key").record(thing)


def test_an_empty_response_is_kept_and_told_from_none_under_the_same_id(intake):
    empty, none = record(intake, query="Why?", response=""), record(intake, query="Why?")
    assert (empty.response, none.response) == ("", None)
    assert empty.id == none.id, "an id does not change because of what an empty answer counts as"

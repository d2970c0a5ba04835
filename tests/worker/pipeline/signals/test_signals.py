import numpy as np
import pytest

from kaizen_api.schema import Record
from kaizen_worker.pipeline.signals import signals
from kaizen_worker.types import Thresholds

MINUTE = 60_000_000
GOOD = "You can change the limit of your card in the settings, under security."
FLAGS = {
    "error", "slow", "low_level", "rejected", "negative_feedback", "refusal", "clarification", "negation", "rephrase",
    "empty",
    "repeat", "escalation", "abandonment", "thanked", "follow_up",
}  # fmt: skip


def _talk(*turns, session="s", start=0):
    """Turns of one session, a minute apart: (query, response) or a record's columns."""
    records = []
    for place, turn in enumerate(turns):
        columns = turn if isinstance(turn, dict) else {"query": turn[0], "response": turn[1]}
        at = (start + place) * MINUTE
        records.append(Record(id=f"{session}{place}", occurred_at=at, session=session, **columns))
    return records


def _flags(build, records):
    window = build(records)
    found = signals(window, Thresholds())
    return {name: {window.ids[row] for row in np.flatnonzero(flag)} for name, flag in found.flags.items()}, found


def test_every_flag_is_there_and_as_long_as_the_window(build):
    _, found = _flags(build, _talk(("How do I raise my card limit?", GOOD)))
    assert set(found.flags) == FLAGS
    assert all(flag.shape == (1,) and flag.dtype == np.bool_ for flag in found.flags.values())
    _, empty = _flags(build, [])
    assert empty.failure.shape == (0,)


def test_what_the_columns_say(build):
    records = [
        {"query": "one", "error": "timeout"},
        {"query": "two", "feedback": -1.0, "accepted": False},
        {"query": "three", "feedback": 1.0, "accepted": True, "level": 0.39},
        {"query": "four", "level": 0.4},
    ]
    flags, _ = _flags(build, _talk(*records))
    assert flags["error"] == {"s0"}
    assert flags["negative_feedback"] == flags["rejected"] == {"s1"}
    assert flags["low_level"] == {"s2"}


@pytest.mark.parametrize(
    "response", ["", "  \n\t", "\u3000", "\u00a0", "\u200b\ufeff", "\u202e\u2066", "\u3164", "\u2800", "\x00"]
)
def test_an_answer_that_shows_nothing_is_empty_in_every_language(build, response):
    flags, found = _flags(build, _talk(("How do I raise my card limit?", response), ("And of the other card?", GOOD)))
    assert flags["empty"] == {"s0"}
    assert flags["refusal"] == flags["clarification"] == set()
    assert found.failure[0] > 0.8
    assert found.failure[1] < 0.2


@pytest.mark.parametrize(
    "response",
    [
        None,
        "4",
        ".",
        "\u2713",
        "\U0001f44d",
        "\u662f",
        "\u306f\u3044",
        "\u0646\u0639\u0645",
        "\u0939\u093e\u0901",
        "\u200bno",
    ],
)
def test_none_and_the_shortest_answer_are_not_empty(build, response):
    flags, _ = _flags(build, _talk(("How do I raise my card limit?", response)))
    assert flags["empty"] == set()


def test_slow_needs_the_threshold_and_a_time_that_stands_out(build):
    usual = [{"query": f"q{place}", "response_time": 1.0 + place % 5 / 10} for place in range(50)]
    flags, _ = _flags(build, _talk(*usual, {"query": "late", "response_time": 4.0}))
    assert flags["slow"] == {"s50"}
    always = [{"query": f"q{place}", "response_time": 4.0 + place % 5} for place in range(50)]
    flags, _ = _flags(build, _talk(*always))
    assert flags["slow"] == set()


@pytest.mark.parametrize(
    "response",
    [
        "I'm sorry, but I don't have information about that.",
        "Unfortunately I cannot help with this request.",
        "I could not find anything on this in the manual.",
        "Dazu habe ich leider keine Informationen.".replace("leider ", ""),
        "Je ne sais pas.",
    ],
)
def test_refusals(build, response):
    flags, _ = _flags(build, _talk(("How do I raise my card limit?", response)))
    assert flags["refusal"] == {"s0"}
    assert flags["clarification"] == set()


def test_a_caveat_at_the_end_of_an_answer_is_no_refusal(build):
    response = f"{GOOD} " * 5 + "I do not have access to your account, so please confirm it there."
    flags, _ = _flags(build, _talk(("How do I raise my card limit?", response)))
    assert flags["refusal"] == set()


@pytest.mark.parametrize(
    ("response", "asks_back"),
    [
        ("Could you please clarify which card you mean?", True),
        ("I don't have enough information for that. Could you tell me more about the card?", True),
        ("I'm not sure I understand. Could you rephrase?", True),
        ("Which of your cards is it?", True),
        (f"{GOOD} Is there anything else I can help you with?", False),
        (f"{GOOD} " * 8 + "Which of them is yours?", False),
        (f"See https://example.org/{'a' * 1300}. Which of them is yours?", False),
        (GOOD, False),
    ],
)
def test_clarification(build, response, asks_back):
    flags, _ = _flags(build, _talk(("How do I raise my card limit?", response)))
    assert (flags["clarification"] == {"s0"}) is asks_back
    assert flags["refusal"] == set()


@pytest.mark.parametrize(
    "text",
    [
        "No, that's not what I asked", "still doesn't work", "That is wrong!", "doesn't work", "you misunderstood me",
        "Nein, das meinte ich nicht", "nope",
    ],
)  # fmt: skip
def test_a_rejection_is_credited_to_the_question_before_it_and_is_none_itself(build, text):
    flags, found = _flags(
        build, _talk(("How do I raise my card limit?", GOOD), (text, "Then try again."), (text, "Hm."))
    )
    assert flags["negation"] == {"s0"}
    assert flags["follow_up"] == {"s1", "s2"}
    assert found.failure[0] > 0.5 > found.failure[1]


def test_a_no_that_answers_the_assistant_is_no_rejection(build):
    flags, _ = _flags(build, _talk(("Freeze my card", "Do you still have the card?"), ("no", "It is frozen now.")))
    assert flags["negation"] == set()
    assert flags["follow_up"] == {"s1"}


def test_a_rejection_with_a_question_of_its_own_is_both(build):
    flags, _ = _flags(build, _talk(("Freeze my card", GOOD), ("No, I want to cancel the insurance", GOOD)))
    assert flags["negation"] == {"s0"}
    assert flags["follow_up"] == set()


def test_a_problem_in_other_words_is_no_rejection(build):
    flags, _ = _flags(build, _talk(("Where is the nearest branch?", GOOD), ("My card doesn't work abroad", GOOD)))
    assert flags["negation"] == set()
    assert flags["follow_up"] == set()


def test_thanks_lower_the_probability(build):
    flags, found = _flags(build, _talk(("Freeze my card", GOOD), ("great, thank you!", "You're welcome.")))
    assert flags["thanked"] == {"s0"}
    assert flags["follow_up"] == {"s1"}
    assert found.failure[0] < 0.1


def test_repeat_and_rephrase_are_credited_to_the_earlier_turn(world, build):
    again = _talk(("how do i raise my card limit", GOOD), ("How do I raise my card limit?", GOOD), session="again")
    words = _talk(("how do i raise my card limit", GOOD), ("raise the limit of my card please", GOOD), session="words")
    late = [
        Record(id=f"late{place}", occurred_at=place * 31 * MINUTE, query="how do i raise my card limit", session="late")
        for place in range(2)
    ]
    flags, _ = _flags(build, [*world(0, sessions=60).records, *again, *words, *late])
    assert flags["repeat"] == {"again0"}
    assert flags["rephrase"] & {"again0", "again1", "words0", "words1", "late0", "late1"} == {"words0"}


def test_escalation_is_credited_to_the_question_before_it_or_to_itself(build):
    call = "Let me talk to a human please"
    flags, _ = _flags(
        build, _talk(("Freeze my card", GOOD), (call, "Connecting you.")) + _talk((call, "."), session="t")
    )
    assert flags["escalation"] == {"s0", "t0"}
    assert flags["follow_up"] == {"s1"}


def test_abandonment_is_the_end_after_another_sign_if_the_window_knows_the_end(build):
    refused = ("How do I raise my card limit?", "I don't know.")
    records = _talk(refused) + _talk(("Freeze my card", GOOD), session="t") + _talk(refused, session="u", start=100)
    flags, _ = _flags(build, records)
    assert flags["abandonment"] == {"s0"}


def test_nothing_follows_where_there_is_neither_session_nor_user(build):
    records = [
        Record(id="a", occurred_at=0, query="Freeze my card", response="I don't know."),
        Record(id="b", occurred_at=MINUTE, query="still wrong"),
        Record(id="c", occurred_at=100 * MINUTE, query="Freeze my card"),
    ]
    flags, _ = _flags(build, records)
    assert flags["negation"] == flags["repeat"] == flags["abandonment"] == set()


def test_more_signs_make_failure_likelier(build):
    flags, found = _flags(
        build,
        _talk(("Freeze my card", GOOD), ("Where is my card", "I don't know."), ("no, still wrong", "I don't know.")),
    )
    assert flags["refusal"] == {"s1", "s2"}
    assert 0 < found.failure[0] < 0.2
    assert 0.7 < found.failure[1] < 1


def test_the_order_of_the_records_does_not_matter(world, build):
    records = list(world(3).change("garden", share=0.5, response="I don't know.").records)
    one = signals(build(records), Thresholds())
    other = signals(build(records[::-1]), Thresholds())
    assert np.array_equal(one.failure, other.failure)
    assert all(np.array_equal(one.flags[name], other.flags[name]) for name in one.flags)

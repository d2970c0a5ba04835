"""`kaizen insights show` read top down, its examples, and one interaction by its id."""

import msgspec
import pytest
import zstandard

from kaizen_api import keys
from kaizen_api.schema import Chance, Cycle, Record, Step

AT = 1_700_000_000_000_000
HOUR = 3_600_000_000


@pytest.fixture
def keep(redis):
    def keep(*records):
        """Have the log hold these, in one batch."""
        packed = zstandard.compress(msgspec.msgpack.encode(list(records)))
        redis.xadd(keys.log("default"), {"b": packed})

    return keep


@pytest.fixture
def lines(kaizen):
    def lines(*arguments):
        result = kaizen(*arguments)
        assert result.exit_code == 0, result.stderr
        return [line.rstrip() for line in result.stdout.splitlines()]

    return lines


REFUSED = Record(
    id="x1",
    occurred_at=AT + 123_456,
    query="reset my\npin " + "please " * 60,
    response="Sorry, I can't.",
    response_time=1.2345,
    error="timeout",
    model="large",
    user="0f" * 16,
    critics={"tone": 0.25},
)


@pytest.mark.usefixtures("topics")
def test_the_sections_come_in_the_order_in_which_a_person_asks(lines, put, found):
    put("insight", found("insight", chance=Chance(p_value=0.00041, q_value=0.0123, hypotheses=180)))
    names = [line.split("  ")[0] for line in lines("insights", "show", "i1") if not line.startswith(" ")]
    asked = ["what", "where", "seen", "how sure", "why", "what to do", "next step"]
    assert [name for name in names if name in asked] == asked
    text = "\n".join(lines("insights", "show", "i1"))
    assert "how sure    93.0%: of 100 findings as sure as this one, about 93 are real, and the rest is chance" in text
    assert "p = 0.00041" in text
    assert "with all 180 hypotheses of that analysis controlled q = 0.012" in text
    assert "where       topic 'card pin' (t1)" in text


@pytest.mark.usefixtures("topics")
def test_examples_are_the_evidence_that_the_log_still_holds(lines, keep, put, found):
    keep(Record(id="x9", occurred_at=AT, query="something else"), REFUSED)
    put("insight", found("insight", signs={"x1": ["error", "refusal"]}))
    text = "\n".join(lines("insights", "show", "i1"))
    assert "examples    2023-11-14 23:13:20 CET  reset my pin please" in text
    assert "please …" in text or "please…" in text
    for part in (
        "answer: Sorry, I can't.",
        "error: timeout, 1.23 s, model large",
        "signs: error, refusal",
        "`kaizen interaction x1`",
    ):
        assert part in text
    assert "gone        x2: past KAIZEN_METRICS_RETENTION_DAYS" in text
    assert "something else" not in text


@pytest.mark.usefixtures("topics")
def test_a_gap_shows_examples_with_the_signs_of_its_insight(lines, kaizen_json, keep, put, found):
    keep(REFUSED)
    put("gap", found("gap", evidence=["x1"], insight="i1"))
    put("insight", found("insight", signs={"x1": ["refusal"]}))
    assert "answer: Sorry, I can't." in "\n".join(lines("gaps", "show", "g1"))
    assert kaizen_json("gaps", "show", "g1")["examples"][0]["signs"] == ["refusal"]


def test_an_interaction_is_shown_in_full(lines, kaizen, kaizen_json, keep):
    keep(REFUSED)
    text = "\n".join(lines("interaction", "x1"))
    for part in (
        "asked     reset my\n",
        "please please",
        "critics   tone 0.25",
        "(a keyed hash)",
        "2023-11-14 23:13:20 CET",
    ):
        assert part in text
    assert kaizen_json("interaction", "x1")["query"] == REFUSED.query
    result = kaizen("interaction", "gone")
    assert result.exit_code == 1
    assert "no interaction gone: interactions are kept for KAIZEN_METRICS_RETENTION_DAYS days" in result.stderr


def test_an_insight_is_looked_for_in_every_batch_the_latest_first(keep, kaizen_json, put, found):
    for number in range(50):
        keep(Record(id=f"y{number}", occurred_at=AT, query=f"question {number}"))
    put("insight", found("insight", evidence=["y49", "y25", "y0", "x", "y1", "y2"]))
    explained = kaizen_json("insights", "show", "i1")["explanation"]
    assert [one["id"] for one in explained["examples"]] == ["y49", "y25", "y0", "y1"]
    assert explained["gone"] == ["x"]


@pytest.fixture
def analysed(put):
    """The last analysis, an hour after the insight was seen."""
    put("cycle", Cycle(id="c1", tenant="default", status="failed", requested_at=AT + 9 * HOUR), rank=AT + 9 * HOUR)
    put("cycle", Cycle(id="c2", tenant="default", status="done", requested_at=AT + HOUR), rank=AT + HOUR)


@pytest.mark.usefixtures("analysed")
@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ({"seen_at": AT}, True),
        ({"seen_at": AT, "status": "applied"}, True),
        ({"seen_at": AT + HOUR - 3}, False),  # found by it, as the fourth
        ({"seen_at": AT, "status": "dismissed"}, False),
        ({"seen_at": AT, "subject": {"pattern": "burst"}}, False),
        ({}, False),
    ],
)
def test_what_the_last_analysis_did_not_find_says_when_it_was_seen(lines, put, found, changed, stale):
    put("insight", found("insight", **changed))
    text, listed = "\n".join(lines("insights", "show", "i1")), "\n".join(lines("insights"))
    assert ("did not find it" in text) == ("last seen" in listed) == stale
    if stale:
        assert "last 2023-11-14 23:13:20 CET; the last analysis, of 2023-11-15 00:13:20 CET, did not" in text
        assert "last seen 2023-11-14 23:13:20 CET" in listed


def test_a_dismissed_insight_says_why(lines, put, found):
    history = [Step(at=AT, event="proposed"), Step(at=AT, event="dismissed", detail="we know")]
    put("insight", found("insight", status="dismissed", history=history))
    assert "status      dismissed (performance, i1): we know" in "\n".join(lines("insights", "show", "i1"))


def test_a_settled_insight_and_its_regression_name_each_other(lines, put, found):
    settled = [Step(at=AT, event="confirmed"), Step(at=AT, event="regression", detail="i2")]
    put("insight", found("insight", status="confirmed", history=settled))
    put("insight", found("insight", id="i2", type="regression", subject={"topic": "t1", "insight": "i1"}))
    assert "it came back: `kaizen insights show i2`" in "\n".join(lines("insights", "show", "i1"))
    text = "\n".join(lines("insights", "show", "i2"))
    assert "confirmed as mended: `kaizen insights show i1`" in text
    assert "on what came after: median and average" in text


def test_a_gap_that_opens_again_is_told_by_its_failures(kaizen_json, put, found):
    put("insight", found("insight", type="gap", status="confirmed", subject={"topic": "t1"}))
    put("insight", found("insight", id="i2", type="regression", subject={"topic": "t1", "insight": "i1"}))
    words = kaizen_json("insights", "show", "i2")["explanation"]
    assert words["against"] == "everything else"
    assert "median and average" in words["test"]
    assert kaizen_json("insights", "show", "i1")["explanation"]["against"] == "the topics that are served"

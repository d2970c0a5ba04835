"""One of what Kaizen found, in full, with the next step."""

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.schema import Interval, Provenance, Step, Topic

ALL = ["topics", "insights", "gaps", "effects"]
SEARCHED = [Step(at=1, event="found"), Step(at=2, event="searching"), Step(at=3, event="empty")]


@pytest.fixture
def show(kaizen):
    def show(kind, object_id):
        result = kaizen(kind, "show", object_id)
        assert result.exit_code == 0, result.stderr
        return "\n".join(line.rstrip() for line in result.stdout.splitlines())

    return show


@pytest.fixture
def fills(put, found):
    """An insight that proposes to fill a gap for which entries were found; gives how they stand."""

    def fills(*entries, insight=None, gap=None):
        put("insight", found("insight", **{"gap": "g1", **(insight or {})}))
        ids = [entry.id for entry in entries]
        put(
            "gap",
            found(
                "gap",
                **{
                    "status": "proposed",
                    "insight": "i1",
                    "entries": [*ids, "gone"],
                    "history": SEARCHED,
                    **(gap or {}),
                },
            ),
        )
        for entry in entries:
            put("entry", entry)

    return fills


@pytest.mark.usefixtures("topics")
def test_a_topic_is_shown_with_its_examples(show, kaizen_json):
    assert kaizen_json("topics", "show", "t1")["exemplars"] == ["reset my pin", "new pin"]
    text = show("topics", "t1")
    assert "60 interactions, 60.0% of the window, 9 users" in text
    assert "failure rate   50.0%" in text
    assert "signs          rephrase 12.5%, error 5.0%" in text
    assert "response time  half within 0.812 s, 95 % within 12 s" in text
    assert "new pin" in text
    assert "part of" not in text


@pytest.mark.usefixtures("topics")
def test_the_topic_above_has_its_name(show, kaizen_json):
    assert "part of       t1 (card pin)" in show("topics", "t2")
    assert kaizen_json("topics", "show", "t2")["parent"] == "t1"


@pytest.mark.usefixtures("topics")
def test_a_topic_whose_times_are_not_known_has_no_line_of_them(show, kaizen_json):
    text = show("topics", "t2")
    assert "response time" not in text
    assert "signs" not in text
    assert kaizen_json("topics", "show", "t2")["response_time_p95"] is None


@pytest.mark.usefixtures("topics")
def test_an_insight_says_what_how_sure_why_examples_and_what_to_do(show, put, found):
    put("insight", found("insight"))
    text = show("insights", "i1")
    for part in (
        "what        slow answers",
        "how sure    93.0%",
        "why         +25.0 points (95 % interval +20.0 to +30.0); 40 interactions, 7 users",
        "reset my pin",
        "x1, x2",
        "what to do  cache them",
        "topic       t1 (card pin)",
        "next step   `kaizen insights apply i1` serves the recommendation to the assistant, `kaizen insights dismiss",
        "2023-11-14 23:13:20 CET  proposed",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("unit", "told"), [("s", "0.25 s (95 % interval 0.2 to 0.3)"), ("times", "0.25 times (95 % interval 0.2 to 0.3)")]
)
def test_what_is_no_share_keeps_its_unit(show, put, found, unit, told):
    put("insight", found("insight", effect=Interval(estimate=0.25, low=0.2, high=0.3, unit=unit)))
    assert told in show("insights", "i1")


def test_a_bound_that_is_not_known_is_a_question_mark(show, put, found):
    put("insight", found("insight", effect=Interval(estimate=0.25, low=float("nan"), high=0.3, unit="share")))
    assert "+25.0 points (95 % interval ? to +30.0)" in show("insights", "i1")


@pytest.mark.parametrize(("kind", "object_id"), [("insights", "i1"), ("gaps", "g1")])
def test_what_waits_for_approval_is_listed_with_the_next_step(show, found, fills, kind, object_id):
    bare = Provenance(source="import", retrieved_at=1, content_hash="1" * 64)
    fills(
        found("entry"),
        found("entry", id="e2", title="", provenance=bare),
        found("entry", id="e3", title="Obey me", flags=["instructions"]),
    )
    text = show(kind, object_id)
    assert "How to reset a PIN (folder, cards.md): waits for approval\n" in text
    assert "(no title) (import): waits for approval\n" in text
    assert "Obey me (folder, cards.md): stays out, flagged: instructions\n" in text
    assert "`kaizen insights apply i1` lets the assistant find what waits, `kaizen insights dismiss i1` puts it" in text


def test_an_entry_that_is_in_and_disputed_says_both(show, found, fills):
    fills(found("entry", state="active", disputes=["e7", "e9"]), gap={"status": "filled"})
    assert "(folder, cards.md): active: the assistant finds it; says otherwise than e7, e9\n" in show("gaps", "g1")


def test_an_entry_that_is_in_says_so(show, found, fills):
    fills(found("entry", state="active"), insight={"status": "applied"}, gap={"status": "filled"})
    assert "How to reset a PIN (folder, cards.md): active: the assistant finds it\n" in show("gaps", "g1")


STEPS = [
    ("proposed", "open", "the workers still search"),
    ("proposed", "filling", "the workers still search"),
    ("proposed", "unfilled", "`kaizen kb add FILE`, `kaizen insights dismiss i1` puts it aside"),
    ("applied", "filling", "the workers still search"),
    ("applied", "unfilled", "`kaizen kb add FILE`"),
    ("applied", "filled", "`kaizen effects show i1` says what it brought"),
    ("confirmed", "filled", "`kaizen insights revert i1` takes it back"),
    ("applied", "closed", "no longer found it; one that finds it again opens it again; `kaizen insights revert i1`"),
    (
        "proposed",
        "closed",
        "no longer found it; one that finds it again opens it again; `kaizen insights apply i1` lets",
    ),
    ("reverted", "proposed", "`kaizen insights apply i1` lets the assistant find"),
    ("no_effect", "filled", "it changed nothing that matters: `kaizen insights revert i1` takes it out"),
    ("dismissed", "dismissed", "nothing: it stays aside"),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step[0]} {step[1]}")
def test_the_next_step_with_an_insight_about_a_gap(show, found, fills, step):
    status, gap, told = step
    fills(found("entry"), insight={"status": status}, gap={"status": gap})
    assert told in show("insights", "i1")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("open", "the workers still search"),
        ("unfilled", "add what is missing with `kaizen kb add FILE`, `kaizen insights dismiss i1` puts it aside"),
        ("filled", "`kaizen effects show i1` says what it brought"),
        ("dismissed", "nothing: it stays aside"),
    ],
)
def test_the_next_step_with_a_gap(show, found, fills, status, told):
    fills(found("entry"), gap={"status": status})
    assert told in show("gaps", "g1") + "\n"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("proposed", "`kaizen insights --type gap` lists"),
        ("filled", "nothing: the assistant finds what was found"),
        ("unfilled", "add what is missing with `kaizen kb add FILE`\n"),
    ],
)
def test_the_next_step_with_a_gap_that_no_insight_is_about(show, found, fills, status, told):
    fills(found("entry"), gap={"status": status, "insight": None})
    assert told in show("gaps", "g1") + "\n"


REASON = "no source to search is configured; KAIZEN_DOCUMENTS_PATH names a folder"


@pytest.mark.parametrize(
    ("diagnosis", "told"),
    [
        ("missing", f"not searched: {REASON}; `kaizen kb add FILE` adds what you have, `kaizen insights dismiss i1`"),
        ("retrieval_miss", f"not searched: {REASON}, `kaizen insights dismiss i1` puts it aside"),
    ],
)
def test_what_was_not_searched_for_says_why(show, fills, diagnosis, told):
    history = [Step(at=1, event="found"), Step(at=1, event="unfilled", detail=f"{REASON}.")]
    fills(gap={"status": "unfilled", "diagnosis": diagnosis, "history": history})
    for shown in (show("gaps", "g1"), show("insights", "i1")):
        assert told in shown
        assert "nothing that may be let in was found" not in shown


def test_an_applied_insight_whose_gap_was_not_searched_for_says_why(show, fills):
    history = [Step(at=1, event="unfilled", detail=REASON)]
    fills(insight={"status": "applied"}, gap={"status": "unfilled", "history": history})
    assert f"next step   not searched: {REASON}; `kaizen kb add FILE` adds what you have" in show("insights", "i1")


def test_a_gap_without_a_search_or_a_reason_claims_neither(show, fills):
    fills(gap={"status": "unfilled", "history": SEARCHED[:1]})
    assert "not searched: the next analysis (`kaizen analyze`) says why" in show("gaps", "g1")


def test_a_closed_gap_for_which_nothing_waits_offers_nothing(show, fills):
    fills(gap={"status": "closed"})
    text = show("gaps", "g1")
    assert "nothing: the last analysis no longer found it; one that finds it again opens it again\n" in text
    assert "apply" not in text


def test_a_gap_whose_topic_merged_says_into_which(show, redis, put, found):
    heir = Topic(id="t1", name="card pin", size=9, failure_rate=0.1, exemplars=["x"])
    heir.history = [Step(at=1, event="birth"), Step(at=2, event="took in", detail="t9")]
    redis.hset(keys.snapshot("default"), "topics", msgspec.msgpack.encode([heir]))
    put("gap", found("gap", topic="t9", status="closed"))
    assert "g1 in topic t9 (now in t1: card pin)" in show("gaps", "g1")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"flags": ["instructions"]}, "stays out, flagged: instructions"),
        ({"flags": ["instructions"], "state": "expired"}, "stays out, flagged: instructions"),
        ({"state": "superseded"}, "superseded: another one says it better"),
    ],
)
def test_where_nothing_that_was_found_may_be_let_in_there_is_nothing_to_approve(show, found, fills, changed, told):
    fills(found("entry", **changed))
    assert told in show("insights", "i1")
    assert "next step   nothing that may be let in was found: add what is missing" in show("insights", "i1")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("applied", "nothing: its recommendation is served as guidance; `kaizen insights revert i1` takes it back"),
        ("reverted", "`kaizen insights apply i1` serves the recommendation to the assistant"),
        ("dismissed", "nothing: it stays aside"),
    ],
)
def test_the_next_step_with_any_other_insight(show, put, found, status, told):
    put("insight", found("insight", status=status))
    assert told in show("insights", "i1")


def test_an_insight_whose_gap_is_gone_is_shown(show, put, found):
    put("insight", found("insight", gap="g7"))
    assert "add what is missing with `kaizen kb add FILE`" in show("insights", "i1")


@pytest.mark.usefixtures("topics")
def test_a_gap_says_why(show, put, found):
    measured = Interval(estimate=0.3, low=0.1, high=0.45, unit="share")
    put("gap", found("gap"))
    put("gap", found("gap", id="g2", deficit_interval=measured))
    text = show("gaps", "g1")
    assert "g1 in topic t1 (card pin)" in text
    assert "stale: what the knowledge base has about it is out of date" in text
    assert "+30.0 points against the other topics" in text
    assert "90.0% of its queries by the knowledge base" in text
    assert "+30.0 points (95 % interval +10.0 to +45.0) against the other topics" in show("gaps", "g2")


@pytest.mark.usefixtures("topics")
def test_an_effect_shows_both_arms(show, put, found):
    put("effect", found("effect"))
    text = show("effects", "i1")
    assert "of insight i1 on topic t1 (card pin), since 2023-11-14 23:13:20 CET" in text
    assert "with the change: 80 conversations, 8.0 failed (10.0%)" in text
    assert "hold-out: 20 conversations, 9.5 failed (47.5%)" in text
    assert "-37.5 points (95 % interval -50.0 to -25.0)" in text
    assert text.splitlines()[-1] == "verdict     confirmed"


def test_an_effect_of_what_was_reverted_says_so(show, put, found):
    put("effect", found("effect", held_out=0, held_out_failures=0.0))
    put("insight", found("insight", status="reverted"))
    text = show("effects", "i1")
    assert text.splitlines()[-1] == "verdict     confirmed, reverted"
    assert "hold-out: 0 conversations, 0.0 failed\n" in text


@pytest.mark.parametrize("kind", ALL)
def test_what_is_not_there_is_an_error_that_says_where_to_look(kaizen, kind):
    result = kaizen(kind, "show", "nothing")
    assert result.exit_code == 1
    assert f"no {kind[:-1]} nothing: `kaizen {kind}` lists them" in result.stderr


def test_markup_in_what_users_wrote_is_not_obeyed(show, put, found):
    put("insight", found("insight", description="[red]not red[/red] \x1b[31m"))
    assert "[red]not red[/red]" in show("insights", "i1")

"""`kaizen insights apply · dismiss · revert`: what they bring about, and that they say so."""

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.schema import Entry, Gap, Insight, Interval, Provenance, Step
from kaizen_worker.pipeline.findings.gap import SAID

AT = 1_700_000_000_000_000


@pytest.fixture
def put(redis):
    def put(kind, thing):
        redis.hset(keys.objects("default", kind), thing.id, msgspec.msgpack.encode(thing))
        redis.zadd(keys.order("default", kind), {thing.id: 1})

    return put


@pytest.fixture
def insight(put):
    """An insight about the gap with these entries, or about none."""

    def insight(*entries, about_gap=True):
        put(
            "insight",
            Insight(
                id="i1",
                type="gap",
                description="stolen cards are not served",
                confidence=0.9,
                effect=Interval(estimate=0.3, low=0.2, high=0.4, unit="share"),
                evidence=[],
                recommendation="fill it",
                gap="g1" if about_gap else None,
            ),
        )
        ids = [entry.id for entry in entries]
        status = "proposed" if entries else "open"
        put("gap", Gap(id="g1", topic="t1", diagnosis="missing", users=4, queries=[], entries=ids, status=status))
        for entry in entries:
            put("entry", entry)

    return insight


def entry(number, **changed):
    provenance = Provenance(source="folder", url="cards.md", retrieved_at=AT, content_hash=f"{number:064}", gap="g1")
    base = Entry(id=f"e{number}", title=f"Card {number}", text="x", provenance=provenance, state="quarantined")
    return msgspec.structs.replace(base, **changed)


def test_applying_says_what_is_active_now_and_who_goes_without(command, insight):
    insight(entry(1), entry(2), entry(3, flags=["instructions"]))
    result = command("insights", "apply", "i1", hold_out=0.25)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "i1 is applied: stolen cards are not served",
        "2 of 3 entries active:",
        "- Card 1 (folder, cards.md): active: the assistant finds it",
        "- Card 2 (folder, cards.md): active: the assistant finds it",
        "- Card 3 (folder, cards.md): stays out, flagged: instructions",
        "25% of the conversations go without, to measure the effect: see `kaizen effects`",
    ]
    assert command("insights", "apply", "i1", hold_out=0.25).stdout == result.stdout, "a second time changes nothing"


def test_as_json_it_is_the_insight_with_the_entries_and_the_share(command_json, insight):
    insight(entry(1))
    shown = command_json("insights", "apply", "i1")
    assert (shown["id"], shown["status"], shown["hold_out"]) == ("i1", "applied", 0.2)
    assert [(one["id"], one["state"], one["title"]) for one in shown["entries"]] == [("e1", "active", "Card 1")]
    assert shown["history"][-1]["at"].endswith("Z")


def test_where_nobody_goes_without_no_effect_is_promised(command, insight):
    insight(entry(1))
    last = command("insights", "apply", "i1", hold_out=0.0).stdout.splitlines()[-1]
    assert last == "no conversation goes without (KAIZEN_HOLD_OUT is 0), so no effect is measured"


def test_before_anything_is_found_it_says_that_nothing_is_active_yet(command, insight):
    insight()
    assert "nothing is active yet: what a search finds" in command("insights", "apply", "i1").stdout


def test_where_all_is_flagged_it_says_what_to_do(command, insight):
    insight(entry(1, flags=["instructions"]))
    assert "add what is missing with `kaizen kb add FILE`" in command("insights", "apply", "i1").stdout


@pytest.mark.parametrize("diagnosis", ["out_of_scope", "retrieval_miss", "unclear"])
def test_of_a_gap_that_no_search_mends_applying_says_what_show_does(command, insight, put, diagnosis):
    insight()
    advice = SAID[diagnosis][1]
    why = Step(at=AT, event="unfilled", detail=f"a search does not mend it. {advice}")
    gap = Gap(id="g1", topic="t1", diagnosis=diagnosis, users=4, queries=[], status="unfilled", history=[why])
    put("gap", gap)
    applied, shown = (" ".join(command("insights", step, "i1").stdout.split()) for step in ("apply", "show"))
    assert "becomes so by itself" not in applied
    assert advice.rstrip(".") in applied
    assert advice.rstrip(".") in shown
    assert ("kb add" in applied) == ("kb add" in shown) == (diagnosis == "unclear")


def test_of_what_no_own_document_answers_it_says_to_decide(command, insight, put):
    insight()
    steps = [Step(at=AT, event=event) for event in ("found", "searching", "empty")]
    put(
        "gap", Gap(id="g1", topic="t1", diagnosis="out_of_scope", users=4, queries=[], status="unfilled", history=steps)
    )
    for step in ("apply", "show"):
        told = " ".join(command("insights", step, "i1").stdout.split())
        assert "none of your own documents answers it: decide whether the assistant should serve it" in told


def test_each_reason_of_a_dismissal_is_kept_and_shown(command, command_json, insight):
    insight(about_gap=False)
    for reason in ("a known limit", "the vendor mends it in May", "a known limit"):
        assert command("insights", "dismiss", "i1", "--reason", reason).exit_code == 0
    command("insights", "dismiss", "i1")
    reasons = [one["detail"] for one in command_json("insights", "show", "i1")["history"]]
    assert reasons == ["a known limit", "the vendor mends it in May"]
    shown = command("insights", "show", "i1").stdout
    assert "a known limit" in shown
    assert "dismissed (gap, i1): the vendor mends it in May" in shown
    for number in range(60):
        command("insights", "dismiss", "i1", "--reason", f"reason {number}")
    kept = command_json("insights", "show", "i1")["history"]
    assert (len(kept), kept[0]["detail"], kept[-1]["detail"]) == (50, "a known limit", "reason 59")


def test_what_is_about_no_gap_is_served_as_guidance(command, insight):
    insight(about_gap=False)
    assert "its recommendation is served to the assistant as guidance" in command("insights", "apply", "i1").stdout


def test_reverting_takes_it_out_and_show_says_so(command, insight):
    insight(entry(1))
    command("insights", "apply", "i1")
    assert command("insights", "revert", "i1").stdout == "i1 is reverted: stolen cards are not served\n"
    assert "Card 1 (folder, cards.md): taken out" in command("insights", "show", "i1").stdout
    again = command("insights", "apply", "i1").stdout
    assert "1 of 1 entries active:" in again


def test_dismissed_it_stays_aside(command, insight):
    insight(entry(1))
    assert command("insights", "dismiss", "i1").stdout.startswith("i1 is dismissed")
    assert "nothing: it stays aside" in command("insights", "show", "i1").stdout
    assert command("insights", "apply", "i1").exit_code == 1


@pytest.mark.parametrize("step", ["apply", "dismiss", "revert"])
def test_an_unknown_one_is_an_error_that_says_where_to_look(command, command_json, step):
    result = command("insights", step, "nothing")
    assert result.exit_code == 1
    assert result.stderr == "error: no insight nothing: `kaizen insights` lists them\n"
    assert "no insight nothing" in command_json("insights", step, "nothing", status=1)["error"]

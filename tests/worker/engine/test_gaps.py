"""What becomes of a gap from analysis to analysis: searched for or told why not, closed when nothing needs it."""

import pytest
from msgspec.structs import replace

from kaizen_api import Interaction, Producer, keys
from kaizen_api.queries import Queries
from kaizen_api.schema import Gap, Insight, Interval, Step
from kaizen_worker.engine import due, fill, lifecycle, saving
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.pipeline.findings.gap import SAID

MISSING = Gap(id="g1", topic="t1", diagnosis="missing", users=5, deficit=0.5, queries=["freeze stolen card"])
NOW = 1_700_100_000_000_000
HOUR = 3_600_000_000
SERVED = ["How do I change my address?", "Where can I update my street and city?", "I moved house, change my address"]


def save(tenant, *gaps, at=NOW, proposals=None):
    return saving.save_gaps(tenant, list(gaps), proposals={"g1": "i1"} if proposals is None else proposals, at=at)


def events(gap):
    return [step.event for step in gap.history]


def propose(tenant, status="proposed", **more):
    zero = Interval(estimate=0.0, low=0.0, high=0.0, unit="share")
    said = {"description": "", "confidence": 0.8, "effect": zero, "evidence": [], "recommendation": ""}
    tenant.insights.save(Insight(id="i1", type="gap", gap="g1", status=status, **said, **more), old=None)


def test_what_an_analysis_no_longer_finds_is_closed_once_and_searched_no_more(tenant):
    assert save(tenant, MISSING) == ["g1"]
    for _ in range(2):  # the second: a cycle that broke off is run again
        assert save(tenant, at=NOW + HOUR) == []
        gap = tenant.gaps.get("g1")
        assert gap.status == "closed"
        assert gap.history[1:] == [Step(at=NOW + HOUR, event="closed", detail=saving.NOT_FOUND)]
    assert save(tenant, at=NOW + 2 * HOUR) == []
    assert tenant.gaps.get("g1") == gap, "closed already"
    assert list(due.due_gaps(tenant.runtime)) == []
    assert fill.fill(tenant, "g1") == "settled"
    assert tenant.gaps.get("g1") == gap


def test_what_is_found_again_is_open_again(tenant):
    save(tenant, MISSING)
    save(tenant, at=NOW + HOUR)
    for _ in range(2):
        assert save(tenant, MISSING, at=NOW + 2 * HOUR) == ["g1"]
        assert events(tenant.gaps.get("g1")) == ["found", "closed", "open"]


def test_what_was_found_for_a_closed_gap_waits_again_when_it_is_found_again(tenant):
    save(tenant, MISSING)
    assert fill.fill(tenant, "g1") == "filled"
    entries = tenant.gaps.get("g1").entries
    save(tenant, at=NOW + HOUR)
    assert save(tenant, MISSING, at=NOW + 2 * HOUR) == []
    gap = tenant.gaps.get("g1")
    assert (gap.status, gap.entries) == ("proposed", entries)
    assert events(gap)[-2:] == ["closed", "proposed"]


def test_what_was_found_for_a_closed_gap_can_still_be_let_in(tenant):
    propose(tenant)
    save(tenant, MISSING)
    fill.fill(tenant, "g1")
    save(tenant, at=NOW + HOUR)
    lifecycle.reconcile(tenant, at=NOW + HOUR)
    assert tenant.gaps.get("g1").status == "closed"
    lifecycle.apply(tenant, "i1", at=NOW + 2 * HOUR)
    gap = tenant.gaps.get("g1")
    assert gap.status == "filled"
    assert {entry.state for entry in tenant.entries.many(gap.entries)} == {"active"}


def test_an_applied_insight_gets_its_entries_let_in_though_its_gap_is_found_no_more(tenant):
    save(tenant, MISSING)
    fill.fill(tenant, "g1")
    propose(tenant, status="applied")  # and then the worker died
    save(tenant, at=NOW + HOUR)
    lifecycle.reconcile(tenant, at=NOW + HOUR)
    assert tenant.gaps.get("g1").status == "filled"


@pytest.mark.parametrize("status", ["filling", "filled", "dismissed"])
def test_what_is_under_way_or_settled_is_left_as_it_is(tenant, status):
    tenant.gaps.save(replace(MISSING, status=status), old=None)
    save(tenant)
    assert tenant.gaps.get("g1").status == status


def test_what_a_person_asked_for_is_no_matter_of_an_analysis(tenant):
    asked = replace(MISSING, topic="")
    tenant.gaps.save(asked, old=None)
    save(tenant)
    assert tenant.gaps.get("g1") == asked


def test_closed_gaps_are_last_in_lists_and_have_their_place_again_when_found(tenant, redis):
    small = replace(MISSING, id="g2", topic="t2", users=1, deficit=0.0)

    def listed():
        return [gap.id for gap in Queries(redis, tenant="default").page("gap").items]

    save(tenant, MISSING, small)
    assert listed() == ["g1", "g2"]
    save(tenant, small)
    assert listed() == ["g2", "g1"]
    save(tenant, MISSING, small)
    assert listed() == ["g1", "g2"]


def test_a_topic_that_is_gone_takes_its_gap_along(tenant, settings, push, analyse, redis):
    push()
    _, (gap, *_) = analyse()
    redis.delete(keys.log("default"))  # as retention does, in time
    with Producer(settings) as producer:
        producer.append(
            Interaction(query=f"{SERVED[n % 3]} {n}", user_id=f"u{n}", response="Open it.") for n in range(60)
        )
    done, due_now = analyse()
    assert (done.status, due_now) == ("done", [])
    assert tenant.gaps.get(gap).topic not in {topic.id for topic in Queries(redis, tenant="default").topics()}
    assert tenant.gaps.get(gap).status == "closed"


@pytest.mark.parametrize("diagnosis", ["retrieval_miss", "out_of_scope", "unclear"])
def test_what_a_search_does_not_mend_says_what_to_do(settings, diagnosis):
    web = settings.model_copy(update={"search_sources": ["mediawiki"]})
    tenant = Runtime(web).tenant("default")
    assert save(tenant, replace(MISSING, diagnosis=diagnosis)) == []
    gap = tenant.gaps.get("g1")
    assert (gap.status, events(gap)) == ("unfilled", ["found", "unfilled"])
    assert gap.history[-1].detail.endswith(SAID[diagnosis][1])


def test_what_own_documents_answer_is_in_scope_whatever_was_near(tenant):
    strange = replace(MISSING, diagnosis="out_of_scope")
    propose(tenant)
    assert save(tenant, strange) == ["g1"]
    assert fill.fill(tenant, "g1") == "filled"
    for _ in range(2):  # the next analysis knows no more than the last one
        gap = tenant.gaps.get("g1")
        assert (gap.status, gap.diagnosis, len(gap.entries)) == ("proposed", "missing", 1)
        save(tenant, strange, at=NOW + HOUR)


def test_what_no_own_document_answers_stays_out_of_scope(tenant):
    propose(tenant)
    save(tenant, replace(MISSING, diagnosis="out_of_scope", queries=["who won the world cup in 1974"]))
    assert fill.fill(tenant, "g1") == "empty"
    gap = tenant.gaps.get("g1")
    assert (gap.status, gap.diagnosis) == ("unfilled", "out_of_scope")


def test_what_no_insight_proposes_says_so_and_is_searched_for_as_soon_as_one_does(tenant):
    for number in range(2):
        assert save(tenant, MISSING, proposals={}, at=NOW + number) == []
    gap = tenant.gaps.get("g1")
    assert (gap.status, gap.history[1:]) == ("unfilled", [Step(at=NOW, event="unfilled", detail=saving.NO_INSIGHT)])
    assert save(tenant, MISSING, at=NOW + HOUR) == ["g1"]
    assert events(tenant.gaps.get("g1")) == ["found", "unfilled", "open"]


def test_where_searching_is_off_a_gap_says_so_also_one_that_was_open(tenant, settings):
    off = Runtime(settings.model_copy(update={"enable_gap_fill": False})).tenant("default")
    save(tenant, MISSING)
    for _ in range(2):
        assert save(off, MISSING, at=NOW + HOUR) == []
        gap = tenant.gaps.get("g1")
        assert (gap.status, gap.history[1:]) == (
            "unfilled",
            [Step(at=NOW + HOUR, event="unfilled", detail=saving.SEARCH_OFF)],
        )


@pytest.mark.parametrize("order", [("g1", "g2"), ("g2", "g1")])
def test_two_gaps_that_find_the_same_passage_leave_the_same_entry_whoever_is_first(tenant, order):
    other = replace(MISSING, id="g2", topic="t2", queries=["stolen card"])
    save(tenant, MISSING, other, proposals={"g1": "i1", "g2": "i2"})
    assert [fill.fill(tenant, gap) for gap in order] == ["filled", "filled"]
    (entry,) = tenant.entries.all()
    assert (entry.provenance.gap, entry.provenance.query) == ("g1", "freeze stolen card")
    assert entry.provenance.batch.startswith("g1.")
    assert [tenant.gaps.get(gap).entries for gap in order] == [[entry.id], [entry.id]]


def test_gaps_to_work_on_come_before_those_that_are_settled():
    standing = ["closed", "unfilled", "filled", "open", "dismissed", "proposed", "filling"]
    gaps = [replace(MISSING, users=users, status=status) for users, status in enumerate(standing, start=1)]
    ranked = [gap.status for gap in sorted(gaps, key=lifecycle.gap_rank, reverse=True)]
    assert ranked == ["filling", "proposed", "open", "unfilled", "dismissed", "filled", "closed"]

"""The life of an insight, step by step: what may follow what, what is remembered, what is linked, what leaves."""

import itertools

import pytest
from msgspec.structs import replace

from kaizen_api import keys
from kaizen_api.errors import Conflict
from kaizen_api.explanation import STEPS, explain, is_stale
from kaizen_api.metrics import field
from kaizen_api.queries import Queries
from kaizen_api.schema import Cycle, Effect, Gap, Insight, Interval, Step
from kaizen_worker.engine import daily, lifecycle, saving
from kaizen_worker.engine.runtime import Runtime

NOW = 1_700_100_000_000_000
HOUR = 3_600_000_000
NONE = Interval(estimate=0.0, low=0.0, high=0.0, unit="share")
STATUSES = ("proposed", "applied", "confirmed", "no_effect", "reverted", "dismissed")
MAY_FOLLOW = {
    "applied": {"proposed", "reverted", "no_effect"},
    "confirmed": {"applied"},
    "no_effect": {"applied"},
    "reverted": {"applied", "confirmed", "no_effect"},
    "dismissed": {"proposed", "reverted", "no_effect"},
}
SLOW = Insight(
    id="i1",
    type="performance",
    description="slow, 4 s",
    confidence=0.8,
    effect=NONE,
    evidence=["x1"],
    recommendation="look",
    topic="t1",
    subject={"topic": "t1"},
    support=40,
)


@pytest.fixture
def stored(tenant):
    def stored(insight=SLOW, **changed):
        one = replace(insight, **{"history": [Step(at=NOW, event="proposed")], "seen_at": NOW, **changed})
        tenant.insights.save(one, old=None, rank=float(one.seen_at), counts=lifecycle.insight_counts(None, one))
        return one

    return stored


def counted(tenant, name, **labels):
    return int(tenant.redis.hget(keys.ROLLUP, field(name, **labels)) or 0)


@pytest.mark.parametrize(("old", "new"), list(itertools.product(STATUSES, MAY_FOLLOW)))
def test_a_step_is_made_once_or_refused_and_leaves_all_as_it_was(tenant, stored, old, new):
    before = stored(status=old)
    if old == new or old in MAY_FOLLOW[new]:
        for _ in range(2):
            after = lifecycle.step(tenant, "i1", new, at=NOW + HOUR, detail="why")
        made = [Step(at=NOW + HOUR, event=new, detail="why")] if old != new else []
        assert (after.status, after.history) == (new, [*before.history, *made])
    else:
        with pytest.raises(Conflict, match=f"is {old} and cannot become {new}"):
            lifecycle.step(tenant, "i1", new, at=NOW + HOUR)
        assert tenant.insights.get("i1") == before


@pytest.mark.parametrize("status", STATUSES)
def test_what_a_person_is_told_may_be_done_may_be_done_and_nothing_else_may(status):
    become = {"apply": "applied", "dismiss": "dismissed", "revert": "reverted"}
    assert {step for step, new in become.items() if status in MAY_FOLLOW[new]} == set(STEPS[status])


def test_what_was_dismissed_is_remembered_with_its_reason_and_not_proposed_again(tenant):
    saving.save_insights(tenant, [SLOW], at=NOW)
    lifecycle.dismiss(tenant, "i1", reason="a known limit", at=NOW + 1)
    again = replace(SLOW, description="slow, 5 s", evidence=["x2"])
    saving.save_insights(tenant, [again], at=NOW + HOUR)
    kept = tenant.insights.get("i1")
    assert (kept.status, kept.description, kept.seen_at) == ("dismissed", "slow, 5 s", NOW + HOUR)
    assert [step.event for step in kept.history] == ["proposed", "dismissed"]
    assert counted(tenant, "kaizen_active_insights") == 0
    assert counted(tenant, "kaizen_insights_total", insight_type="performance") == 1
    words = explain(Queries(tenant.redis, tenant="default"), kept)
    assert (words.reason, words.steps) == ("a known limit", [])


@pytest.mark.parametrize("status", ["proposed", "applied", "no_effect", "reverted"])
def test_found_again_it_is_brought_up_to_date_and_not_repeated(tenant, stored, status):
    before = stored(status=status)
    fresh = replace(SLOW, evidence=["x9", "x1"], confidence=0.95, support=90)
    for _ in range(2):  # the second: a cycle that broke off is run again
        saving.save_insights(tenant, [fresh], at=NOW + HOUR)
    (kept,) = tenant.insights.all()
    assert (kept.status, kept.history) == (status, before.history)
    assert (kept.evidence, kept.confidence, kept.support, kept.seen_at) == (["x9", "x1"], 0.95, 90, NOW + HOUR)
    assert counted(tenant, "kaizen_insights_total", insight_type="performance") == 1


def test_what_later_analyses_do_not_find_stays_and_is_stale(tenant, stored):
    stored()
    saving.save_insights(tenant, [replace(SLOW, id="i2")], at=NOW + HOUR)
    last = Cycle(id="c", tenant="default", status="done", requested_at=NOW + HOUR)
    assert {one.id: is_stale(one, last) for one in tenant.insights.all()} == {"i1": True, "i2": False}
    saving.save_insights(tenant, [SLOW], at=NOW + 2 * HOUR)
    assert not is_stale(tenant.insights.get("i1"), replace(last, requested_at=NOW + 2 * HOUR))


def test_what_comes_back_after_it_was_confirmed_is_linked_both_ways_once(tenant, stored):
    confirmed = [Step(at=NOW, event="proposed"), Step(at=NOW + 1, event="applied"), Step(at=NOW + 2, event="confirmed")]
    stored(status="confirmed", history=confirmed)
    back = replace(SLOW, id="i2", type="regression", subject={"topic": "t1", "insight": "i1"})
    for at in (NOW + HOUR, NOW + HOUR, NOW + 2 * HOUR):
        saving.save_insights(tenant, [back], at=at)
    settled = tenant.insights.get("i1")
    assert settled.history == [*confirmed, Step(at=NOW + HOUR, event="regression", detail="i2")]
    assert settled.status == "confirmed"
    assert lifecycle.settled(tenant) == {"i1": float(NOW + 2)}, "it is tested on what came after it was confirmed"
    queries = Queries(tenant.redis, tenant="default")
    assert explain(queries, settled).regression == "i2"
    assert explain(queries, tenant.insights.get("i2")).settled == "i1"


def test_a_regression_of_what_is_archived_is_still_stored(tenant):
    back = replace(SLOW, type="regression", subject={"topic": "t1", "insight": "gone"})
    assert saving.save_insights(tenant, [back], at=NOW) != []
    words = explain(Queries(tenant.redis, tenant="default"), tenant.insights.get("i1"))
    assert "archived by now" in words.test


def test_histories_are_bounded_and_begin_where_they_began(tenant, stored):
    stored()
    tenant.gaps.save(Gap(id="g1", topic="t1", diagnosis="missing", users=1, queries=[]), old=None)
    for number in range(lifecycle.HISTORY_KEPT):
        lifecycle.apply(tenant, "i1", at=NOW + number)
        lifecycle.revert(tenant, "i1", reason=str(number), at=NOW + number)
        for status in ("filled", "proposed"):
            lifecycle.set_gap(tenant, "g1", status, at=NOW + number)
    for history in (tenant.insights.get("i1").history, tenant.gaps.get("g1").history):
        assert len(history) == lifecycle.HISTORY_KEPT
        assert history[-1].at == NOW + lifecycle.HISTORY_KEPT - 1
    assert tenant.insights.get("i1").history[0].event == "proposed"


@pytest.mark.parametrize(("number", "leaving"), [(99, 0), (100, 0), (101, 1), (150, 50)])
def test_the_cap_holds_below_at_and_above_it(settings, number, leaving):
    tenant = Runtime(settings.model_copy(update={"max_insights_stored": 100})).tenant("default")
    for place in range(number):
        one = replace(SLOW, id=f"i{place}", status="reverted" if place % 2 else "applied", seen_at=place)
        tenant.insights.save(one, old=None)
    assert daily.rotate(tenant).insights_archived == leaving
    left = {one.seen_at for one in tenant.insights.all()}
    assert left == set(range(number)) - {2 * place + 1 for place in range(leaving)}, "the oldest settled are gone"
    assert daily.rotate(tenant).insights_archived == 0


def test_the_effect_of_an_insight_leaves_with_it(settings):
    tenant = Runtime(settings.model_copy(update={"max_insights_stored": 100})).tenant("default")
    measured = {"applied_at": NOW, "exposed": 1, "exposed_failures": 0.0, "held_out": 1, "held_out_failures": 1.0}
    for place in range(101):
        tenant.insights.save(replace(SLOW, id=f"i{place}", status="confirmed", seen_at=place), old=None)
        effect = Effect(id=f"i{place}", insight=f"i{place}", topic="t1", difference=NONE, p_value=1.0, **measured)
        tenant.effects.save(effect, old=None)
    assert daily.rotate(tenant).insights_archived == 1
    assert {one.id for one in tenant.effects.all()} == {one.id for one in tenant.insights.all()}


@pytest.mark.parametrize(
    ("changed", "stays"),
    [
        ({}, False),
        ({"entries": ["e1"]}, True),
        ({"status": "dismissed"}, True),
        ({"history": [Step(at=4_000_000_000_000_000, event="closed")]}, True),
    ],
)
def test_a_gap_that_nothing_needs_any_more_is_forgotten_after_a_while(tenant, changed, stays):
    closed = Gap(id="g1", topic="t1", diagnosis="missing", users=1, queries=[], status="closed")
    history = [Step(at=NOW, event="closed", detail=saving.NOT_FOUND)]
    tenant.gaps.save(replace(closed, **{"history": history, **changed}), old=None)
    daily.rotate(tenant)
    assert (tenant.gaps.get("g1") is not None) == stays

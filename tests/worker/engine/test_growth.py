"""What would grow for ever does not: assignments, histories, insights, the log; and what is due is found among many."""

import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from kaizen_api import analyses, keys
from kaizen_api.metrics import field
from kaizen_api.queries import Queries
from kaizen_api.schema import Gap, Insight, Interval, Step
from kaizen_worker.engine import daily, due, fill, lifecycle, saving
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.engine.topics import HISTORY_KEPT
from kaizen_worker.store.archive import archives, read

MISSING = Gap(id="g1", topic="t1", diagnosis="missing", users=5, queries=["quokka xylophone"])
NOW = 1_700_100_000_000_000


@pytest.fixture
def without_sources(settings):
    return Runtime(settings.model_copy(update={"documents_path": None})).tenant("default")


def count(redis, name, **labels):
    return int(redis.hget(keys.ROLLUP, field(name, **labels)) or 0)


def save_gap(tenant, *, at=NOW):
    return saving.save_gaps(tenant, [MISSING], proposals={MISSING.id: "i1"}, at=at)


def test_only_the_last_two_cycles_keep_their_assignments(push, analyse, redis):
    push()
    first, second, third = (analyse()[0] for _ in range(3))
    queries = Queries(redis, tenant="default")
    kept = {one.id: len(list(queries.assignments(one.id))) for one in (first, second, third)}
    assert kept == {first.id: 0, second.id: 180, third.id: 180}


def test_a_cycle_without_assignments_costs_the_one_before_nothing(push, analyse, settings, redis):
    push()
    first, _ = analyse()
    analyses.note(settings, tenant="default")  # asked for and never run
    second, _ = analyse()
    queries = Queries(redis, tenant="default")
    assert [len(list(queries.assignments(one.id))) for one in (first, second)] == [180, 180]


def test_a_gap_that_is_searched_in_vain_keeps_a_bounded_history(tenant, redis):
    for number in range(HISTORY_KEPT):
        assert save_gap(tenant, at=NOW + number) == [MISSING.id]
        assert fill.fill(tenant, MISSING.id) == "empty"
    gap = tenant.gaps.get(MISSING.id)
    assert len(gap.history) == HISTORY_KEPT
    assert (gap.history[0], gap.history[-1].event) == (Step(at=NOW, event="found", detail="missing"), "empty")
    assert count(redis, "kaizen_gapfill_triggers") == HISTORY_KEPT


@pytest.mark.parametrize("event", ["open", "searching", "empty"])
def test_each_step_of_a_gap_leaves_the_history_within_bounds(tenant, event):
    full = [Step(at=0, event="found"), *(Step(at=number, event="old") for number in range(1, HISTORY_KEPT))]
    status = {"open": "unfilled", "searching": "open", "empty": "filling"}[event]
    tenant.gaps.save(replace(MISSING, status=status, insight="i1", history=full), old=None)
    steps = {
        "open": lambda: save_gap(tenant),
        "searching": lambda: fill._begin(tenant, MISSING.id),
        "empty": lambda: fill._end(tenant, MISSING.id, fill._step("empty", "0 entries"), status="unfilled"),
    }
    steps[event]()
    history = tenant.gaps.get(MISSING.id).history
    assert (len(history), history[0].event, history[-1].event) == (HISTORY_KEPT, "found", event)


def test_without_sources_no_gap_is_opened(without_sources):
    for number in range(3):
        assert save_gap(without_sources, at=NOW + number) == []
    gap = without_sources.gaps.get(MISSING.id)
    assert gap.status == "unfilled"
    assert [(step.event, step.detail) for step in gap.history] == [("found", "missing"), ("unfilled", saving.NO_SOURCE)]
    assert list(due.due_gaps(without_sources.runtime)) == []


def test_without_sources_an_open_gap_is_closed_and_counts_as_no_search(tenant, without_sources, redis):
    assert save_gap(tenant) == [MISSING.id]
    assert fill.fill(without_sources, MISSING.id) == "settled"
    gap = tenant.gaps.get(MISSING.id)
    assert (gap.status, gap.history[-1].detail) == ("unfilled", saving.NO_SOURCE)
    assert count(redis, "kaizen_gapfill_triggers") == 0
    assert save_gap(tenant) == [MISSING.id], "it is searched for as soon as there is where"


def test_the_log_is_trimmed_where_no_archive_can_be_written(tenant, settings, redis):
    settings.knowledge_base_path.write_text("a file where the folder should be")
    old = int((time.time() - (settings.metrics_retention_days + 1) * 86_400) * 1000)
    redis.xadd(keys.log("default"), {"b": b""}, id=f"{old}-0")
    redis.xadd(keys.log("default"), {"b": b""})
    with pytest.raises(OSError, match="knowledge"):
        daily.rotate(tenant)
    assert redis.xlen(keys.log("default")) == 1
    assert count(redis, "kaizen_rotations", result="failed") == 1
    settings.knowledge_base_path.unlink()
    daily.rotate(tenant)
    assert [count(redis, "kaizen_rotations", result=result) for result in ("done", "failed")] == [1, 1]


def test_an_unfinished_cycle_is_due_however_many_came_after_it(tenant, push, settings, redis):
    push(4)
    lost, *later = (analyses.note(settings, tenant="default") for _ in range(8))
    for one in later:
        tenant.cycles.save(replace(one, status="done"), old=one, rank=float(one.requested_at))
    redis.delete(keys.claim("default", analyses.claim(lost.id)))
    assert list(due.due_cycles(tenant.runtime)) == [("default", lost.id)]


def insight(number, status, seen_at):
    return Insight(
        id=f"i{number}",
        type="gap",
        description="",
        confidence=0.8,
        effect=Interval(estimate=0.0, low=0.0, high=0.0, unit=""),
        evidence=[],
        recommendation="",
        status=status,
        seen_at=seen_at,
    )


def store(tenant, insights):
    for one in insights:
        tenant.insights.save(one, old=None, counts=lifecycle.insight_counts(None, one))


def test_insights_leave_settled_first_then_proposed_then_dismissed_and_never_applied(settings):
    tenant = Runtime(settings.model_copy(update={"max_insights_stored": 100})).tenant("default")
    kinds = ["applied", "dismissed", "proposed", "confirmed"]  # of each 50, the oldest first as listed
    store(tenant, (insight(number, kinds[number // 50], number) for number in range(200)))
    now = datetime.now(UTC)
    assert daily.rotate(tenant, now=now).insights_archived == 100
    assert {one.status for one in tenant.insights.all()} == {"applied", "dismissed"}
    assert count(tenant.redis, "kaizen_active_insights") == 50
    store(tenant, (insight(number, "applied", number) for number in range(300, 310)))
    assert daily.rotate(tenant, now=now + timedelta(hours=1)).insights_archived == 10
    left = sorted(one.seen_at for one in tenant.insights.all() if one.status == "dismissed")
    assert left == list(range(60, 100)), "the oldest go first"


def test_proposed_insights_are_archived_the_oldest_first_and_can_be_read(settings):
    tenant = Runtime(settings.model_copy(update={"max_insights_stored": 100})).tenant("default")
    store(tenant, (insight(number, "proposed", 1000 - number) for number in range(103)))
    assert daily.rotate(tenant).insights_archived == 3
    assert min(one.seen_at for one in tenant.insights.all()) == 901
    (archive,) = (path for path in archives(tenant.archives) if path.name.startswith("insights"))
    lines = [line for _, part in read(archive) for line in part]
    assert [msgspec.json.decode(line, type=Insight).id for line in lines] == ["i102", "i101", "i100"]
    assert count(tenant.redis, "kaizen_active_insights") == 100


def test_the_log_is_kept_by_when_it_was_committed_not_by_when_it_happened(tenant, push, analyse):
    push()  # of 2023
    assert daily.rotate(tenant).trimmed == 0
    assert analyse()[0].interactions == 180
    assert daily.rotate(tenant).trimmed == 0
    assert analyse()[0].interactions == 180

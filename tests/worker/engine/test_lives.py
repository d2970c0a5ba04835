"""The life of each topic, beyond its end."""

from dataclasses import replace

from msgspec.structs import replace as copy

from kaizen_api.decided import View
from kaizen_api.lives import Point
from kaizen_api.queries import Queries
from kaizen_api.schema import Step, Topic
from kaizen_worker.engine import cycle
from kaizen_worker.engine.lives import DAYS_KEPT, EVENTS_KEPT, POINTS_KEPT, record, thinned
from kaizen_worker.store.snapshot import Snapshot, load_snapshot, publish

HOUR, DAY = 3_600_000_000, 86_400_000_000


def snapshot(*found, **gone):
    return Snapshot(0, "c", "m", found, None, 0.0, View(gone=gone))


def topic(topic_id, *history, size=5):
    return Topic(id=topic_id, name=topic_id, size=size, failure_rate=0.5, exemplars=[topic_id], history=list(history))


def test_each_analysis_adds_a_point_and_what_happened_and_again_nothing(tenant):
    born = Step(at=1, event="birth")
    record(tenant, snapshot(topic("a", born)), at=1)
    for _ in range(2):
        record(tenant, snapshot(topic("a", born, Step(at=2, event="gave", detail="b"), size=7)), at=2)
    life = tenant.lives.get("a")
    assert [step.event for step in life.history] == ["birth", "gave"]
    assert [(point.at, point.size) for point in life.series] == [(1, 5), (2, 7)]


def test_the_end_of_a_topic_is_told_once_and_undone_where_it_comes_back(tenant):
    record(tenant, snapshot(topic("a"), topic("b")), at=1)
    for at in (2, 3):
        record(tenant, snapshot(topic("b"), a="b"), at=at)
    life = tenant.lives.get("a")
    assert (life.ended_at, life.into, life.history) == (2, "b", [Step(at=2, event="merged into", detail="b")])
    record(tenant, snapshot(topic("a"), a=""), at=4)
    assert (tenant.lives.get("a").ended_at, tenant.lives.get("a").into) == (0, None)


def test_one_that_ended_too_long_ago_is_dropped(tenant):
    record(tenant, snapshot(topic("a"), topic("b")), at=1)
    record(tenant, snapshot(topic("b"), a=""), at=2)
    assert tenant.lives.get("a").history[-1].event == "death"
    record(tenant, snapshot(topic("b")), at=3)
    assert tenant.lives.get("a") is None


def test_a_history_is_bounded_and_begins_with_the_birth(tenant):
    many = [Step(at=at, event="gave", detail=str(at)) for at in range(EVENTS_KEPT + 5)]
    record(tenant, snapshot(topic("a", *many)), at=1)
    history = tenant.lives.get("a").history
    assert (len(history), history[0], history[-1]) == (EVENTS_KEPT, many[0], many[-1])


def test_a_series_keeps_the_last_cycles_and_one_a_day_before_them():
    series: list[Point] = []
    hours = 24 * (DAYS_KEPT + 30)
    for hour in range(hours):
        series = thinned([*series, Point(at=hour * HOUR, size=hour, failure_rate=0.0)])
    assert len(series) == POINTS_KEPT + DAYS_KEPT
    assert [point.size for point in series[-POINTS_KEPT:]] == list(range(hours - POINTS_KEPT, hours))
    days = [point.at // DAY for point in series[:-POINTS_KEPT]]
    assert days == list(range(days[0], days[0] + DAYS_KEPT))


def test_a_topic_that_ended_can_still_be_shown_and_counts_to_its_heirs_series(push, analyse, tenant, redis):
    push()
    analyse()
    queries = Queries(redis, tenant="default")
    gone, stays, *_ = queries.topics()
    last = load_snapshot(redis, tenant="default")
    left = [place for place, topic in enumerate(last.topics) if topic.id != gone.id]
    kept = tuple(last.topics[place] for place in left)
    ended = replace(last, topics=kept, centroids=last.centroids[left], view=View(gone={gone.id: stays.id}))
    assert publish(redis, ended, tenant="default")
    record(tenant, ended, at=2_000_000_000_000_000)
    former = queries.topic(gone.id)
    assert (former.into, former.name, former.exemplars, former.size) == (stays.id, gone.name, gone.exemplars, 0)
    history = queries.history(stays.id)
    assert [point.size for point in history.series] == [gone.size + stays.size, stays.size]


def test_the_worker_that_died_after_publishing_has_its_record_made_up_for(push, analyse, tenant):
    push()
    done, _ = analyse()
    lives = {life.id: life for life in tenant.lives.all()}
    assert lives
    for life in lives.values():
        tenant.lives.delete(life)
    tenant.cycles.update(done.id, lambda old: copy(old, status="running"), counts=lambda _old, _new: {})
    assert cycle.analyze(tenant, done.id) == []
    assert {life.id: life for life in tenant.lives.all()} == lives
    assert tenant.cycles.get(done.id).status == "done"

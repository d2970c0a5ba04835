"""The tempos of the loop on the real server: each may be repeated, interrupted and raced, and counts once."""

import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from kaizen_api import Interaction, Producer, analyses, keys
from kaizen_api.errors import Conflict, NotFound, Unavailable
from kaizen_api.metrics import field
from kaizen_api.queries import Queries
from kaizen_api.schema import Record
from kaizen_worker.engine import cycle, daily, due, fill, lifecycle, live
from kaizen_worker.engine.knowledge import LookUp
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.pipeline.effect import held_out
from kaizen_worker.store.dead import dead_letters
from kaizen_worker.store.snapshot import load_snapshot

NOW = 1_700_100_000_000_000


def metric(redis, name, **labels):
    tenant, rollup = (
        int(redis.hget(key, field(name, **labels)) or 0) for key in (keys.metrics("default"), keys.ROLLUP)
    )
    assert tenant == rollup
    return tenant


def state(tenant):
    """All that a cycle leaves, without the times of histories."""
    queries = Queries(tenant.redis, tenant="default")
    return (
        [replace(topic, history=[]) for topic in queries.topics()],
        sorted((one.id, one.description, one.confidence) for one in tenant.insights.all()),
        sorted((one.id, one.diagnosis, tuple(one.queries)) for one in tenant.gaps.all()),
    )


def test_a_cycle_finds_the_topic_that_is_not_served(tenant, push, analyse, redis):
    push()
    done, gaps = analyse()
    assert (done.status, done.interactions, metric(redis, "kaizen_analysis_cycles_total")) == ("done", 180, 1)
    assert sum(done.kinds.values()) == 180
    assert {"question", "statement"} <= {one.kind for one in Queries(redis, tenant="default").kinds().kinds}
    gap, *_ = [tenant.gaps.get(gap) for gap in gaps]
    topic = Queries(redis, tenant="default").topic(gap.topic)
    assert "stolen" in topic.exemplars[0] or "freeze" in topic.exemplars[0].lower()
    assert any("stolen" in query for query in gap.queries)
    insight = tenant.insights.get(gap.insight)
    assert (insight.type, insight.status, insight.gap) == ("gap", "proposed", gap.id)
    assigned = dict(Queries(redis, tenant="default").assignments(done.id))
    assert len(assigned) == 180
    assert assigned["n1"] == assigned["q1"], "a turn without a question belongs to the one before it"


def test_a_cycle_tells_which_scores_predict_failures(settings, analyse):
    with Producer(settings) as producer:
        for number in range(60):
            turns = [("How do I change my address", 0.8), ("My card was stolen", 0.3), ("no, that's not it", 0.8)]
            for turn, (query, grounded) in enumerate(turns):
                producer.push(
                    Interaction(
                        query=f"{query} {number}" if turn < 2 else query,
                        session_id=f"s{number}",
                        occurred_at=datetime.fromtimestamp(1_700_000_000 + number * 600 + turn * 20, UTC),
                        critics={"grounded": grounded + number % 7 / 50, "polite": (number * 7 + turn * 3) % 11 / 11},
                    )
                )
    done, _ = analyse()
    assert list(done.critics) == ["grounded", "polite"]
    assert done.critics["grounded"].weight > 1
    assert done.critics["grounded"].auc > 0.9
    assert (done.critics["polite"].weight, done.critics["polite"].by) == (0.0, "next_turn")


def test_a_cycle_that_is_done_does_nothing_more(tenant, push, analyse, redis):
    push()
    done, _ = analyse()
    before = state(tenant), metric(redis, "kaizen_insights_total", insight_type="gap")
    assert cycle.analyze(tenant, done.id) == []
    assert (state(tenant), metric(redis, "kaizen_insights_total", insight_type="gap")) == before
    assert metric(redis, "kaizen_analysis_cycles_total") == 1


@pytest.mark.parametrize("step", ["save_insights", "save_gaps", "publish", "save_assignments"])
def test_a_cycle_that_broke_off_is_run_again_and_counts_once(tenant, push, analyse, monkeypatch, step):
    redis = tenant.redis
    push()
    whole = getattr(cycle, step)

    def breaks(*arguments, **named):
        whole(*arguments, **named)
        raise Unavailable("the power went")

    monkeypatch.setattr(cycle, step, breaks)
    with pytest.raises(Unavailable):
        analyse()
    monkeypatch.setattr(cycle, step, whole)
    (broken,) = tenant.cycles.all()
    assert broken.status == "running"
    cycle.analyze(tenant, broken.id)
    interrupted = state(tenant)
    counts = redis.hgetall(keys.ROLLUP)
    redis.flushall()
    push()
    analyse()
    assert interrupted == state(tenant)
    untimed = [name for name in counts if b"duration" not in name]
    assert {name: counts[name] for name in untimed} == {name: redis.hget(keys.ROLLUP, name) for name in untimed}


def test_two_workers_share_no_cycle(tenant, push, settings, redis):
    push()
    while live.consume(tenant, place="0"):
        pass
    asked = analyses.note(settings, tenant="default")
    redis.set(keys.claim("default", analyses.claim(asked.id)), "another worker", ex=60)
    assert cycle.analyze(tenant, asked.id) == []
    assert tenant.cycles.get(asked.id).status == "queued"


def test_too_few_interactions_are_said_plainly(push, analyse):
    push(4)
    done, _ = analyse()
    assert (done.status, done.interactions) == ("insufficient_data", 6)


def test_topics_keep_their_ids_and_count_what_comes_in_live(tenant, push, analyse, redis):
    push()
    analyse()
    first = {topic.id for topic in Queries(redis, tenant="default").topics()}
    push(20, first=1000)
    while live.consume(tenant, place="0"):
        pass
    topics = Queries(redis, tenant="default").topics()
    assert sum(topic.live for topic in topics) >= 20
    analyse()
    assert {topic.id for topic in Queries(redis, tenant="default").topics()} == first
    assert load_snapshot(redis, tenant="default").version == 2


def test_a_gap_is_filled_once_and_waits_for_approval(tenant, push, analyse, redis):
    push()
    _, (gap, *_) = analyse()
    assert [fill.fill(tenant, gap), fill.fill(tenant, gap)] == ["filled", "settled"]
    assert metric(redis, "kaizen_gapfill_triggers") == metric(redis, "kaizen_gapfill_runs_total", outcome="filled") == 1
    filled = tenant.gaps.get(gap)
    entries = tenant.entries.many(filled.entries)
    assert filled.status == "proposed"
    assert {entry.state for entry in entries} == {"quarantined"}
    assert any("freeze a stolen card" in entry.text for entry in entries)
    assert all(entry.provenance.gap == gap and entry.provenance.url for entry in entries)
    assert metric(redis, "kaizen_knowledge_base_size") == 0


def test_applying_lets_the_assistant_find_it_and_reverting_takes_it_back(tenant, settings, push, analyse, redis):
    push()
    _, (gap, *_) = analyse()
    fill.fill(tenant, gap)
    insight = tenant.gaps.get(gap).insight
    look = LookUp(Runtime(settings, redis))
    asked = {"query": "freeze stolen card", "limit": 5}
    assert look.knowledge("default", session_id=None, **asked) == []
    for _ in range(2):
        assert lifecycle.apply(tenant, insight, at=NOW).status == "applied"
    assert metric(redis, "kaizen_insights_applied") == metric(redis, "kaizen_insight_applications_total") == 1
    assert tenant.gaps.get(gap).status == "filled"
    fresh = LookUp(Runtime(settings, redis))
    with_it = next(f"s{n}" for n in range(99) if not held_out(f"s{n}", insight, 0.2))
    without = next(f"s{n}" for n in range(99) if held_out(f"s{n}", insight, 0.2))
    assert "freeze a stolen card" in fresh.knowledge("default", session_id=with_it, **asked)[0].text
    assert fresh.knowledge("default", session_id=without, **asked) == []
    with pytest.raises(Conflict, match="revert it first"):
        lifecycle.dismiss(tenant, insight, reason="no", at=NOW)
    for _ in range(2):
        assert lifecycle.revert(tenant, insight, reason="worse", at=NOW).status == "reverted"
    assert metric(redis, "kaizen_effects_total", verdict="reverted") == 1
    assert metric(redis, "kaizen_knowledge_base_size") == 0
    assert LookUp(Runtime(settings, redis)).knowledge("default", session_id=with_it, **asked) == []


@pytest.mark.parametrize("step", ["apply", "revert"])
def test_a_step_that_broke_off_is_finished(tenant, push, analyse, monkeypatch, step):
    redis = tenant.redis
    push()
    _, (gap, *_) = analyse()
    fill.fill(tenant, gap)
    insight = tenant.gaps.get(gap).insight
    if step == "revert":
        lifecycle.apply(tenant, insight, at=NOW)

    def breaks(*_, **__):
        raise Unavailable("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "let_in" if step == "apply" else "take_out", breaks)
        with pytest.raises(Unavailable):
            lifecycle.apply(tenant, insight, at=NOW) if step == "apply" else lifecycle.revert(
                tenant, insight, reason="harm", at=NOW
            )
    for _ in range(2):
        lifecycle.reconcile(tenant, at=NOW)
    entries = tenant.entries.many(tenant.gaps.get(gap).entries)
    assert {entry.state for entry in entries} == {"active" if step == "apply" else "expired"}
    assert metric(redis, "kaizen_knowledge_base_size") == (len(entries) if step == "apply" else 0)


def test_a_measure_out_of_range_is_poison_and_counts_nothing(tenant, push, redis):
    push(10)
    poison = Record(id="huge", occurred_at=NOW, query="x", response_time=1.7e18)
    redis.xadd(keys.stream("default"), {"r": msgspec.msgpack.encode(poison)})
    while live.consume(tenant, place="0"):
        pass
    (letter,) = dead_letters(redis, tenant="default")
    assert letter.interaction.id == "huge"
    assert metric(redis, "kaizen_interactions_total", outcome="ok") == 15
    assert metric(redis, "kaizen_recent_count") == redis.llen(keys.recent("default")) == 15


def test_an_object_of_a_later_version_can_be_changed(tenant, redis):
    later = msgspec.msgpack.encode(
        {"id": "g", "topic": "t", "diagnosis": "missing", "users": 0, "queries": [], "new": 1}
    )
    redis.hset(keys.objects("default", "gap"), "g", later)
    assert lifecycle.set_gap(tenant, "g", "filled", at=NOW).status == "filled"
    assert tenant.gaps.save(replace(tenant.gaps.get("g"), users=3), old=tenant.gaps.get("g"))


def test_what_is_dismissed_stays_dismissed(tenant, push, analyse, redis):
    push()
    _, (gap, *_) = analyse()
    insight = tenant.gaps.get(gap).insight
    lifecycle.dismiss(tenant, insight, reason="known", at=NOW)
    found = metric(redis, "kaizen_insights_total", insight_type="gap")
    push(20, first=1000)
    _, again = analyse()
    assert gap not in again
    assert tenant.insights.get(insight).status == "dismissed"
    assert metric(redis, "kaizen_insights_total", insight_type="gap") == found
    with pytest.raises(NotFound):
        lifecycle.apply(tenant, "absent", at=NOW)


def test_a_source_that_is_down_opens_its_breaker_and_loses_nothing(tenant, push, analyse, documents, redis):
    push()
    _, (gap, *_) = analyse()
    hidden = documents.rename(documents.with_name("hidden"))
    outcomes = [fill.fill(tenant, gap) for _ in range(4)]
    assert outcomes == ["failed", "failed", "failed", "rejected"]
    assert tenant.gaps.get(gap).status == "open"
    assert ("default", gap) not in list(due.due_gaps(tenant.runtime)), "it is put off"
    assert metric(redis, "kaizen_breaker_transitions_total", breaker="default/folder", state="open") == 1
    hidden.rename(documents)
    tenant.breaker("folder").close()
    assert fill.fill(tenant, gap) == "filled"


def test_effects_are_measured_against_the_hold_out(tenant, push, analyse, settings, redis):
    push()
    _, (gap, *_) = analyse()
    fill.fill(tenant, gap)
    insight = tenant.gaps.get(gap).insight
    question = Queries(redis, tenant="default").topic(tenant.gaps.get(gap).topic).exemplars[0]
    applied = time.time_ns() // 1000
    lifecycle.apply(tenant, insight, at=applied)
    start = datetime.fromtimestamp(applied / 1e6, UTC) + timedelta(seconds=1)
    with Producer(settings) as producer:
        for number in range(700):
            failed = held_out(f"later{number}", insight, settings.hold_out)
            producer.push(
                Interaction(
                    id=f"l{number}",
                    query=question,
                    session_id=f"later{number}",
                    response="Sorry, I don't have information about that." if failed else "Choose Cards, then Freeze.",
                    feedback=-1.0 if failed else 1.0,
                    occurred_at=start + timedelta(seconds=number),
                )
            )
    analyse()
    effect = tenant.effects.get(insight)
    assert effect.exposed + effect.held_out == 700
    assert effect.difference.high < -0.3
    assert (effect.verdict, tenant.insights.get(insight).status) == ("confirmed", "confirmed")
    assert metric(redis, "kaizen_effects_total", verdict="confirmed") == 1


def test_poison_becomes_a_dead_letter_and_takes_nobody_along(tenant, push, redis, settings):
    push(10)
    redis.xadd(keys.stream("default"), {"r": b"\xc1 this is no record"})
    push(10, first=100)
    while live.consume(tenant, place="0"):
        pass
    (letter,) = dead_letters(redis, tenant="default")
    assert letter.interaction is None
    assert letter.attempts == settings.max_deliveries
    assert "DecodeError" in letter.reason
    assert metric(redis, "kaizen_interactions_total", outcome="ok") == 30
    assert redis.hlen(keys.tries("default")) == 0


def test_an_outage_buries_nothing(tenant, push, redis, monkeypatch):
    push(10)

    def down(_):
        raise Unavailable("the embedder is away")

    monkeypatch.setattr(type(tenant.embedder), "embed", lambda _, texts: down(texts))
    for _ in range(20):
        with pytest.raises(Unavailable):
            live.consume(tenant, place="0")
    monkeypatch.undo()
    while live.consume(tenant, place="0"):
        pass
    assert list(dead_letters(redis, tenant="default")) == []
    assert metric(redis, "kaizen_interactions_total", outcome="ok") == 15


def test_what_is_due_is_offered_once(tenant, push, settings):
    push(4)
    asked = analyses.note(settings, tenant="default")
    assert list(due.due_consumers(tenant.runtime)) == [("default", "0")]
    assert list(due.due_consumers(tenant.runtime)) == []
    assert list(due.due_cycles(tenant.runtime)) == [], "somebody was asked a moment ago"
    tenant.redis.delete(keys.claim("default", analyses.claim(asked.id)))
    assert list(due.due_cycles(tenant.runtime)) == [("default", asked.id)]
    assert list(due.due_cycles(tenant.runtime)) == []


def test_a_rotation_archives_verifies_and_cleans_up(tenant, push, analyse, settings):
    push()
    _, (gap, *_) = analyse()
    fill.fill(tenant, gap)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    done = daily.rotate(tenant, now=tomorrow)
    assert (done.entries, done.trimmed) == (len(list(tenant.entries.all())), 0)
    assert daily.rotate(tenant, now=tomorrow) == done
    later = daily.rotate(tenant, now=tomorrow + timedelta(days=settings.kb_rotation_keep_days + 1))
    assert later.pruned == [done.archive]


@pytest.mark.parametrize(
    ("zone", "stamp"), [("Pacific/Auckland", "20250330T110000"), ("America/New_York", "20250330T040000")]
)
def test_the_day_of_a_rotation_is_that_of_the_zone(settings, redis, zone, stamp):
    """At 22:30 UTC it is the next day's noon in Auckland, and evening in New York, whose clocks changed that month."""
    tenant = Runtime(settings.model_copy(update={"timezone": zone}), redis).tenant("default")
    done = daily.rotate(tenant, now=datetime(2025, 3, 30, 22, 30, tzinfo=UTC))
    assert done.archive.startswith(f"entries-{stamp}")


def test_exemplars_that_cannot_be_kept_hold_up_no_commit_and_no_gap(push, analyse, redis):
    redis.set(keys.EXEMPLARS, "none of ours")
    push()
    done, due = analyse()
    assert not redis.xlen(keys.dead("default"))
    assert done.status == "done"
    assert due

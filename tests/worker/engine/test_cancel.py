"""A cycle that somebody cancels stops soon, publishes nothing, and is not started again."""

import pytest

from kaizen_api import Interaction, Producer, analyses, keys
from kaizen_api.errors import Conflict, NotFound
from kaizen_api.metrics import field
from kaizen_api.queries import Queries
from kaizen_api.schema import Cycle
from kaizen_worker.engine import cycle, due, live, progress, sharing
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.store.snapshot import load_snapshot


@pytest.fixture
def ask(settings, push, tenant):
    """An analysis of a log that is taken in; returns it."""

    def ask():
        push()
        while live.consume(tenant, place="0"):
            pass
        return analyses.note(settings, tenant="default")

    return ask


@pytest.fixture
def stop(settings):
    return lambda one: analyses.cancel(settings, tenant="default", cycle_id=one.id)


def counted(redis):
    name = field("kaizen_analysis_cancellations_total")
    tenant, rollup = (int(redis.hget(key, name) or 0) for key in (keys.metrics("default"), keys.ROLLUP))
    assert tenant == rollup
    return tenant


def published(tenant):
    return [*tenant.insights.all(), *tenant.gaps.all(), *Queries(tenant.redis, tenant="default").topics()]


def test_one_that_waits_is_never_begun(tenant, ask, stop, redis):
    asked = ask()
    assert (stop(asked).status, stop(asked).detail, counted(redis)) == ("cancelled", "before it began", 1)
    redis.delete(keys.claim("default", analyses.claim(asked.id)))
    assert list(due.due_cycles(tenant.runtime)) == []
    assert cycle.analyze(tenant, asked.id) == []
    assert tenant.cycles.get(asked.id) == stop(asked)
    assert published(tenant) == []


@pytest.mark.parametrize("step", ["read_log", "signals", "find_topics", "find_gaps", "findings"])
def test_one_that_runs_stops_and_publishes_nothing(tenant, ask, stop, monkeypatch, step):
    asked, whole = ask(), getattr(cycle, step)

    def cancelled_meanwhile(*arguments, **named):
        stop(asked)
        return whole(*arguments, **named)

    monkeypatch.setattr(cycle, step, cancelled_meanwhile)
    assert cycle.analyze(tenant, asked.id) == []
    stored = tenant.cycles.get(asked.id)
    assert (stored.status, stored.step, counted(tenant.redis)) == ("cancelled", "", 1)
    assert stored.detail.startswith("in step ")
    assert stored.finished_at > stored.requested_at
    assert published(tenant) == []
    assert load_snapshot(tenant.redis, tenant="default") is None
    assert not tenant.redis.keys(keys.assignments("default", "*").replace("{default}", "*"))
    assert not tenant.redis.exists(keys.claim("default", analyses.claim(asked.id))), "its claim is given back"


@pytest.mark.parametrize("step", ["save_assignments", "save_insights", "publish"])
def test_one_that_stores_what_it_found_ends_as_if_nobody_had_asked(tenant, ask, stop, monkeypatch, step):
    asked, whole, refused = ask(), getattr(cycle, step), []

    def asked_meanwhile(*arguments, **named):
        with pytest.raises(Conflict, match="stores what it found"):
            stop(asked)
        refused.append(step)
        return whole(*arguments, **named)

    monkeypatch.setattr(cycle, step, asked_meanwhile)
    cycle.analyze(tenant, asked.id)
    assert (tenant.cycles.get(asked.id).status, refused, counted(tenant.redis)) == ("done", [step], 0)
    assert published(tenant)


def test_what_a_killed_worker_had_begun_to_store_is_stored_to_the_end(tenant, ask, stop, monkeypatch):
    asked = ask()
    with monkeypatch.context() as patched:
        patched.setattr(cycle, "save_gaps", lambda *_, **__: (_ for _ in ()).throw(ConnectionError("killed")))
        with pytest.raises(ConnectionError):
            cycle.analyze(tenant, asked.id)
    with pytest.raises(Conflict):
        stop(asked)
    cycle.analyze(tenant, asked.id)
    assert tenant.cycles.get(asked.id).status == "done"


def test_what_has_ended_or_never_was_cannot_be_cancelled(tenant, ask, stop, settings):
    asked = ask()
    cycle.analyze(tenant, asked.id)
    with pytest.raises(Conflict, match="ended as done"):
        stop(asked)
    with pytest.raises(NotFound, match="--list"):
        analyses.cancel(settings, tenant="default", cycle_id="y1")


TEXTS = 3000


@pytest.fixture
def unread(settings, tenant):
    """An analysis of many texts of which none is embedded: they were taken in with another model."""
    with Producer(settings) as producer:
        producer.append(Interaction(query=f"question number {number}") for number in range(TEXTS))
    while live.consume(tenant, place="0"):
        pass
    tenant.redis.delete(*tenant.redis.keys("*:vectors:*"))
    return analyses.note(settings, tenant="default")


def test_a_long_embedding_tells_how_far_it_is(tenant, unread, monkeypatch):
    monkeypatch.setattr(progress, "TOLD_SECONDS", 0.0)
    seen, whole = [], sharing.take
    monkeypatch.setattr(sharing, "take", lambda one: seen.append(tenant.cycles.get(unread.id)) or whole(one))
    cycle.analyze(tenant, unread.id)
    told = [(one.step, one.detail, one.progress) for one in seen]
    assert told[0] == ("embed", "", progress.STEPS["embed"])
    assert told[5][:2] == ("embed", f"{5 * sharing.PIECE} of 3,000 texts")
    shares = [share for _, _, share in told]
    assert shares == sorted(shares)
    assert progress.STEPS["embed"] < shares[5] < shares[-1] <= progress.STEPS["signals"]
    assert tenant.cycles.get(unread.id).detail == ""


def test_progress_is_noted_now_and_then_and_costs_nothing_between(tenant, unread, monkeypatch):
    notes, told = [], []
    whole, telling = type(tenant.cycles).save, progress.Progress.tell
    monkeypatch.setattr(
        type(tenant.cycles), "save", lambda *given, **named: notes.append(given) or whole(*given, **named)
    )
    monkeypatch.setattr(progress.Progress, "tell", lambda *given: told.append(1) or telling(*given))
    monkeypatch.setattr(progress, "TOLD_SECONDS", 3600.0)
    cycle.analyze(tenant, unread.id)
    assert len(told) >= TEXTS // sharing.PIECE
    assert sum(isinstance(new, Cycle) for _, new in notes) == 2 * len(progress.STEPS) + 3, "attempt, finds, end"


def test_within_a_long_embedding_it_stops_and_no_idle_worker_goes_on(tenant, unread, stop, settings, monkeypatch):
    monkeypatch.setattr(progress, "TOLD_SECONDS", 0.0)
    others, embedded, whole = Runtime(settings).tenant("default"), [], sharing.take

    def take(one):
        embedded.append(len(embedded))
        if len(embedded) == 4:
            stop(unread)
        return whole(one)

    monkeypatch.setattr(sharing, "take", take)
    assert cycle.analyze(tenant, unread.id) == []
    assert (tenant.cycles.get(unread.id).status, len(embedded)) == ("cancelled", 4)
    assert not tenant.redis.exists(keys.unembedded("default"))
    assert not whole(others)


def test_few_texts_and_those_that_nobody_shares_are_watched_too(tenant, ask, stop, monkeypatch):
    monkeypatch.setattr(progress, "TOLD_SECONDS", 0.0)
    asked = ask()
    tenant.redis.delete(*tenant.redis.keys("*:vectors:*"))
    whole = type(tenant.embedder).embed
    monkeypatch.setattr(cycle, "renew", lambda *_, **__: stop(asked))
    monkeypatch.setattr(type(tenant.embedder), "embed", lambda *given: pytest.fail("it went on") or whole(*given))
    assert cycle.analyze(tenant, asked.id) == []
    assert tenant.cycles.get(asked.id).status == "cancelled"

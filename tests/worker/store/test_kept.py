"""Objects, snapshots, vectors, claims: saved once, replaced whole, and safe under a race."""

import threading

import numpy as np
from msgspec.structs import replace

from kaizen_api import keys
from kaizen_api.metrics import field
from kaizen_api.schema import Gap, Topic
from kaizen_worker.embedding import load
from kaizen_worker.store.claims import Claim, offer, taken
from kaizen_worker.store.objects import Objects
from kaizen_worker.store.snapshot import Snapshot, load_snapshot, publish
from kaizen_worker.store.vectors import VectorStore

SERIES = field("kaizen_gapfill_triggers")


def gaps(redis):
    return Objects(redis, tenant="default", kind="gap", type_=Gap)


def gap(**fields):
    return Gap(**{"id": "g1", "topic": "t1", "diagnosis": "missing", "users": 0, "queries": [], **fields})


def triggers(redis):
    return int(redis.hget(keys.ROLLUP, SERIES) or 0)


def test_a_save_counts_once_however_often_it_is_replayed(redis):
    for _ in range(3):
        gaps(redis).save(gap(), old=None, counts={SERIES: 1})
    assert (triggers(redis), gaps(redis).get("g1")) == (1, gap())


def test_a_save_over_what_somebody_else_changed_is_refused_and_counts_nothing(redis):
    store = gaps(redis)
    assert store.save(gap(), old=None)
    assert store.save(gap(users=1), old=gap())
    assert not store.save(gap(users=2), old=gap(), counts={SERIES: 1})
    assert not store.save(gap(users=2), old=None, counts={SERIES: 1})
    assert not store.delete(gap(), counts={SERIES: 1})
    assert (triggers(redis), store.get("g1").users) == (0, 1)
    assert store.delete(gap(users=1), counts={SERIES: 1})
    assert (triggers(redis), store.get("g1"), redis.zcard(keys.order("default", "gap"))) == (1, None, 0)


def test_racing_updates_all_take_effect_once(redis):
    store = gaps(redis)
    store.save(gap(), old=None)

    def add():
        for _ in range(50):
            store.update("g1", lambda old: replace(old, users=old.users + 1), counts=lambda _old, _new: {SERIES: 1})

    racers = [threading.Thread(target=add) for _ in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert store.get("g1").users == triggers(redis) == 300


def test_an_update_that_changes_nothing_counts_nothing(redis):
    assert gaps(redis).update("g1", lambda _: None, counts=lambda _old, _new: {SERIES: 1}) is None
    assert triggers(redis) == 0


def snapshot(version, cycle, names):
    topics = tuple(Topic(id=f"t{name}", name=name, size=1, failure_rate=0.0, exemplars=[name]) for name in names)
    centroids = np.eye(max(len(names), 1), 4, dtype=np.float32)[: len(names)]
    return Snapshot(version=version, cycle=cycle, model="m", topics=topics, centroids=centroids, threshold=0.25)


def test_topics_are_replaced_whole_and_only_by_who_began_with_them(redis):
    assert load_snapshot(redis, tenant="default") is None
    assert publish(redis, snapshot(0, "one", "ab"), tenant="default")
    redis.hset(keys.live("default"), "ta", 3)
    assert not publish(redis, snapshot(0, "late", "c"), tenant="default")
    assert publish(redis, snapshot(1, "two", "abc"), tenant="default")
    stored = load_snapshot(redis, tenant="default")
    assert (stored.version, stored.cycle, [topic.name for topic in stored.topics]) == (2, "two", list("abc"))
    np.testing.assert_array_equal(stored.centroids, snapshot(0, "", "abc").centroids)
    assert not redis.exists(keys.live("default"))
    assert redis.hget(keys.ROLLUP, field("kaizen_topics")) == b"3"


def test_no_topics_are_topics_too(redis):
    assert publish(redis, snapshot(0, "one", ""), tenant="default")
    assert load_snapshot(redis, tenant="default").topics == ()


def test_a_text_is_embedded_once_and_comes_back_to_the_bit(redis):
    asked = []

    def embed(texts):
        asked.extend(texts)
        return load("static").embed(texts)

    def store(model):
        return VectorStore(redis, tenant="default", model=model, dimension=256, retention_days=7)

    texts = [f"text {'x' * (index % 40)} {index}" for index in range(2500)]
    first = store("m").get(texts, embed)
    np.testing.assert_array_equal(store("m").get(texts[::-1], embed)[::-1], first)
    np.testing.assert_array_equal(first, load("static").embed(texts))
    assert len(asked) == 2500
    store("other").get(texts[:1], embed)
    assert len(asked) == 2501
    assert store("m").get([], embed).shape == (0, 256)


def test_a_job_is_offered_once_and_done_by_one(redis):
    job = {"tenant": "default", "job": "j", "seconds": 60}
    assert offer(redis, **job)
    assert not offer(redis, **job)
    with taken(redis, **job) as ours:
        assert ours
        assert not offer(redis, **job)
        with taken(redis, **job) as theirs:
            assert theirs is None
        assert not Claim(redis, **job).take()
    assert offer(redis, **job)


def test_a_claim_that_ran_out_is_not_given_back_for_another(redis):
    slow, quick = (Claim(redis, tenant="default", job="j", seconds=60) for _ in range(2))
    assert slow.take()
    redis.delete(keys.claim("default", "j"))
    assert quick.take()
    slow.give_back()
    assert not Claim(redis, tenant="default", job="j", seconds=60).take()


def test_what_is_put_off_is_not_offered(redis):
    claim = Claim(redis, tenant="default", job="j", seconds=60)
    claim.put_off(30)
    assert not offer(redis, tenant="default", job="j", seconds=60)
    assert 0 < redis.ttl(keys.claim("default", "j")) <= 30


def test_what_is_absent_is_none(redis):
    assert list(gaps(redis).all()) == []
    assert gaps(redis).many(["absent"]) == [None]
    assert gaps(redis).many([]) == []

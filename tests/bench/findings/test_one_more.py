"""One interaction more: nothing else changes. How often it does, over many kinds of one more, and what.

A log is analysed, one interaction is added, and it is analysed again: topics, names, the topic of each interaction,
insights, gaps and their states are compared. Beside it, how much a first analysis differs that knows of none before.
"""

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sklearn.metrics import adjusted_rand_score

from kaizen_api import Interaction, KaizenConfig, Producer, analyses
from kaizen_api.queries import Queries
from kaizen_worker.engine import cycle, live
from kaizen_worker.engine.runtime import Runtime

TEXTS = 4000
EXTRAS = 30
FAR = ("zxqv wrrt plomf", "ねこはどこで寝ていますか", "a mitochondrion is a cell's powerhouse", "🎉🎉🎉", "SELECT 1;")
START = datetime(2026, 3, 1, tzinfo=UTC)

pytestmark = pytest.mark.timeout(3600)


def asked(texts, labels):
    """The log: some intents are refused, some time out, some are asked again; half of the texts come twice."""
    draw = random.Random(7)
    for number, text in enumerate([*texts, *texts[::2]]):
        bad = hash_of(labels[text])
        yield Interaction(
            id=f"i{number}",
            query=text,
            occurred_at=START + timedelta(seconds=20 * number),
            session_id=f"s{number // 2}",
            user_id=f"u{number % 700}",
            response="Sorry, I don't have information about that." if bad == 0 else "You do it as follows.",
            response_time=draw.expovariate(0.2 if bad == 1 else 1),
            error="timeout" if draw.random() < (0.3 if bad == 2 else 0.01) else None,
            feedback=draw.choice([None] * 9 + [-1.0 if bad == 0 else 1.0]),
            model="large" if draw.random() < 0.4 else "small",
        )


def hash_of(label):
    return sum(label.encode()) % 9


@pytest.fixture
def log(data):
    """(the log, texts of the same intents that are not in it)"""
    rows = [json.loads(line) for line in (data / "clinc150.jsonl").read_text().splitlines()]
    labels = {row["text"]: row["label"] for row in rows}
    texts = random.Random(5).sample(sorted(labels), TEXTS + EXTRAS)
    return list(asked(texts[:TEXTS], labels)), texts[TEXTS:]


@pytest.fixture
def settings(config):
    return KaizenConfig(
        redis_url=config.redis_url,
        data_dir=config.data_dir,
        embedder="static",
        use_celery_tasks=False,
        max_insights_per_cycle=50,
    )


@pytest.fixture
def analyse(settings):
    def analyse(interactions):
        """Push, take in, analyse; what there is then, by kind."""
        tenant = Runtime(settings).tenant("default")
        with Producer(settings) as producer:
            producer.append(interactions)
        while live.consume(tenant, place="0"):
            pass
        request = analyses.note(settings, tenant="default")
        cycle.analyze(tenant, request.id)
        queries = Queries(tenant.redis, tenant="default")
        return {
            "topics": {topic.id for topic in queries.topics()},
            "names": {topic.id: topic.name for topic in queries.topics()},
            "assignments": dict(queries.assignments(request.id)),
            "insights": {one.id: (one.type, one.status) for one in tenant.insights.all()},
            "gaps": {one.id: (one.topic, one.diagnosis, one.status) for one in tenant.gaps.all()},
        }

    return analyse


def extras(interactions, fresh):
    """(kind, one interaction more)"""
    draw = random.Random(3)
    last = interactions[-1].occurred_at
    for number in range(EXTRAS):
        kind = ("a text again", "a new text", "far from all")[number % 3]
        text = {"a text again": draw.choice(interactions).query, "a new text": fresh[number]}.get(kind)
        query = text or f"{FAR[number // 3 % len(FAR)]} {number}"
        at = last + timedelta(seconds=20) if number % 2 else START + timedelta(seconds=20 * draw.randrange(TEXTS) + 1)
        yield kind, Interaction(id="more", query=query, response="You do it so.", occurred_at=at, session_id="more")


def changed(before, after):
    """Kind -> how many of what was there before are gone, new, or otherwise."""
    counts = {}
    for kind, old in before.items():
        new = after[kind]
        if kind == "topics":
            counts[kind] = len(old ^ new)
        else:
            keys = (old.keys() | new.keys()) - {"more"}
            counts[kind] = sum(old.get(key) != new.get(key) for key in keys)
    return {kind: count for kind, count in counts.items() if count}


def restored(redis, stored):
    redis.flushall()
    pipe = redis.pipeline()
    for key, (value, ttl) in stored.items():
        pipe.restore(key, max(ttl, 0), value)
    pipe.execute()


def test_one_more_after_an_analysis(redis, log, analyse):
    interactions, fresh = log
    before, again, rounds = analyse(interactions), analyse([]), 2
    while difference := changed(before, again):
        assert set(difference) == {"insights"}, "the same log again: no more than the next strongest are stored"
        before, again, rounds = again, analyse([]), rounds + 1
    stored = {key: (redis.dump(key), redis.pttl(key)) for key in redis.scan_iter()}
    sizes = {kind: len(of) for kind, of in before.items()}
    print(f"\n{len(interactions)} interactions, {rounds} analyses until all findings are stored: {sizes}")
    touched = Counter()
    for kind, extra in extras(interactions, fresh):
        restored(redis, stored)
        difference = changed(before, analyse([extra]))
        touched[kind] += bool(difference)
        print(f"  {kind}: {extra.query[:40]!r}: {difference or 'nothing'}", flush=True)
    print(f"of {EXTRAS} times one more, something else changed {sum(touched.values())} times: {dict(touched)}")


def test_one_more_in_a_first_analysis(redis, log, analyse):
    interactions, fresh = log
    before, agreement, topics = analyse(interactions)["assignments"], [], []
    for kind, extra in list(extras(interactions, fresh))[:6]:
        redis.flushall()
        found = analyse([*interactions, extra])
        topics.append(len(found["topics"]))
        names = [str(found["assignments"][key]) for key in before]
        agreement.append(adjusted_rand_score([str(topic) for topic in before.values()], names))
        print(f"\n  {kind}: ARI {agreement[-1]:.3f}, {topics[-1]} topics", end="", flush=True)
    print(f"\na first analysis with one more, beside one without: ARI {min(agreement):.3f} to {max(agreement):.3f}")

"""Patterns while interactions arrive, on the real server: told and counted once, whoever dies; never of old logs."""

import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from redis import ConnectionError as Lost
from redis import Redis

from kaizen_api import Interaction, KaizenConfig, Producer, keys
from kaizen_api.explanation import explain
from kaizen_api.metrics import field
from kaizen_api.metrics.table import PATTERNS
from kaizen_api.queries import Queries
from kaizen_worker.engine import due, live
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.engine.watch import _save, watch
from kaizen_worker.store.claims import Claim
from kaizen_worker.store.detection import unpack_state

SUBJECTS = {
    "garden": "tomato seedlings compost mildew pruning trellis mulch aphids",
    "bicycle": "derailleur brakes saddle spokes gearshift pedals chainring tubeless",
    "baking": "sourdough hydration oven crust proofing flour starter banneton",
    "camera": "aperture shutter lens tripod exposure histogram autofocus flashgun",
    "harbour": "mooring anchor tide ferry pontoon dredging lighthouse customs",
    "violin": "rosin bow vibrato strings luthier bridge pegs etude",
    "payroll": "salary overtime payslip deduction pension bonus taxcode backpay",
    "weather": "barometer drizzle forecast humidity frost gale isobar sunshine",
}
NEW = "quarantine zoonosis jackdaw xylophone quokka vexillology"
HARBOUR = list(SUBJECTS).index("harbour")
NUMBER = 3_000


class Desk:
    """A tenant, those who ask, and what was told of them."""

    def __init__(self, config):
        self.config = config
        self.tenant = Runtime(config).tenant("default")
        self.draw = random.Random(5)
        self.number = 0

    def ask(self, words, *, ago=0.0, **fields):
        """A question in words of its subject, asked so many minutes ago; by somebody else each time."""
        self.number += 1
        first, second, *others = words.split()
        usual = {
            "id": f"i{self.number}",
            "occurred_at": datetime.now(UTC) - timedelta(minutes=ago),
            "user_id": f"u{self.number}",
            "response_time": self.draw.lognormvariate(0, 0.3),
            "error": "timeout" if self.draw.random() < 0.02 else None,
        }
        return Interaction(query=f"{first} {second} {self.draw.choice(others)}", **usual | fields)

    def some(self, number, *, weight=1.0, earliest=0.0, latest=0.0):
        """Usual talk, in which the harbour has so many times the weight of each other subject."""
        weights = [weight if subject == "harbour" else 1.0 for subject in SUBJECTS]
        for subject in self.draw.choices(list(SUBJECTS), weights, k=number):
            yield self.ask(SUBJECTS[subject], ago=self.draw.uniform(earliest, latest))

    def plant(self, pattern):
        """Enough of a pattern, among the usual talk."""
        if pattern == "burst":
            yield from self.some(600, weight=30)
            return
        for one in self.some(900):
            if pattern == "new_topic":
                yield self.ask(NEW)
            elif one.query.startswith("mooring"):
                one.error = "quota" if pattern == "error" else one.error
                one.response_time = one.response_time * 8 if pattern == "latency" else one.response_time
            yield one

    def send(self, interactions):
        """Have them committed, and looked at."""
        with Producer(self.config) as producer:
            producer.append(interactions)
        while live.consume(self.tenant, place="0"):
            pass

    def told(self):
        """Patterns by id, and the counts of all."""
        found = {one.id: one.subject["pattern"] for one in self.tenant.insights.all() if "pattern" in one.subject}
        counts = {}
        for pattern in PATTERNS:
            series = field("kaizen_live_patterns_total", pattern=pattern)
            own, rollup = (self.tenant.redis.hget(key, series) for key in (keys.metrics("default"), keys.ROLLUP))
            assert own == rollup
            counts[pattern] = int(own or 0)
        assert counts == {pattern: list(found.values()).count(pattern) for pattern in PATTERNS}
        return found


@pytest.fixture
def new_desk(config):
    def make(**settings):
        fixed = {"redis_url": config.redis_url, "data_dir": config.data_dir, "embedder": "static", "batch_size": 100}
        return Desk(KaizenConfig(**fixed, use_celery_tasks=False, **settings))

    return make


@pytest.fixture
def tenant(new_desk):
    return new_desk().tenant


@pytest.fixture
def settings(tenant):
    return tenant.config


@pytest.fixture
def desk(new_desk, analyse):
    """One that knows what is usual."""
    made = new_desk()
    made.send(made.some(NUMBER, earliest=180, latest=11))
    done, _ = analyse()
    assert done.topics == len(SUBJECTS)
    return made


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_planted_pattern_is_one_insight_and_one_count(desk, pattern):
    desk.send(desk.plant(pattern))
    told = desk.told()
    assert list(told.values()) == [pattern]
    [insight] = [desk.tenant.insights.get(one) for one in told]
    assert insight.status == "proposed"
    assert insight.confidence >= desk.config.confidence_threshold
    assert insight.effect.low > 0
    assert insight.users >= len(set(insight.evidence)) >= 3
    desk.send(desk.plant(pattern))
    assert desk.told() == told, "it goes on: nothing new"


def test_usual_talk_is_nothing(desk):
    desk.send(desk.some(2_000))
    assert desk.told() == {}


def test_what_was_answered_long_ago_does_not_happen_now(desk):
    desk.send(desk.some(600, weight=30, earliest=60, latest=11))
    assert desk.told() == {}


def test_one_person_is_no_burst(desk):
    usual = list(desk.some(400))
    again = [desk.ask(SUBJECTS["harbour"], user_id="the same") for _ in usual]
    desk.send(one for pair in zip(usual, again, strict=True) for one in pair)
    assert desk.told() == {}


def test_a_failure_of_everything_is_told_once(desk):
    desk.send(desk.ask(SUBJECTS[desk.draw.choice(list(SUBJECTS))], error="outage") for _ in range(600))
    [insight] = [desk.tenant.insights.get(one) for one in desk.told()]
    assert (insight.type, insight.topic) == ("error_pattern", None)
    assert "outage" in insight.description


def test_a_burst_that_is_over_may_come_again(desk, wait_until):
    desk.send(desk.plant("burst"))
    first, ended = desk.told(), int(time.time())
    wait_until(lambda: int(time.time()) > ended)
    desk.send(desk.some(3_000))
    ended = int(time.time())
    wait_until(lambda: int(time.time()) > ended)
    desk.send(desk.plant("burst"))
    assert first.items() < desk.told().items()
    assert len(desk.told()) == 2
    old, new = sorted(map(desk.tenant.insights.get, desk.told()), key=lambda one: one.id not in first)
    assert [step.event for step in old.history] == ["proposed", "over"]
    assert old.seen_at < old.history[-1].at <= ended * 1_000_000 < new.seen_at
    assert [step.event for step in new.history] == ["proposed"]
    assert explain(Queries(desk.tenant.redis, tenant="default"), old).over_at == old.history[-1].at
    _save(desk.tenant, [replace(old, history=old.history[-1:])], "0-0")  # as after a crash
    assert desk.tenant.insights.get(old.id) == old


def test_what_was_told_an_analysis_does_not_tell_again(desk, analyse):
    desk.send(desk.plant("burst"))
    [told] = desk.told()
    topic = desk.tenant.insights.get(told).topic
    analyse()
    about = [one for one in desk.tenant.insights.all() if one.type == "emerging" and one.topic == topic]
    assert [one.id for one in about] == [told]
    desk.send(desk.plant("burst"))
    assert list(desk.told()) == [told], "still the same, under what is usual now"


def test_a_new_topic_that_was_told_gets_the_topic_that_it_becomes(desk, analyse):
    desk.send(desk.plant("new_topic"))
    [told] = desk.told()
    assert desk.tenant.insights.get(told).topic is None
    analyse()
    linked = desk.tenant.insights.get(told)
    topic = Queries(desk.tenant.redis, tenant="default").topic(linked.topic)
    assert any(word in topic.exemplars[0] for word in NEW.split())
    assert [(step.event, step.detail) for step in linked.history] == [("proposed", ""), ("topic", topic.id)]
    analyse()
    assert desk.tenant.insights.get(told) == linked


def test_without_clustering_nothing_is_looked_for(new_desk, analyse, tenant):
    off = new_desk(enable_clustering=False)
    off.send(off.some(200, earliest=30, latest=11))
    tenant.config = off.config
    analyse()
    off.send(off.plant("error"))
    assert off.told() == {}
    assert not off.tenant.detection.behind()


@pytest.fixture
def unseen(desk, redis):
    """A burst is committed, and who should have looked at it is dead."""
    claim = Claim(redis, tenant="default", job="watch", seconds=60)
    assert claim.take()
    desk.send(desk.plant("burst"))
    claim.give_back()
    assert desk.told() == {}
    return desk


def test_what_a_dead_worker_did_not_look_at_is_found_again(unseen):
    assert list(due.due_consumers(unseen.tenant.runtime)) == [("default", "0")]
    live.consume(unseen.tenant, place="0")
    assert list(unseen.told().values()) == ["burst"]
    assert list(due.due_consumers(unseen.tenant.runtime)) == []


class Dying(Redis):
    """Loses its server for good after so many commands, the last of them done or not."""

    left, carried_out = 0, False

    def execute_command(self, *args, **options):
        self.left -= 1
        if self.left == 0 and self.carried_out:
            super().execute_command(*args, **options)
        if self.left <= 0:
            raise Lost
        return super().execute_command(*args, **options)


def test_whenever_it_dies_a_pattern_is_told_and_counted_once(unseen, redis):
    before = {name: (max(0, redis.pttl(name)), redis.dump(name)) for name in redis.keys("*")}
    watch(unseen.tenant)
    expected = unseen.told()
    assert list(expected.values()) == ["burst"]
    deaths = 0
    for carried_out in (False, True):
        for left in range(1, 200):
            redis.flushdb()
            for name, (ttl, value) in before.items():
                redis.restore(name, ttl, value)
            client = Dying.from_url(unseen.config.redis_url)
            client.left, client.carried_out = left, carried_out
            try:
                watch(Runtime(unseen.config, client).tenant("default"))
            except Lost:
                deaths += 1
            else:
                break
            finally:
                client.close()
            redis.delete(keys.claim("default", "watch"))  # it runs out
            watch(unseen.tenant)
            assert unseen.told() == expected
    assert deaths > 20


def test_of_two_that_look_at_the_same_the_slower_is_refused(unseen):
    detection = unseen.tenant.detection
    stand = detection.read()
    watch(unseen.tenant)
    after = detection.read()
    state = unpack_state(stand.packed, detection.usual(stand.cycle))
    assert not detection.advance(stand.cursor, "1-1", state, [])
    assert detection.read() == after


def test_what_another_version_stored_stops_no_consumer(desk, caplog):
    redis = desk.tenant.redis
    redis.hset(keys.snapshot("default"), "baseline", b"of another version")
    desk.tenant = Runtime(desk.config).tenant("default")
    before = sum(map(int, redis.hvals(keys.live("default"))))
    desk.send(desk.some(50))
    assert redis.xlen(keys.stream("default")) == 0
    assert sum(map(int, redis.hvals(keys.live("default")))) > before
    assert "were not looked for" in caplog.text

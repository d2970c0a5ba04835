"""From an interaction to what came of it, whatever is there of that."""

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.queries import Queries
from kaizen_api.schema import Cycle, Gap, Insight, Interval, Record
from kaizen_api.trail import Finding, trail

RECORD = Record(id="x1", occurred_at=1, query="q", trace="0a" * 16 + "-" + "0b" * 8)


@pytest.fixture
def put(redis):
    def put(kind, one, *, rank=0.0):
        redis.hset(keys.objects("default", kind), one.id, msgspec.msgpack.encode(one))
        redis.zadd(keys.order("default", kind), {one.id: rank})

    return put


@pytest.fixture
def assign(redis, put):
    def assign(cycle, *pairs, at=1):
        put("cycle", Cycle(id=cycle, tenant="default", status="done"), rank=float(at))
        redis.hset(keys.assignments("default", cycle), "0", msgspec.msgpack.encode(list(pairs)))
        redis.expire(keys.assignments("default", cycle), 60)

    return assign


def insight(name, **fields):
    effect = Interval(estimate=1, low=0, high=2, unit="share")
    given = {"evidence": [], "topic": None, **fields}
    return Insight(id=name, type="gap", description="", confidence=0.9, effect=effect, recommendation="", **given)


def gap(name, **fields):
    return Gap(id=name, diagnosis="missing", users=1, queries=["q"], **{"topic": "", **fields})


def test_nothing_came_of_it_yet(redis):
    found = trail(Queries(redis, tenant="default"), RECORD)
    assert found.trace == "0a" * 16
    assert (found.analysis, found.topic, found.insights, found.gaps, found.entries) == (None, None, [], [], [])


def test_its_topic_is_that_of_the_last_analysis_that_looked_at_it(redis, assign):
    assign("y1", ("x0", "t0"), ("x1", "t1"), at=1)
    assign("y2", ("x0", "t0"), at=2)
    found = trail(Queries(redis, tenant="default"), RECORD)
    assert (found.analysis, found.topic) == ("y1", "t1")


def test_insights_and_gaps_are_those_of_its_topic_and_those_that_name_it(redis, assign, put):
    assign("y1", ("x1", "t1"))
    put("insight", insight("i-evidence", evidence=["x0", "x1"], topic="t9"))
    put("insight", insight("i-topic", topic="t1"))
    put("insight", insight("i-other", topic="t2"))
    put("insight", insight("i-all"))
    put("gap", gap("g-topic", topic="t1", entries=["e1", "e2"]), rank=3)
    put("gap", gap("g-insight", topic="t9", insight="i-evidence", entries=["e2", "e3"]), rank=2)
    put("gap", gap("g-evidence", topic="t8", evidence=["x1"]), rank=1)
    put("gap", gap("g-asked"))
    put("gap", gap("g-other", topic="t2", insight="i-other"))
    found = trail(Queries(redis, tenant="default"), RECORD)
    assert {(one.id, one.why) for one in found.insights} == {("i-evidence", "evidence"), ("i-topic", "topic")}
    assert Finding(id="i-topic", type="gap", status="proposed", why="topic") in found.insights
    assert (found.gaps, found.entries) == (["g-topic", "g-insight", "g-evidence"], ["e1", "e2", "e3"])


def test_noise_is_in_no_topic_and_takes_none_of_those_without_one(redis, assign, put):
    assign("y1", ("x1", None))
    put("insight", insight("i-all"))
    put("gap", gap("g-asked"))
    found = trail(Queries(redis, tenant="default"), RECORD)
    assert (found.analysis, found.topic, found.insights, found.gaps) == ("y1", None, [], [])

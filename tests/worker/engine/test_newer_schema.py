"""What a newer version wrote and this one would misread: refused with the remedy, kept, and no poison."""

import msgspec
import pytest
from celery.app.trace import build_tracer

from kaizen_api import Interaction, Producer, keys, versions
from kaizen_api.errors import NewerSchema, Unavailable
from kaizen_api.jobs import SCHEMA_OF, TICK, before_task_publish
from kaizen_api.queries import Queries
from kaizen_api.schema import Cycle, Record
from kaizen_worker.app import create
from kaizen_worker.engine import live
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.store.log import pack, read_log

NEWER = versions.SCHEMA + 1
FIELDS = {"id": "newer", "occurred_at": {"s": 1}, "query": "q", "schema": NEWER}


@pytest.fixture
def tenant(config, redis):
    with Producer(config) as producer:
        producer.append([Interaction(id="one", query="a")])
    redis.xadd(keys.stream("default"), {"r": msgspec.msgpack.encode(FIELDS)})
    with Producer(config) as producer:
        producer.append([Interaction(id="two", query="b")])
    return Runtime(config.model_copy(update={"max_deliveries": 1, "claim_after": 5})).tenant("default")


def committed(redis):
    return sorted(record.id for record in read_log(redis, tenant="default"))


def test_an_interaction_of_a_newer_schema_waits_and_the_rest_goes_on(tenant, redis, caplog):
    assert live.consume(tenant, place="0") == 2
    assert committed(redis) == ["one", "two"]
    for _ in range(3):
        assert live.consume(tenant, place="0") == 0
    assert (redis.xlen(keys.stream("default")), redis.xlen(keys.dead("default"))) == (1, 0)
    assert redis.hlen(keys.tries("default")) == 0
    assert "1 interactions of default need a newer schema" in caplog.text
    assert "ops/UPGRADE.md" in caplog.text


def test_a_newer_worker_takes_over_what_was_put_aside(tenant, redis, monkeypatch, wait_until):
    live.consume(tenant, place="0")
    monkeypatch.setattr(live, "SCHEMA", NEWER)
    monkeypatch.setattr(versions, "SCHEMA", NEWER)
    monkeypatch.setattr(live, "_DECODER", Reader())
    [waiting] = redis.xpending_range(keys.stream("default"), keys.GROUP, "-", "+", 9)
    assert waiting["consumer"] == keys.ASIDE.encode()
    redis.xclaim(keys.stream("default"), keys.GROUP, keys.ASIDE, 0, [waiting["message_id"]], idle=6_000, justid=True)
    assert wait_until(lambda: live.consume(tenant, place="0")) == 1
    assert committed(redis) == ["newer", "one", "two"]
    assert redis.xlen(keys.stream("default")) == redis.xlen(keys.dead("default")) == 0


class Reader:
    """Reads what the newer version changed."""

    def decode(self, encoded):
        fields = msgspec.msgpack.decode(encoded)
        if "schema" in fields:
            fields = {**fields, "occurred_at": fields["occurred_at"]["s"]}
        return msgspec.convert(fields, Record)


@pytest.mark.parametrize("newer", [False, True], ids=["this", "newer"])
def test_a_stored_object_of_a_newer_schema_is_refused_and_kept(tenant, redis, newer):
    stored = {**msgspec.to_builtins(Cycle(id="c", tenant="default")), "schema": NEWER if newer else versions.SCHEMA}
    redis.hset(keys.objects("default", "cycle"), "c", msgspec.msgpack.encode(stored))
    redis.zadd(keys.order("default", "cycle"), {"c": 1})
    queries = Queries(redis, tenant="default")
    looks = (
        lambda: queries.get("cycle", "c"),
        lambda: queries.page("cycle").items[0],
        lambda: tenant.cycles.get("c"),
        lambda: next(tenant.cycles.all()),
    )
    for look in looks:
        if not newer:
            assert look().id == "c"
            continue
        with pytest.raises(NewerSchema, match=rf"schema {NEWER}, this version reads up to {versions.SCHEMA}"):
            look()
    if newer:
        with pytest.raises(Unavailable):
            tenant.cycles.save(Cycle(id="c", tenant="default"), old=None)
    assert msgspec.msgpack.decode(redis.hget(keys.objects("default", "cycle"), "c")) == stored


def test_a_log_of_a_newer_schema_is_refused_by_an_analysis(tenant, redis):
    live.consume(tenant, place="0")
    newer = msgspec.convert(
        {**FIELDS, "occurred_at": 1}, type("Newer", (Record,), {"__annotations__": {"schema": int}})
    )
    redis.xadd(keys.log("default"), {"b": pack([newer])})
    with pytest.raises(NewerSchema, match="the log needs schema"):
        list(read_log(redis, tenant="default"))


def test_jobs_say_which_schema_they_need():
    headers = {}
    before_task_publish.send(sender=TICK, headers=headers)
    assert headers[SCHEMA_OF] == versions.SCHEMA


@pytest.mark.parametrize(("schema", "runs"), [(None, True), (versions.SCHEMA, True), (NEWER, False)])
def test_a_job_of_a_newer_schema_is_refused_with_the_remedy(config, schema, runs):
    done = []

    def work():
        done.append(1)

    app = create(config, tasks=False)
    task = app.task(name="kaizen.test", shared=False)(work)  # of this app alone
    given = {"id": "j", **({} if schema is None else {SCHEMA_OF: schema})}
    result = build_tracer(task.name, task, app=app)("j", (), {}, given)  # as a worker runs it
    assert bool(done) == runs
    assert runs == (result.info is None)
    assert runs or "ops/UPGRADE.md" in str(result.info.retval)


def test_bytes_that_are_no_map_need_nothing():
    assert [
        versions.needed(encoded) for encoded in (b"", b"\xff", b"\x01", msgspec.msgpack.encode({"schema": "x"}))
    ] == [1] * 4

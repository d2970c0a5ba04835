"""Redis hangs, dies, restarts, forgets: what the callers notice."""

import asyncio

import pytest
from redis.exceptions import OutOfMemoryError

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.errors import BreakerOpen, Unavailable
from kaizen_worker.breaker import CircuitBreaker


def test_alone_it_keeps_the_same_rules(own, own_server, events, wait_until):
    breaker = own(2, 0.05, success_threshold=2, redis=own_server.client())
    own_server.kill()
    for _ in range(2):
        assert breaker.can_execute()
        breaker.call_failed()
    assert breaker.is_open
    for n in range(2):
        probe = wait_until(lambda: admitted(breaker))
        assert probe.probe
        if n == 0:
            assert not breaker.can_execute()
        breaker.report(probe, "success")
    assert breaker.state().state == "closed"
    assert events["to_open"] == events["to_half_open"] == events["to_closed"] == 1
    own_server.start()


def test_the_next_outage_starts_anew(own, own_server, wait_until):
    breaker = own(1)
    own_server.kill()
    breaker.call_failed()
    assert not breaker.can_execute()
    own_server.start()
    wait_until(lambda: breaker.state().shared)
    assert breaker.can_execute()
    own_server.kill()
    assert breaker.can_execute()
    own_server.start()


def admitted(breaker):
    try:
        return breaker.admit()
    except BreakerOpen:
        return None


def test_the_last_known_opening_is_honoured(own, own_server, events):
    breaker = own(1, 300)
    breaker.call_failed()
    own_server.kill()
    with pytest.raises(BreakerOpen) as rejection:
        breaker.admit()
    assert 200 < rejection.value.retry_after <= 300
    assert events["store_error"] == 1
    assert (breaker.state().state, breaker.state().shared) == ("open", False)
    own_server.start()


def test_pass_lets_everything_through(own, own_server):
    breaker = own(1, store_down="pass")
    own_server.kill()
    for _ in range(5):
        breaker.report(breaker.admit(), "failure")
    own_server.start()


def test_reject_lets_nothing_through(own, own_server):
    breaker = own(store_down="reject")
    own_server.kill()
    for _ in range(2):
        with pytest.raises(BreakerOpen) as rejection:
            breaker.admit()
        assert 0 < rejection.value.retry_after <= 1
    own_server.start()


def test_an_outage_during_the_call_counts_here(own, own_server):
    breaker = own(1)
    permit = breaker.admit()
    own_server.kill()
    breaker.report(permit, "failure")
    assert not breaker.can_execute()
    own_server.start()


def test_an_order_without_redis_fails_loudly(own, own_server):
    breaker = own()
    own_server.kill()
    with pytest.raises(Unavailable, match="does not answer"):
        breaker.open()
    own_server.start()


def test_a_restart_that_loses_everything_starts_anew(own, own_server, wait_until):
    breaker = own(2)
    breaker.call_failed()
    late = breaker.admit()
    own_server.kill()
    own_server.start()
    wait_until(lambda: breaker.state().shared)
    breaker.report(late, "failure")
    assert breaker.state().failures == 0
    breaker.report(breaker.admit(), "failure")
    assert breaker.state().failures == 1
    assert own_server.client().sismember(keys.BREAKERS, breaker.name)


def test_flushing_the_scripts_is_not_noticed(own, own_server, events):
    breaker = own(2)
    for _ in range(2):
        own_server.client().script_flush()
        permit = breaker.admit()
        own_server.client().script_flush()
        breaker.report(permit, "failure")
    assert breaker.is_open
    assert not events["store_error"]


def test_flushing_everything_makes_old_results_stale(own, own_server, events):
    breaker = own(1)
    late = breaker.admit()
    own_server.client().flushall()
    breaker.report(late, "failure")
    assert events["stale"] == 1
    assert breaker.can_execute()
    assert own_server.client().sismember(keys.BREAKERS, breaker.name)


def test_an_evicted_record_is_made_anew_and_old_results_are_stale(own, own_server, events):
    breaker, client = own(1), own_server.client()
    late = breaker.admit()
    client.config_set("maxmemory-policy", "allkeys-random")
    client.config_set("maxmemory", 1)
    with pytest.raises(OutOfMemoryError):
        client.set("x", 1)
    assert not client.keys()
    client.config_set("maxmemory", 0)
    fresh = breaker.admit()
    assert fresh.generation > late.generation
    breaker.report(late, "failure")
    assert events["stale"] == 1
    breaker.report(fresh, "failure")
    assert breaker.is_open


def test_a_server_that_refuses_writes_is_an_outage(own, own_server, events):
    breaker = own(1)
    own_server.client().config_set("maxmemory", 1)
    assert breaker.can_execute()
    breaker.call_failed()
    assert events["store_error"] == 1
    assert not breaker.can_execute()


def test_twenty_slow_calls_do_not_queue(own):
    breaker = own()
    together = asyncio.Event()
    running = 0

    async def slow():
        nonlocal running
        running += 1
        if running == 20:
            together.set()
        await together.wait()

    async def all_at_once():
        await asyncio.wait_for(asyncio.gather(*(breaker.call_async(slow) for _ in range(20))), timeout=30)

    asyncio.run(all_at_once())
    assert running == 20


def test_construction_does_no_io_and_the_configured_server_is_used(own_server, monkeypatch):
    monkeypatch.setenv("KAIZEN_REDIS_URL", f"unix://{own_server.socket}")
    breaker = CircuitBreaker(failure_threshold=3, recovery_timeout=300)
    assert not own_server.client().keys()
    breaker.call(lambda: None)
    assert own_server.client().smembers(keys.BREAKERS) == {b"gap_fill"}


def test_without_any_server_it_works_alone(monkeypatch, tmp_path):
    monkeypatch.delenv("KAIZEN_REDIS_URL", raising=False)
    monkeypatch.setenv("KAIZEN_DATA_DIR", str(tmp_path))
    assert KaizenConfig.from_env().redis_url is None
    breaker = CircuitBreaker(1)
    assert breaker.can_execute()
    breaker.call_failed()
    assert not breaker.can_execute()

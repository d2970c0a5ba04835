"""Shares of calls that failed or were slow, over all processes."""

import time

import pytest

from kaizen_worker.breaker import CircuitBreaker
from kaizen_worker.breaker.permit import UNBOUND

NEVER = 1_000_000
"""Failures in a row: only shares open it here."""

HALF = {"failure_rate": 0.5, "minimum_calls": 10, "window_seconds": 600}


@pytest.fixture
def shares(make):
    return lambda **options: make(NEVER, **{**HALF, **options})


def end(breaker, outcome, times=1):
    for _ in range(times):
        breaker.report(breaker.admit(), outcome)


def test_the_share_opens_it_with_the_next_admission(shares, events):
    breaker = shares()
    end(breaker, "success", 5)
    end(breaker, "failure", 5)
    assert breaker.state().state == "closed"
    assert not breaker.can_execute()
    assert (breaker.state().state, breaker.state().opened, events["to_open"]) == ("open", 1, 1)


@pytest.mark.parametrize(("succeeded", "failed"), [(0, 9), (6, 5), (11, 9)])
def test_neither_too_few_calls_nor_too_small_a_share_opens_it(shares, succeeded, failed):
    breaker = shares()
    end(breaker, "success", succeeded)
    end(breaker, "failure", failed)
    assert breaker.can_execute()


def test_what_is_no_verdict_is_no_call(shares):
    breaker = shares()
    end(breaker, "failure", 9)
    end(breaker, "ignore", 20)
    assert breaker.can_execute()


def test_the_tallies_of_all_processes_count_together(crowd, make, name):
    options = {"failure_threshold": NEVER, "failure_rate": 0.5, "minimum_calls": 800, "window_seconds": 600}
    crowd.ask("fail", name, options, times=100)
    for caller in crowd:
        caller.ask("admit", name, options)
    assert make(**options).state().state == "open"
    assert crowd[0].ask("admit", name, options) == "rejected"


def test_one_call_under_the_minimum_it_stays_closed(crowd, make, name):
    options = {"failure_threshold": NEVER, "failure_rate": 0.5, "minimum_calls": 801, "window_seconds": 600}
    crowd.ask("fail", name, options, times=100)
    assert crowd.ask("admit", name, options) == ["admitted"] * 8
    assert make(**options).state().state == "closed"


def test_calls_of_long_ago_do_not_count(shares, advance):
    breaker = shares()
    end(breaker, "failure", 9)
    breaker.admit()
    advance(600)
    end(breaker, "failure", 1)
    assert breaker.can_execute()


def test_calls_of_the_half_before_count(shares, advance):
    breaker = shares()
    end(breaker, "failure", 9)
    breaker.admit()
    advance(300)
    end(breaker, "failure", 1)
    assert not breaker.can_execute()


def test_after_recovery_it_counts_anew(shares, advance, events):
    breaker = shares()
    late = breaker.admit()
    end(breaker, "failure", 10)
    assert not breaker.can_execute()
    advance(300)
    end(breaker, "success")
    assert breaker.state().state == "closed"
    breaker.report(late, "failure")
    end(breaker, "failure", 9)
    assert breaker.can_execute()
    assert events["to_open"] == 1


def test_a_row_of_failures_still_opens_it_at_once(make):
    breaker = make(3, **HALF)
    end(breaker, "failure", 3)
    assert breaker.is_open


def test_a_verdict_without_a_permit_has_no_share(shares):
    breaker = shares(minimum_calls=1)
    breaker.admit()
    breaker.report(UNBOUND, "failure")
    assert breaker.can_execute()


def slow(breaker, times):
    for _ in range(times):
        with breaker.guard():
            end_of(time.monotonic() + breaker.settings.slow_seconds)


def end_of(moment):
    while time.monotonic() < moment:
        pass


def test_slow_calls_open_it(shares):
    breaker = shares(failure_rate=0, slow_rate=0.5, slow_seconds=0.002)
    slow(breaker, 10)
    assert not breaker.can_execute()
    assert breaker.state().failures == 0


def test_quick_calls_do_not(shares):
    breaker = shares(failure_rate=0, slow_rate=0.5, slow_seconds=60)
    end(breaker, "success", 30)
    assert breaker.can_execute()


def test_a_slow_probe_is_a_failure(shares, advance):
    breaker = shares(slow_rate=0.5, slow_seconds=0.002)
    end(breaker, "failure", 10)
    assert not breaker.can_execute()
    advance(300)
    slow(breaker, 1)
    assert (breaker.state().state, breaker.state().opened) == ("open", 2)


def test_an_order_to_stay_closed_counts_nothing(shares):
    breaker = shares()
    breaker.close()
    end(breaker, "failure", 10)
    breaker.admit()
    breaker.auto()
    assert breaker.can_execute()


@pytest.mark.parametrize("closed_cache", [0.0, 0.25])
async def test_coroutines_count_too(shares, wait_until, closed_cache):
    breaker = shares(closed_cache=closed_cache, slow_rate=0.5, slow_seconds=0.002, failure_rate=0)

    async def take_long():
        end_of(time.monotonic() + 0.002)

    for _ in range(10):
        await breaker.call_async(take_long)
    wait_until(lambda: not breaker.can_execute())


def test_alone_it_keeps_the_same_shares(own_server, name):
    breaker = CircuitBreaker(NEVER, name=name, redis=own_server.client(), **HALF)
    own_server.kill()
    end(breaker, "success", 5)
    end(breaker, "failure", 5)
    assert not breaker.can_execute()
    own_server.start()


def test_shares_cost_no_round_trips(shares, client):
    def trips():
        return client.info("commandstats")["cmdstat_evalsha"]["calls"]

    breaker = shares()
    end(breaker, "success", 1)
    start = trips()
    end(breaker, "success", 10)
    assert trips() - start == 10

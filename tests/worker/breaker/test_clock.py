"""Clocks that are wrong: the servers', which counts, and the hosts', which do not."""

import pytest

from kaizen_worker.breaker import CircuitBreaker

HOUR = 3600


@pytest.fixture
def breaker(moved, make):
    return make(1, 300, lease_seconds=60, redis=moved.client())


def test_the_servers_clock_moves(moved):
    before, _ = moved.client().time()
    moved.advance(HOUR)
    after, _ = moved.client().time()
    assert 0 <= after - before - HOUR <= 60


def test_only_the_servers_clock_ends_an_opening_and_a_lease(breaker, moved):
    breaker.call_failed()
    assert not breaker.can_execute()
    moved.advance(300)
    assert breaker.admit().probe
    assert not breaker.can_execute()
    moved.advance(60)
    assert breaker.admit().probe


def test_a_server_whose_clock_steps_back_lengthens_nothing(breaker, moved):
    breaker.call_failed()
    first = breaker.state().generation
    moved.advance(-HOUR)
    assert not breaker.can_execute()
    assert breaker.state().retry_after <= 300
    moved.advance(300)
    late = breaker.admit()
    assert late.generation > first
    moved.advance(-HOUR)
    assert not breaker.can_execute()
    moved.advance(60)
    assert breaker.admit().probe
    breaker.report(late, "failure")
    assert breaker.state().state == "half_open"


def test_a_server_whose_clock_leaps_ahead_lets_one_probe_through(breaker, moved):
    breaker.call_failed()
    moved.advance(HOUR)
    assert breaker.admit().probe
    assert not breaker.can_execute()


@pytest.mark.parametrize("off", [-HOUR, HOUR])
def test_the_clocks_of_the_hosts_do_not_count(moved, make_clock, new_caller, name, off):
    options = {"failure_threshold": 1, "recovery_timeout": 300, "recheck": 0}
    wrong = make_clock()
    wrong.set(off)
    opener, right = (new_caller(socket=moved.socket, environment=own.environment) for own in (wrong, make_clock()))
    assert opener.ask("fail", name, options, times=1) == 1
    assert {caller.ask("admit", name, options) for caller in (opener, right)} == {"rejected"}
    moved.advance(300)
    assert right.ask("admit", name, options) == "probe"
    right.ask("report", name, options, outcome="failure")
    moved.advance(600)
    assert opener.ask("admit", name, options) == "probe"


def test_an_order_ends_by_the_servers_clock(breaker, moved):
    breaker.open(seconds=HOUR)
    assert not breaker.can_execute()
    moved.advance(HOUR)
    assert CircuitBreaker(name=breaker.name, redis=moved.client()).can_execute()

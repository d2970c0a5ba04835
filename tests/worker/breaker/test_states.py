"""The rules of one breaker, each by itself, on a real server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_api import keys
from kaizen_api.errors import BreakerOpen, Invalid
from kaizen_worker.breaker import CircuitBreaker
from kaizen_worker.breaker.permit import bounded
from kaizen_worker.breaker.settings import LONGEST_WAIT, Settings


def test_a_success_ends_the_row_of_failures(make):
    breaker = make(2)
    for _ in range(3):
        breaker.call_failed()
        assert breaker.state().failures == 1
        assert breaker.state().first_failure_at > 0
        breaker.call_succeeded()
        assert (breaker.state().failures, breaker.state().first_failure_at) == (0, 0)
    assert not breaker.is_open


def test_late_results_of_every_earlier_state_are_stale(make, advance, events):
    breaker = make(1, success_threshold=2, permitted_calls=2)
    late = [breaker.admit()]
    breaker.report(breaker.admit(), "failure")
    advance(300)
    probe = breaker.admit()
    late.append(breaker.admit())
    breaker.report(probe, "failure")
    advance(600)
    for _ in range(2):
        probe = breaker.admit()
        breaker.report(probe, "success")
        late.append(probe)
    assert breaker.state().state == "closed"
    for permit in late:
        breaker.report(permit, "failure")
    assert (breaker.state().state, breaker.state().failures) == ("closed", 0)
    assert events["stale"] == 4


def test_a_probe_counts_once(make, advance, events):
    breaker = make(1, success_threshold=2)
    breaker.call_failed()
    advance(300)
    probe = breaker.admit()
    breaker.report(probe, "success")
    breaker.report(probe, "success")
    assert (breaker.state().state, breaker.state().successes) == ("half_open", 1)
    assert events["lease_lost"] == 1


@pytest.mark.parametrize("taken_back", [False, True])
def test_a_report_after_the_lease_is_lost(make, advance, events, taken_back):
    breaker = make(1, lease_seconds=60)
    breaker.call_failed()
    advance(300)
    late = breaker.admit()
    advance(60)
    if taken_back:
        breaker.admit()
    breaker.report(late, "failure")
    assert breaker.state().state == "half_open"
    assert breaker.state().leases == int(taken_back)
    assert events["lease_lost"] == 1


def test_no_verdict_frees_the_place_of_a_probe(make, advance):
    breaker = make(1)
    breaker.call_failed()
    advance(300)
    breaker.report(breaker.admit(), "ignore")
    state = breaker.state()
    assert (state.state, state.leases, state.successes) == ("half_open", 0, 0)
    assert breaker.admit().probe


def test_a_full_half_open_breaker_says_when_a_place_is_free_at_the_latest(make, advance):
    breaker = make(1, 300, lease_seconds=60)
    breaker.call_failed()
    advance(300)
    breaker.admit()
    with pytest.raises(BreakerOpen) as rejection:
        breaker.admit()
    assert 0 < rejection.value.retry_after <= 60


def test_openings_in_a_row_last_longer_up_to_the_cap(make, advance):
    breaker = make(1, 10, multiplier=3, longest_recovery=100)
    waits = []
    breaker.call_failed()
    for _ in range(5):
        waits.append(make().state().retry_after)
        advance(100)
        assert breaker.can_execute()
        breaker.call_failed()
    assert waits == [pytest.approx(wait, abs=5) for wait in (10, 30, 90, 100, 100)]
    assert breaker.state().opened == 6
    advance(100)
    breaker.call(lambda: None)
    breaker.call_failed()
    assert breaker.state().retry_after <= 10


def test_a_retry_after_is_a_floor(make):
    breaker = make(1, 10)
    breaker.call_failed(retry_after=200)
    assert 190 < breaker.state().retry_after <= 200
    other = make(1, 10, name=breaker.name + "-other")
    other.call_failed(retry_after=2)
    assert 2 < other.state().retry_after <= 10


@pytest.mark.parametrize(
    ("asked", "taken"), [(float("inf"), LONGEST_WAIT), (float("nan"), 0), (-5, 0), ("soon", 0), (None, 0), (7, 7)]
)
def test_a_strange_retry_after_is_harmless(make, asked, taken):
    assert bounded(asked) == taken
    breaker = make(1, 10)
    breaker.call_failed(retry_after=asked)
    assert breaker.state().retry_after <= max(taken, 10)


@given(
    chosen=st.builds(
        Settings,
        recovery_timeout=st.floats(0.001, 10_000),
        multiplier=st.floats(1, 100),
        longest_recovery=st.floats(0.001, 10_000),
    ),
    opened=st.integers(0, 5_000),
    stretch=st.floats(1, 2),
    floor=st.floats(0, 10_000),
)
def test_the_back_off_keeps_its_bounds(chosen, opened, stretch, floor):
    wait = chosen.wait(opened, stretch=stretch, floor=floor)
    cap = max(chosen.recovery_timeout, chosen.longest_recovery)
    assert max(chosen.recovery_timeout, floor) <= wait <= max(cap * stretch, floor)
    assert chosen.wait(opened + 1, stretch=stretch, floor=floor) >= wait


def test_the_jitter_also_parts_those_at_the_cap():
    capped = Settings(recovery_timeout=10, multiplier=2, longest_recovery=30)
    assert [capped.wait(opened, stretch=1.5, floor=0) for opened in range(4)] == [15, 30, 45, 45]


def test_the_jitter_only_lengthens(make, name):
    waits = set()
    for n in range(20):
        breaker = make(1, 1000, jitter=0.5, name=f"{name}-{n}")
        breaker.call_failed()
        waits.add(round(breaker.state().retry_after))
    assert min(waits) >= 990
    assert max(waits) <= 1500
    assert len(waits) > 10


def test_a_clock_that_steps_back_lengthens_nothing(make, advance):
    breaker = make(1, 300, lease_seconds=60)
    breaker.call_failed()
    advance(-3600)
    assert breaker.state().retry_after <= 300
    assert not make(1).can_execute()
    advance(300)
    late = breaker.admit()
    advance(-3600)
    assert not make(1, lease_seconds=60).can_execute()
    advance(60)
    assert breaker.admit().probe
    breaker.report(late, "failure")
    assert breaker.state().state == "half_open"


def test_a_clock_that_leaps_ahead_lets_one_probe_through(make, advance):
    breaker = make(1, 300)
    breaker.call_failed()
    advance(3600)
    assert breaker.admit().probe
    assert not make(1).can_execute()


def test_no_generation_is_used_twice_even_if_the_clock_stepped_back(make, client, name, advance):
    breaker = make(1, 10)
    client.hset(keys.breaker(name), mapping={"state": "closed", "generation": 2**52})
    seen = [breaker.admit().generation]
    breaker.call_failed()
    seen.append(breaker.state().generation)
    advance(10)
    seen.append(breaker.admit().generation)
    assert seen == [2**52, 2**52 + 1, 2**52 + 2]


def test_leases_that_ended_do_not_pile_up(make, client, name, advance):
    breaker = make(1, lease_seconds=60)
    breaker.call_failed()
    advance(300)
    for _ in range(5):
        breaker.admit()
        advance(60)
    assert client.zcard(keys.leases(name)) == 1


def test_looking_changes_nothing(make, client, name, advance):
    breaker = make(1)
    assert (breaker.state().state, breaker.state().generation) == ("closed", 0)
    assert not client.exists(keys.breaker(name))
    breaker.call_failed()
    advance(300)
    before = client.hgetall(keys.breaker(name))
    assert (breaker.state().state, breaker.state().retry_after) == ("open", 0)
    assert client.hgetall(keys.breaker(name)) == before


def test_every_key_of_a_breaker_expires_and_its_name_is_listed(make, client, name, advance):
    breaker = make(1)
    breaker.call_failed()
    advance(300)
    breaker.admit()
    assert client.ttl(keys.breaker(name)) > 50 * 24 * 3600
    assert client.ttl(keys.leases(name)) > 50 * 24 * 3600
    assert client.sismember(keys.BREAKERS, name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"failure_threshold": 0},
        {"recovery_timeout": 0},
        {"recovery_timeout": float("nan")},
        {"permitted_calls": 0},
        {"success_threshold": 0},
        {"lease_seconds": -1},
        {"multiplier": 0.5},
        {"jitter": 2},
        {"closed_cache": 1},
        {"store_down": "shrug"},
        {"name": ""},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(Invalid, match=next(iter(wrong))):
        CircuitBreaker(**wrong)

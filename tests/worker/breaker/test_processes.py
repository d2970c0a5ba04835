"""Many processes, one breaker: what is counted once, and what only one may do."""

import pytest


@pytest.fixture(autouse=True)
def forgotten(crowd):
    """Events of earlier tests are not this test's."""
    crowd.ask("events", "none", {})


def total(counts, event):
    return sum(count.get(event, 0) for count in counts)


def test_it_opens_at_the_threshold_and_not_one_before(crowd, make, name):
    options = {"failure_threshold": 800}
    crowd.ask("fail", name, options, times=99)
    assert crowd[0].ask("fail", name, options, times=7) == 7
    state = make(800).state()
    assert (state.state, state.failures) == ("closed", 799)
    assert crowd[1].ask("fail", name, options, times=1) == 1
    assert make(800).state().state == "open"


def test_concurrent_failures_open_it_once(crowd, make, name):
    crowd.ask("fail", name, {"failure_threshold": 400}, times=100)
    state = make(400).state()
    assert (state.state, state.failures, state.opened) == ("open", 400, 1)
    counts = crowd.ask("events", name, {})
    assert total(counts, "to_open") == 1
    assert total(counts, "admitted") + total(counts, "rejected") == 800
    assert total(counts, "admitted") == 400 + total(counts, "stale")


@pytest.mark.parametrize("permitted", [1, 3])
def test_contenders_get_exactly_the_permitted_probes(crowd, make, advance, name, permitted):
    options = {"failure_threshold": 1, "permitted_calls": permitted, "multiplier": 1, "recovery_timeout": 0.001}
    breaker = make(**options)
    breaker.call_failed()
    for _ in range(100):
        advance(1)
        answers = crowd.ask("admit", name, options)
        assert sorted(answers) == ["probe"] * permitted + ["rejected"] * (8 - permitted)
        prober = crowd[answers.index("probe")]
        prober.ask("report", name, options, outcome="failure")
    counts = crowd.ask("events", name, {})
    assert total(counts, "probe") == 100 * permitted
    assert total(counts, "to_half_open") == total(counts, "to_open") == 100


def test_successes_of_several_processes_close_it(crowd, make, advance, name):
    options = {"failure_threshold": 1, "success_threshold": 3}
    breaker = make(**options)
    breaker.call_failed()
    advance(300)
    for n, caller in enumerate(crowd[:3], start=1):
        assert breaker.state().successes == n - 1
        assert caller.ask("admit", name, options) == "probe"
        caller.ask("report", name, options, outcome="success")
    assert breaker.state().state == "closed"


def test_after_recovery_it_takes_the_threshold_again(crowd, make, advance, name):
    breaker = make(3)
    for _ in range(3):
        breaker.call_failed()
    advance(300)
    assert crowd[0].ask("admit", name, {}) == "probe"
    crowd[0].ask("report", name, {}, outcome="success")
    assert crowd[1].ask("fail", name, {}, times=2) == 2
    assert breaker.state().state == "closed"
    assert crowd[2].ask("fail", name, {}, times=1) == 1
    assert breaker.state().state == "open"


def test_a_new_process_rejects_while_it_is_open(new_caller, make, name):
    make(1).call_failed()
    caller = new_caller()
    assert caller.ask("admit", name, {}) == "rejected"
    assert caller.ask("events", name, {}) == {"rejected": 1}


def test_a_killed_prober_blocks_until_its_lease_ends(new_caller, make, advance, name):
    options = {"failure_threshold": 1, "lease_seconds": 60}
    breaker = make(**options)
    breaker.call_failed()
    advance(300)
    prober = new_caller()
    assert prober.ask("admit", name, options) == "probe"
    prober.kill()
    assert not breaker.can_execute()
    assert breaker.state().leases == 1
    advance(60)
    assert breaker.can_execute()
    assert not make(**options).can_execute()
    breaker.call_succeeded()
    assert breaker.state().state == "closed"


def test_a_killed_prober_blocks_until_its_lease_ends_on_the_servers_clock(new_caller, make, wait_until, name):
    options = {"failure_threshold": 1, "recovery_timeout": 0.05, "lease_seconds": 0.3}
    breaker = make(**options)
    breaker.call_failed()
    prober = new_caller()
    wait_until(lambda: prober.ask("admit", name, options) == "probe")
    prober.kill()
    wait_until(breaker.can_execute)
    breaker.call_succeeded()
    assert breaker.state().state == "closed"


def test_an_order_reaches_every_process_within_the_recheck(crowd, make, wait_until, name):
    operator = make()
    assert set(crowd.ask("admit", name, {})) == {"admitted"}
    operator.open()
    assert set(crowd.ask("admit", name, {})) == {"rejected"}
    operator.close()
    wait_until(lambda: set(crowd.ask("admit", name, {})) == {"admitted"})
    operator.open()
    operator.auto()
    wait_until(lambda: set(crowd.ask("admit", name, {})) == {"admitted"})

"""The operator's orders: open, close, auto."""

import pytest

from kaizen_api.errors import Invalid


def test_orders_overrule_and_end(make, advance, events):
    breaker = make(1)
    breaker.open(seconds=50)
    assert breaker.is_open
    assert not make().can_execute()
    assert (breaker.state().override, breaker.state().state) == ("open", "closed")
    assert 40 < breaker.state().override_left <= 50
    advance(50)
    assert make().can_execute()
    breaker.close(seconds=50)
    for _ in range(3):
        assert breaker.can_execute()
        breaker.call_failed()
    assert (breaker.state().override, breaker.state().failures) == ("closed", 0)
    advance(50)
    breaker.call_failed()
    assert breaker.is_open
    breaker.auto()
    assert breaker.is_open
    assert events["forced_open"] == events["forced_closed"] == events["forced_auto"] == 1


def test_closing_by_hand_forgets_the_failures(make):
    breaker = make(1)
    breaker.call_failed()
    breaker.close()
    breaker.auto()
    state = breaker.state()
    assert (state.state, state.failures, state.opened, state.override) == ("closed", 0, 0, None)
    assert breaker.can_execute()


def test_closing_by_hand_forgets_a_row_that_has_begun(make):
    breaker = make(2)
    breaker.call_failed()
    breaker.close()
    breaker.auto()
    assert (breaker.state().failures, breaker.state().first_failure_at) == (0, 0)


def test_what_ends_while_forced_open_frees_its_place(make, advance):
    breaker = make(1)
    breaker.call_failed()
    advance(300)
    probe = breaker.admit()
    breaker.open()
    breaker.report(probe, "failure")
    breaker.auto()
    assert (breaker.state().state, breaker.state().leases) == ("half_open", 0)


@pytest.mark.parametrize("seconds", [0, -1, 31 * 24 * 3600, float("nan")])
def test_an_order_must_end(make, seconds):
    with pytest.raises(Invalid):
        make().open(seconds=seconds)

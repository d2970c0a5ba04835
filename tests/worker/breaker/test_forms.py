"""The forms in which a call can go through a breaker, and what its end means."""

import asyncio
import threading

import pytest
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded

from kaizen_api.errors import BreakerOpen, Invalid, Unavailable
from kaizen_worker.breaker import CircuitBreaker, with_circuit_breaker


class Broken(Exception):
    pass


def fail():
    raise Broken


async def fail_async():
    raise Broken


def decorated(breaker):
    with_circuit_breaker(breaker)(fail)()


def own_decorator(breaker):
    breaker(fail)()


def called(breaker):
    breaker.call(fail)


def guarded(breaker):
    with breaker.guard():
        fail()


def by_hand(breaker):
    permit = breaker.admit()
    breaker.report(permit, "failure")
    raise Broken


def dropped_in(breaker):
    if not breaker.can_execute():
        raise BreakerOpen("open")
    breaker.call_failed()
    raise Broken


def decorated_async(breaker):
    asyncio.run(with_circuit_breaker(breaker)(fail_async)())


def called_async(breaker):
    asyncio.run(breaker.call_async(fail_async))


def guarded_async(breaker):
    async def main():
        async with breaker.guard():
            await fail_async()

    asyncio.run(main())


def by_hand_async(breaker):
    async def main():
        permit = await breaker.admit_async()
        await breaker.report_async(permit, "failure")
        raise Broken

    asyncio.run(main())


FORMS = [decorated, own_decorator, called, guarded, by_hand, dropped_in]
ASYNC_FORMS = [decorated_async, called_async, guarded_async, by_hand_async]


@pytest.mark.parametrize("form", FORMS + ASYNC_FORMS)
def test_every_form_counts_failures_and_rejects(make, form):
    breaker = make(2)
    for _ in range(2):
        with pytest.raises(Broken):
            form(breaker)
    with pytest.raises(BreakerOpen):
        form(breaker)
    assert breaker.state().failures == 2


@pytest.mark.parametrize("fine", [lambda b: b.call(int), lambda b: asyncio.run(b.call_async(nothing))])
def test_a_call_that_goes_well_ends_the_row(make, fine):
    breaker = make(3)
    breaker.call_failed()
    fine(breaker)
    assert breaker.state().failures == 0


async def nothing():
    return None


def test_arguments_and_names_pass_through(make):
    breaker = make()

    @with_circuit_breaker(breaker)
    def add(a, *, b):
        """Adds."""
        return a + b

    assert add(1, b=2) == 3
    assert (add.__name__, add.__doc__) == ("add", "Adds.")


def test_a_fallback_answers_rejections_only(make):
    breaker = make(1)
    guarded = with_circuit_breaker(breaker, fallback=lambda query: f"cached {query}")(lambda _: fail())
    with pytest.raises(Broken):
        guarded("pin")
    assert guarded("pin") == "cached pin"
    assert breaker.call(fail, fallback=lambda: "cached") == "cached"


async def test_a_fallback_of_coroutines_may_be_either(make):
    breaker = make(1)
    breaker.call_failed()

    async def cached():
        return "cached"

    assert await breaker.call_async(nothing, fallback=cached) == "cached"
    assert await with_circuit_breaker(breaker, fallback=lambda: "plain")(nothing)() == "plain"


def test_a_rejection_within_the_call_is_not_ours(make, name):
    outer, inner = make(1, name=name + "-outer"), make(1, name=name + "-inner")
    inner.call_failed()
    with pytest.raises(BreakerOpen):
        outer.call(lambda: inner.call(int), fallback=lambda: 7)


@pytest.mark.parametrize(
    "error", [Retry(), Ignore(), Reject(), Invalid("no such query"), KeyboardInterrupt(), asyncio.CancelledError()]
)
def test_what_says_nothing_about_the_service_is_no_verdict(make, error):
    breaker = make(1)
    with pytest.raises(type(error)), breaker.guard():
        raise error
    assert breaker.state().failures == 0


@pytest.mark.parametrize("error", [SoftTimeLimitExceeded(), OSError(), Unavailable("busy")])
def test_what_speaks_against_the_service_is_a_failure(make, error):
    breaker = make(2)
    with pytest.raises(type(error)), breaker.guard():
        raise error
    assert breaker.state().failures == 1


def test_errors_to_ignore_can_be_chosen(make):
    breaker = make(1, ignore=(Broken,))
    with pytest.raises(Broken):
        breaker.call(fail)
    assert not breaker.is_open
    with pytest.raises(Invalid), breaker.guard():
        raise Invalid("now a failure")
    assert breaker.is_open


def test_an_errors_retry_after_is_a_floor(make):
    breaker = make(1, 10)
    with pytest.raises(Unavailable), breaker.guard():
        raise Unavailable("busy", retry_after=200)
    assert 150 < breaker.state().retry_after <= 200


async def test_a_cancelled_probe_gives_its_place_back(make, advance):
    breaker = make(1)
    breaker.call_failed()
    advance(300)
    probing = asyncio.Event()

    async def probe():
        async with breaker.guard() as permit:
            assert permit.probe
            probing.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(probe())
    await probing.wait()
    assert breaker.state().leases == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (breaker.state().state, breaker.state().leases) == ("half_open", 0)


def test_threads_and_tasks_hold_their_own_permits(make, advance):
    breaker = make(1, success_threshold=2)
    breaker.call_failed()
    advance(300)
    assert breaker.can_execute()
    stranger = threading.Thread(target=breaker.call_failed)
    stranger.start()
    stranger.join()
    assert breaker.state().state == "half_open"
    breaker.call_succeeded()
    assert breaker.state().successes == 1


def test_a_verdict_uses_its_permit_up(make):
    breaker = make(1)
    assert breaker.can_execute()
    breaker.call_failed()
    breaker.close()
    breaker.auto()
    breaker.call_failed()
    assert breaker.is_open


def test_an_observer_that_fails_is_not_in_the_way(client, name, caplog):
    breaker = CircuitBreaker(name=name, redis=client, observe=lambda *_: fail())
    assert breaker.call(lambda: 7) == 7
    assert "the observer" in caplog.text

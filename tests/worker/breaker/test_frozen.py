"""Redis hangs: who waits, how long, and what becomes of those who give up waiting."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from kaizen_worker.breaker.link import StoreDown, link_to


def test_a_frozen_server_costs_one_time_out(own, own_server, events):
    breaker = own()
    breaker.call(lambda: None)
    own_server.freeze()
    for _ in range(50):
        breaker.call(lambda: None)
    assert events["store_error"] == 1
    assert events["admitted"] == 51
    own_server.thaw()


def test_breakers_of_one_client_share_the_time_out(own_server, make, events):
    client = own_server.client()
    breakers = [make(redis=client, store_timeout=0.2, name=f"test/shared-{n}") for n in range(20)]
    own_server.freeze()
    for breaker in breakers:
        breaker.call(lambda: None)
    assert events["store_error"] == 1
    own_server.thaw()


def test_it_returns_to_redis_when_that_answers_again(own, own_server, wait_until):
    breaker = own(1)
    own_server.freeze()
    breaker.call_failed()
    alone = breaker.state()
    assert (alone.shared, alone.state) == (False, "open")
    own_server.thaw()
    state = wait_until(lambda: (seen := breaker.state()).shared and seen)
    # The failure may have reached the server with the thaw; what was decided here alone does not reach it.
    assert state.opened <= 1
    assert all(breaker.state().shared for _ in range(5))


def test_many_threads_wait_for_a_frozen_server_at_most_once_each(own, own_server, events):
    breaker = own()
    own_server.freeze()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: breaker.call(lambda: None), range(400)))
    assert 1 <= events["store_error"] <= 8
    assert events["admitted"] == 400
    own_server.thaw()


def test_after_the_pause_one_tries_and_the_others_are_told_at_once(own_server, wait_until):
    link = link_to(own_server.client(), timeout=0.2)
    own_server.freeze()
    assert tried(link)
    together = threading.Barrier(8)

    def ask(_):
        together.wait()
        return tried(link)

    for _ in range(2):
        wait_until(lambda: resumes(link))
        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(ask, range(8))) == 1
    own_server.thaw()


def tried(link):
    with pytest.raises(StoreDown) as down:
        link.run(link.client.ping)
    return down.value.tried


def resumes(link):
    return time.monotonic() > link._resume


async def test_a_cancelled_admission_gives_its_place_back(own, own_server, shift):
    breaker = own(1, store_timeout=10)
    breaker.call_failed()
    shift(own_server.client(), breaker.name, 300)
    own_server.freeze()
    admission = asyncio.create_task(breaker.admit_async())
    await asyncio.sleep(0)
    admission.cancel()
    await asyncio.sleep(0)
    assert not admission.done()
    own_server.thaw()
    with pytest.raises(asyncio.CancelledError):
        await admission
    state = breaker.state()
    assert (state.state, state.leases) == ("half_open", 0)


def test_a_lease_that_was_granted_to_nobody_is_taken_back(own, own_server, shift, wait_until):
    own(1).call_failed()
    breaker = own(1, recheck=0)
    assert breaker.state().opened == 1  # which connects it, and it learns nothing
    shift(own_server.client(), breaker.name, 300)
    own_server.freeze()
    assert breaker.admit().origin == "local"  # the question waits in the server, and is answered when nobody listens
    own_server.thaw()
    wait_until(lambda: breaker.state().shared)
    assert breaker.state().leases == 1
    assert breaker.admit().probe
    assert breaker.state().leases == 1


def test_a_probes_end_that_nobody_heard_blocks_nobody(own, own_server, shift, wait_until):
    breaker = own(1, recheck=0, success_threshold=2)
    breaker.call_failed()
    shift(own_server.client(), breaker.name, 300)
    permit = breaker.admit()
    own_server.freeze()
    breaker.call_failed()  # finds out, and has Redis left alone for a while
    breaker.report(permit, "success")
    own_server.thaw()
    wait_until(lambda: breaker.state().shared)
    assert breaker.admit().probe


def test_the_places_of_others_are_not_taken_back(own, own_server, shift, wait_until):
    other, breaker = own(1, recheck=0), own(1, recheck=0)
    other.call_failed()
    shift(own_server.client(), breaker.name, 300)
    assert other.admit().probe
    assert breaker.state().leases == 1
    own_server.freeze()
    breaker.admit()
    own_server.thaw()
    wait_until(lambda: breaker.state().shared)
    assert not breaker.can_execute()


async def test_the_event_loop_does_not_wait_for_a_frozen_server(own, own_server):
    breaker = own(store_timeout=10)
    own_server.freeze()
    admission = asyncio.create_task(breaker.admit_async())
    for _ in range(100):
        await asyncio.sleep(0)
    assert not admission.done()
    own_server.thaw()
    assert (await admission).origin == "shared"


def test_the_given_clients_retries_are_not_waited_for(own_server, make, events):
    patient = redis.Redis(
        unix_socket_path=own_server.socket,
        socket_timeout=60,
        retry=redis.retry.Retry(redis.backoff.ConstantBackoff(10), 50),
    )
    own_server.freeze()
    make(redis=patient, store_timeout=0.05).call(lambda: None)
    assert events["store_error"] == 1
    own_server.thaw()

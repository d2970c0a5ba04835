"""Coroutines under a breaker: in nobody's way, and whenever they are cancelled nothing is lost."""

import asyncio
import os
import threading
from contextlib import asynccontextmanager

import pytest

from kaizen_api.errors import BreakerOpen


async def nothing():
    return None


@asynccontextmanager
async def busy():
    """All threads of the event loop wait, as they do under slow calls that are not coroutines."""
    done = threading.Event()
    loop = asyncio.get_running_loop()
    waiting = [loop.run_in_executor(None, done.wait) for _ in range(40)]  # more than any loop has
    try:
        yield
    finally:
        done.set()
        await asyncio.gather(*waiting)


async def test_other_work_in_threads_is_not_waited_for(make):
    breaker = make(2)
    async with busy():
        await asyncio.wait_for(breaker.call_async(nothing), 30)
        for _ in range(2):
            with pytest.raises(OSError, match="broken"):
                await asyncio.wait_for(breaker.call_async(broken), 30)
        with pytest.raises(BreakerOpen):
            await breaker.admit_async()


async def broken():
    raise OSError("broken")


async def test_a_hundred_slow_calls_at_once_do_not_queue(make):
    breaker = make()
    together = asyncio.Barrier(100)
    async with busy():
        await asyncio.wait_for(asyncio.gather(*(breaker.call_async(together.wait) for _ in range(100))), 60)


@pytest.fixture
def half_open(own, own_server, shift):
    breaker = own(1, recheck=0, store_timeout=10)
    breaker.call_failed()
    shift(own_server.client(), breaker.name, 300)
    return breaker


async def times_out(task):
    """Cancels it again and again until it ends."""
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)
    assert task.cancelled()


async def test_an_admission_that_is_cancelled_twice_gives_its_place_back(half_open, own_server, wait_until):
    own_server.freeze()
    admission = asyncio.create_task(half_open.admit_async())
    await asyncio.sleep(0)
    await times_out(admission)
    own_server.thaw()
    wait_until(lambda: half_open.state().state == "half_open" and not half_open.state().leases)


@pytest.mark.parametrize(("outcome", "stands"), [("success", "closed"), ("failure", "open")])
async def test_a_report_that_is_cancelled_arrives(half_open, own_server, wait_until, outcome, stands):
    permit = await half_open.admit_async()
    assert permit.probe
    own_server.freeze()
    report = asyncio.create_task(half_open.report_async(permit, outcome))
    await asyncio.sleep(0)
    await times_out(report)
    own_server.thaw()
    wait_until(lambda: half_open.state().state == stands)


def test_a_fork_has_threads_of_its_own(make):
    breaker = make()
    asyncio.run(breaker.admit_async())
    child = os.fork()
    if child == 0:
        threading.Timer(30, os._exit, [2]).start()
        os._exit(asyncio.run(breaker.admit_async()).origin != "shared")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

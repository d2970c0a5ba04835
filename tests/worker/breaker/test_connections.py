"""The connections that scripts run over: what breaks them, and what may not."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from kaizen_worker.breaker import CircuitBreaker


class Interrupted(Exception):
    pass


@pytest.fixture
def interrupting():
    """A signal that interrupts this thread, like a soft time limit does."""

    def interrupt(*_):
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield lambda: os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def connected(server):
    return int(server.client().info("clients")["connected_clients"])


def test_an_interrupted_call_leaves_no_answer_for_the_next(own, own_server, interrupting):
    breaker = own(5, store_timeout=10)
    breaker.call_failed()
    own_server.freeze()
    waker = threading.Timer(0.2, interrupting)
    waker.start()
    with pytest.raises(Interrupted):
        breaker.call_failed()
    own_server.thaw()
    waker.join()
    assert breaker.state().shared
    # The answer that nobody waited for is none to a later question: each has its own form.
    assert breaker.admit().failures in {1, 2}
    assert breaker.admit().generation == breaker.state().generation


def test_a_connection_that_the_server_closed_is_replaced(own, own_server, events):
    breaker = own()
    breaker.call(int)
    own_server.client().client_kill_filter(_type="normal", skipme=True)
    breaker.call(int)
    assert not events["store_error"]


def test_a_restart_between_calls_is_not_noticed(own, own_server, events, wait_until):
    breaker = own(2)
    breaker.call_failed()
    own_server.kill()
    own_server.start()
    wait_until(own_server.answers)
    breaker.call(int)
    assert not events["store_error"]


def test_one_thread_after_another_uses_one_connection(own, own_server):
    breaker = own()
    breaker.call(int)
    before = connected(own_server)
    for _ in range(10):
        with ThreadPoolExecutor(1) as thread:
            thread.submit(breaker.call, int).result()
    assert connected(own_server) - before == 1  # that of the second question


def test_a_forked_process_uses_a_connection_of_its_own(own, own_server):
    breaker = own(3)
    breaker.call_failed()
    child = os.fork()
    if not child:
        counts = own_server.client()
        before = counts.info("clients")["connected_clients"]
        breaker.call_failed()
        opened = counts.info("clients")["connected_clients"] - before
        os._exit(10 * opened + breaker.state().failures)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 12
    assert breaker.state().failures == 2


REFUSALS = {
    "OOM": lambda client: client.config_set("maxmemory", 1),
    "READONLY": lambda client: client.replicaof("127.0.0.1", "1"),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_an_error_of_the_server_is_an_outage(own, own_server, events, caplog, code):
    breaker = own(2)
    breaker.call(int)
    REFUSALS[code](own_server.client())
    breaker.call_failed()
    breaker.call_failed()
    assert code in caplog.text
    assert events["store_error"] == 1
    assert not breaker.can_execute()


def test_without_its_password_it_is_alone(own, own_server, events):
    own_server.client().config_set("requirepass", "secret")
    breaker = own(1)
    breaker.call_failed()
    assert events["store_error"] == 1
    assert not breaker.can_execute()


def test_a_password_and_a_database_are_used(own_server, name):
    own_server.client().config_set("requirepass", "secret")
    url = f"unix://:secret@{own_server.socket}?db=3"
    breaker = CircuitBreaker(1, name=name, redis=Redis.from_url(url))
    breaker.call_failed()
    assert breaker.state().shared
    assert not CircuitBreaker(1, name=name, redis=Redis.from_url(url)).can_execute()

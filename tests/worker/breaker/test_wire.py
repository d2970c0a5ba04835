"""What goes over the wire: how often, to which slot, and read by which clients."""

import socket
import subprocess

import pytest
from redis import Redis
from redis.cluster import RedisCluster
from redis.crc import key_slot
from redis.exceptions import ResponseError

from kaizen_api import keys
from kaizen_api.errors import BreakerOpen
from kaizen_worker.breaker import CircuitBreaker


@pytest.fixture
def trips(client):
    """How many calls the server has had from breakers."""

    def count():
        stats = client.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha", "sadd"))

    return count


def rejected(breaker):
    with pytest.raises(BreakerOpen):
        breaker.admit()


def failed(breaker):
    breaker.report(breaker.admit(), "failure")


def test_round_trips_while_closed(make, trips):
    breaker = make(1000)
    failed(breaker)  # the server gets to know both scripts
    breaker.call(int)
    start = trips()
    for _ in range(10):
        breaker.call(int)
    assert trips() - start == 10
    for _ in range(10):
        failed(breaker)
    assert trips() - start == 30
    breaker.call(int)  # its success ends the row, and has to be told
    assert trips() - start == 32


async def test_coroutines_take_the_same_round_trips(make, trips):
    breaker = make(1000, recheck=60)
    failed(breaker)
    breaker.call(int)
    start = trips()
    for _ in range(10):
        async with breaker.guard():
            pass
    assert trips() - start == 10
    for _ in range(10):
        await breaker.report_async(await breaker.admit_async(), "failure")
    assert trips() - start == 30
    breaker.open()
    start = trips()
    for _ in range(100):
        with pytest.raises(BreakerOpen):
            await breaker.admit_async()
    assert trips() == start


def test_closed_can_be_believed_for_a_moment(make, trips, events):
    breaker = make(1, closed_cache=0.25)
    breaker.call(int)
    start = trips()
    for _ in range(1000):
        breaker.call(int)
    assert trips() - start < 500
    assert events["admitted"] == 1001
    failed(breaker)
    rejected(breaker)


def test_closed_is_not_believed_while_failures_count(make):
    make().call_failed()
    breaker = make(closed_cache=0.25)
    breaker.admit()
    breaker.report(breaker.admit(), "success")
    assert breaker.state().failures == 0


@pytest.mark.parametrize("open_it", [CircuitBreaker.call_failed, CircuitBreaker.open])
def test_round_trips_while_known_to_be_open(make, trips, events, open_it):
    breaker = make(1, recheck=60)
    open_it(breaker)
    before = trips()
    for _ in range(100):
        rejected(breaker)
    assert breaker.is_open
    assert trips() == before
    assert events["rejected"] == 100


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize("protocol", [2, 3])
def test_clients_may_decode_or_not(breaker_server, make, advance, decode, protocol):
    breaker = make(1, redis=breaker_server.client(decode_responses=decode, protocol=protocol))
    failed(breaker)
    assert breaker.is_open
    advance(300)
    assert breaker.admit().probe


@pytest.mark.parametrize("name", ["acme/folder", "{a}b", "a}b", "}{", "Größe", "x" * 256])
def test_the_keys_of_a_breaker_share_a_slot_whatever_its_name(name):
    slots = {key_slot(key.encode()) for key in (keys.breaker(name), keys.leases(name))}
    assert len(slots) == 1


def test_the_given_client_keeps_its_settings_and_its_connection(breaker_server, make):
    client = Redis(unix_socket_path=breaker_server.socket, decode_responses=True, socket_timeout=33)
    make(redis=client).call(int)
    assert client.connection_pool.connection_kwargs["socket_timeout"] == 33
    assert client.echo("kept") == "kept"
    client.close()


def port_answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    # The cluster's bus listens 10,000 above.
    for port in range(20_000, 30_000):
        if not port_answers(port) and not port_answers(port + 10_000):
            return port
    raise AssertionError("no free port")


@pytest.fixture
def cluster(tmp_path, breaker_server, wait_until):
    """A real cluster of one node."""
    port = free_port()
    settings = ["--port", str(port), "--cluster-enabled", "yes", "--save", "", "--dir", str(tmp_path)]
    program = breaker_server.process.args[0]
    node = subprocess.Popen([program, "--bind", "127.0.0.1", *settings], stdout=subprocess.DEVNULL)
    direct = Redis(port=port)

    def ready():
        try:
            direct.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        except ResponseError:  # they are given
            return direct.cluster("INFO")["cluster_state"] == "ok"

    wait_until(lambda: port_answers(port))
    wait_until(ready)
    client = RedisCluster(host="127.0.0.1", port=port)
    yield client
    client.close()
    direct.close()
    node.kill()
    node.wait()


def test_it_works_on_a_cluster(make, cluster):
    breaker = make(2, redis=cluster)
    for _ in range(2):
        failed(breaker)
    rejected(breaker)
    assert cluster.sismember(keys.BREAKERS, breaker.name)

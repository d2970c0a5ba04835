"""Tenants on three nodes of a cluster, the broker apart: pushed, analysed, read and counted as on one server."""

import json
import urllib.request

import pytest
from redis.crc import key_slot
from redis.exceptions import ResponseError

from kaizen_api import Interaction, KaizenConfig, Producer, jobs, keys
from kaizen_api.connection import connect, connect_async, every
from kaizen_api.errors import BreakerOpen, InvalidConfig
from kaizen_worker.breaker import CircuitBreaker

TENANTS = ("acme", "globex", "hooli", "wonka")
NUMBER = 90


@pytest.fixture(scope="module")
def url(cluster):
    """Names two nodes: these tell the third."""
    return f"redis+cluster://127.0.0.1:{cluster[0]},127.0.0.1:{cluster[1]}"


@pytest.fixture(scope="module")
def home(home_of, url, servers, ports, wait_until):
    """An installation on it."""
    (broker,) = ports(1)
    servers.start(broker)
    wait_until(lambda: servers.says(broker, "PING"))
    api_keys = json.dumps({tenant: f"key-of-{tenant}-0123456789" for tenant in TENANTS})
    return home_of(redis_url=url, broker_url=f"redis://127.0.0.1:{broker}/0", user_key="k", api_keys=api_keys)


def conversation(tenant, index):
    asked = ("How do I reset my card PIN?", "Where is my parcel now?")[index % 2]
    return Interaction(
        id=f"{tenant}{index}",
        query=f"{asked} {'please ' * (index % 3)}",
        session_id=f"s{index}",
        user_id=f"u{index}",
        response="Sorry, I don't have information about that." if index % 2 else "Under Cards.",
        response_time=1.0 + index % 3,
        error="timeout" if index % 10 == 0 else None,
    )


def fetch(url, key=None, body=None):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(url, data=body, headers=headers | {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def trip(config):
    """A breaker over the cluster opens at its first failure, and every process sees that."""
    with connect(config) as client:
        breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=300, name="cards", redis=client)
        with pytest.raises(OSError, match="away"), breaker.guard():
            raise OSError("away")
        again = CircuitBreaker(failure_threshold=1, recovery_timeout=300, name="cards", redis=client)
        with pytest.raises(BreakerOpen), again.guard():
            pass


def sample(text, name):
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


@pytest.mark.timeout(400)
def test_the_whole_loop(home, cluster, servers):
    slots = {key_slot(f"{{{tenant}}}".encode()) * len(cluster) // 16_384 for tenant in TENANTS}
    assert slots == {0, 1, 2}, "the tenants lie on all of the nodes"
    with home.up("--no-flower", "--workers", "2") as (_, line):
        config = KaizenConfig(redis_url=home.settings["KAIZEN_REDIS_URL"], data_dir=home.data, user_key="k")
        for tenant in TENANTS[:-1]:
            with Producer(config, tenant=tenant) as producer:
                assert producer.append(conversation(tenant, index) for index in range(NUMBER)).accepted == NUMBER
                assert producer.append([conversation(tenant, 0)]).duplicates == (0,)
        for index in range(NUMBER):
            tenant = TENANTS[-1]
            body = {"id": f"h{index}", "query": conversation(tenant, index).query, "response": "Under Cards."}
            fetch(f"{line['api']}/v1/interactions", f"key-of-{tenant}-0123456789", json.dumps(body).encode())
        for tenant in TENANTS:
            done = home.run("analyze", "--wait", "--tenant", tenant)
            assert (done["status"], done["interactions"]) == ("done", NUMBER)
            assert home.run("topics", "--tenant", tenant)["items"]
            assert json.loads(fetch(f"{line['api']}/v1/topics", f"key-of-{tenant}-0123456789"))["items"]
        assert home.run("insights", "--tenant", "acme")["items"]
        assert home.run("tenants")
        trip(config)

        scraped = fetch(f"{line['exporter']}/kaizen/metrics").decode()
        assert sample(scraped, "kaizen_up ") == 1
        assert sample(scraped, "kaizen_interactions_total{") == NUMBER * len(TENANTS)
        assert sample(scraped, 'kaizen_ingested_total{result="duplicate"}') == len(TENANTS) - 1
        assert sample(scraped, "kaizen_stream_depth") == 0
        assert sample(scraped, 'kaizen_tenant_interactions_total{tenant="acme"}') == NUMBER
        assert sample(scraped, 'kaizen_breaker_state{breaker="cards",state="open"') == 1
        checks = {check["name"]: check for check in home.run("doctor")["checks"]}
        assert checks["topology"]["detail"] == "cluster of 3 masters, 0 replicas, appends wait for 0 of them"
        assert all(f"127.0.0.1:{port}" in checks["topology"]["remedy"] for port in cluster)
        assert sum(name.startswith("memory 127.0.0.1:") for name in checks) == len(cluster)
    assert all(servers.client(port).dbsize() for port in cluster)


@pytest.fixture
def config(url, tmp_path):
    return KaizenConfig(redis_url=url, data_dir=tmp_path)


def test_a_slot_that_moved_is_followed(config, cluster, servers):
    """By scripts and pipelines of a client that has learnt where it was; the slot is empty when it moves."""
    key = keys.live("moving")
    slot = key_slot(key.encode())
    with connect(config) as client:
        count = client.register_script("return redis.call('HINCRBY', KEYS[1], 'n', 1)")
        assert count(keys=[key]) == 1
        client.delete(key)
        former = slot * len(cluster) // 16_384
        to = cluster[(former + 1) % len(cluster)]
        node = servers.says(to, "CLUSTER MYID")
        for port in (to, *cluster):
            servers.says(port, "CLUSTER SETSLOT", slot, "NODE", node)
        pipe = client.pipeline(transaction=False)
        pipe.time()
        pipe.set(keys.pace("elsewhere"), "over", ex=60)
        count(keys=[key], client=pipe)
        _, *replies = pipe.execute()
        assert replies == [True, 1]
        assert count(keys=[key]) == 2
        assert servers.client(to).hget(key, "n") == "2"
        client.delete(key)


def test_a_transaction_over_several_tenants_is_refused(config):
    with connect(config) as client:
        pipe = client.pipeline()
        pipe.hset(keys.live("acme"), "n", 1)
        pipe.hset(keys.live("globex"), "n", 1)
        with pytest.raises(ResponseError, match="CROSSSLOT a transaction touches keys of one slot only"):
            pipe.execute()


async def test_a_coroutine_asks_the_same_nodes(config):
    async with connect_async(config) as client:
        pipe = client.pipeline(transaction=False)
        for tenant in TENANTS:
            pipe.hset(keys.live(tenant), "n", tenant)
        await pipe.execute()
        assert [await client.hget(keys.live(tenant), "n") for tenant in TENANTS] == [one.encode() for one in TENANTS]
    with connect(config) as client:
        assert len(every(client)) == 3
        for tenant in TENANTS:
            assert client.hdel(keys.live(tenant), "n") == 1


def test_jobs_need_a_server_of_their_own(config):
    with pytest.raises(InvalidConfig, match=r"Celery works with no cluster.*KAIZEN_BROKER_URL"):
        jobs.enqueue(config, jobs.TICK)
    with pytest.raises(InvalidConfig, match=r"KAIZEN_BROKER_URL.*Celery works with no cluster"):
        KaizenConfig(broker_url=config.redis_url)

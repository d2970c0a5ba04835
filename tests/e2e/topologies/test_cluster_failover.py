"""A node of a cluster dies, the only one that was named: what it had accepted is taken on by its replica."""

import pytest

from kaizen_api import Interaction, KaizenConfig, Producer, keys
from kaizen_api.errors import Unavailable

SECONDS = 60


@pytest.fixture
def replica(cluster, servers, ports, wait_until):
    """Of the node that has the tenant `default`: (node, replica)."""
    port, bus = ports(2)
    servers.start(port, "--cluster-enabled", "yes", "--cluster-port", bus)
    wait_until(lambda: servers.says(port, "PING"))
    for node in cluster:
        servers.says(node, "CONFIG SET", "cluster-node-timeout", 1000)
    servers.says(port, "CONFIG SET", "cluster-node-timeout", 1000)
    slot = servers.says(cluster[0], "CLUSTER KEYSLOT", keys.stream("default"))
    own = cluster[int(slot) * len(cluster) // 16_384]
    bus_of = int(servers.says(own, "CONFIG GET", "cluster-port")["cluster-port"])
    servers.says(port, "CLUSTER MEET", "127.0.0.1", own, bus_of)
    name = servers.says(own, "CLUSTER MYID")
    wait_until(lambda: servers.says(port, "CLUSTER REPLICATE", name))
    wait_until(lambda: (servers.says(port, "INFO", "replication") or {}).get("master_link_status") == "up")
    for node in cluster:
        wait_until(lambda node=node: str(port) in str(servers.says(node, "CLUSTER SLOTS")))
    return own, port


@pytest.mark.timeout(400)
def test_its_replica_goes_on_with_what_was_accepted(replica, servers, tmp_path, wait_until):
    own, port = replica
    config = KaizenConfig(redis_url=f"redis+cluster://127.0.0.1:{own}", data_dir=tmp_path)
    with Producer(config) as producer:

        def taken(number):
            try:
                return producer.append([Interaction(id=f"i{one}", query="q") for one in range(number)])
            except Unavailable:
                return None

        wait_until(lambda: taken(10), seconds=SECONDS)
        wait_until(lambda: servers.client(port).dbsize() == servers.client(own).dbsize(), seconds=SECONDS)
        servers.kill(own)
        wait_until(lambda: taken(20), seconds=SECONDS)
    assert servers.client(port).xlen(keys.stream("default")) == 20  # the ten of before are there, and counted once

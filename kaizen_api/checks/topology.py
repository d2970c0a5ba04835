"""Check of how the servers stand to each other: what the death of one of them would cost."""

from typing import Any

import redis

from kaizen_api.checks.check import Check
from kaizen_api.checks.server import address_of
from kaizen_api.config import KaizenConfig, Topology, topology
from kaizen_api.connection import connect, every, reaching, redis_url
from kaizen_api.connection.sentinel import to_sentinels

_WAITS = "set KAIZEN_WAIT_REPLICAS=1: until then a failover can cost what was accepted in its last moments"
_QUORUM = 3


def check_topology(config: KaizenConfig) -> list[Check]:
    """Which replicas follow, who would notice a death, and whether an append waits for a replica."""
    named = topology(redis_url(config))
    with reaching(config), connect(config) as client:
        servers = every(client)
        following = [int(one.info("replication")["connected_slaves"]) for one in servers]
    waits = f"appends wait for {config.wait_replicas} of them"
    advice = _WAITS if any(following) and not config.wait_replicas else ""
    if named.kind == "cluster":
        return [_cluster(servers, following, waits, advice)]
    if named.kind == "sentinel":
        return [_sentinels(named, following[0], waits, advice)]
    if not following[0]:
        return [Check("topology", ok=True, detail="one server, no replica")]
    return [Check("topology", ok=True, detail=f"one server, {following[0]} replicas, {waits}", remedy=advice)]


def _cluster(servers: list[redis.Redis], following: list[int], waits: str, advice: str) -> Check:
    alone = [address_of(server) for server, replicas in zip(servers, following, strict=True) if not replicas]
    detail = f"cluster of {len(servers)} masters, {sum(following)} replicas, {waits}"
    if alone:
        advice = f"give {', '.join(alone)} a replica: until then its death takes its tenants away till it is back"
    return Check("topology", ok=True, detail=detail, remedy=advice)


def _sentinels(named: Topology, replicas: int, waits: str, advice: str) -> Check:
    answering = sum(_answers(named, host, port) for host, port in named.hosts)
    detail = f"{answering} of {len(named.hosts)} Sentinels answer for {named.master}, {replicas} replicas, {waits}"
    if answering * 2 <= len(named.hosts):
        return Check("topology", ok=False, detail=detail, remedy="start the others: so few cannot agree on a failover")
    if not replicas:
        return Check(
            "topology", ok=False, detail=detail, remedy="start a replica: nobody could take the master's place"
        )
    if len(named.hosts) < _QUORUM:
        advice = "name three Sentinels or more, on hosts of their own: fewer cannot outvote the loss of one"
    return Check("topology", ok=True, detail=detail, remedy=advice)


def _answers(named: Topology, host: str, port: int) -> bool:
    try:
        with redis.Redis(host=host, port=port, **to_sentinels(named)) as sentinel:
            ask: Any = sentinel
            return bool(ask.sentinel_get_master_addr_by_name(named.master))
    except redis.RedisError:
        return False

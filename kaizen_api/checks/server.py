"""Checks of what runs behind Redis: server, broker, workers, stream."""

from dataclasses import replace
from typing import Any, cast

import redis

from kaizen_api import keys
from kaizen_api.checks.check import Check
from kaizen_api.config import KaizenConfig, mask_setting
from kaizen_api.connection import broker_url, connect, every, is_spread, reaching
from kaizen_api.eviction import KEEPS, REMEDY
from kaizen_api.jobs import answering_workers
from kaizen_api.liveness import progress
from kaizen_api.metrics import field
from kaizen_api.producer.room import SHARE
from kaizen_api.queries import Queries

_MIN_VERSION = (6, 2)
_PING_SECONDS = 1.5
_OLD = 60.0
_FILLING = 0.75


def server_info(config: KaizenConfig) -> dict[str, Any]:
    """What the server says about itself.

    Raises:
        Unavailable: it does not answer.
    """
    with reaching(config), connect(config) as client:
        return every(client)[0].info()


def server_name(info: dict[str, Any]) -> str:
    """Name and version, like `valkey 9.1.2`."""
    if "valkey_version" in info:
        return f"valkey {info['valkey_version']}"
    return f"redis {info['redis_version']}"


def check_server(config: KaizenConfig) -> list[Check]:
    """Whether it answers, is new enough, never evicts, and survives a restart; of a cluster each node."""
    with reaching(config), connect(config) as client:
        servers = {address_of(server): server.info() for server in every(client)}
        spread = is_spread(client)
    where = mask_setting("redis_url", config.redis_url or "of `kaizen up`")
    checks = [Check("redis", ok=True, detail=f"cluster of {len(servers)} masters {where}")] if spread else []
    for address, info in servers.items():
        found = _server(info, address if spread else where)
        checks += [replace(one, name=f"{one.name} {address}") for one in found] if spread else found
    return checks


def address_of(server: redis.Redis) -> str:
    """Where a client of one server connects."""
    place = server.connection_pool.connection_kwargs
    return f"{place['host']}:{place['port']}" if "port" in place else str(place.get("path", "the master"))


def _server(info: dict[str, Any], where: str) -> list[Check]:
    checks = [Check("redis", ok=True, detail=f"{server_name(info)} {where}")]
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < _MIN_VERSION:
        checks = [Check("redis", ok=False, detail=f"{server_name(info)} is too old", remedy="needs 6.2 or newer")]
    policy = str(info.get("maxmemory_policy", "unknown"))
    remedy = "" if policy == KEEPS else REMEDY
    checks.append(
        Check("eviction", ok=policy in {KEEPS, "unknown"}, detail=f"maxmemory-policy {policy}", remedy=remedy)
    )
    checks.append(_memory(info))
    appending = bool(info.get("aof_enabled"))
    remedy = "" if appending else "set appendonly yes: without it a crash loses what came in since the last snapshot"
    checks.append(Check("persistence", ok=True, detail=f"appendonly {'yes' if appending else 'no'}", remedy=remedy))
    return checks


def _memory(info: dict[str, Any]) -> Check:
    """Whether there is room: a full server refuses all writes, and producers are turned away a tenth before."""
    used, most = int(info["used_memory"]), int(info.get("maxmemory", 0))
    if not most:
        remedy = "set maxmemory: without it the system ends the server where memory ends"
        return Check("memory", ok=True, detail=f"{used / 1e6:.0f} MB used, no maxmemory", remedy=remedy)
    detail = f"{used / 1e6:.0f} of {most / 1e6:.0f} MB used"
    remedy = "add workers if much waits, raise maxmemory, or lower KAIZEN_METRICS_RETENTION_DAYS"
    full = used >= SHARE * most
    return Check("memory", ok=not full, detail=detail, remedy=remedy if used >= _FILLING * most else "")


def check_broker(config: KaizenConfig) -> list[Check]:
    """Whether Celery's broker answers, where it is another server."""
    if config.broker_url is None:
        broker_url(config)  # says what a cluster needs
        return [Check("broker", ok=True, detail="that of redis")]
    where = mask_setting("broker_url", config.broker_url)
    try:
        with connect(config.model_copy(update={"redis_url": config.broker_url})) as client:
            client.ping()
    except redis.RedisError as error:
        detail = f"{where} does not answer ({type(error).__name__})"
        return [Check("broker", ok=False, detail=detail, remedy="start it, or correct KAIZEN_BROKER_URL")]
    return [Check("broker", ok=True, detail=where)]


def check_workers(config: KaizenConfig) -> list[Check]:
    """Whether worker processes answer, and none of them lives on and does nothing."""
    names = answering_workers(config, timeout=_PING_SECONDS)
    remedy = "" if names else "start `kaizen up`, or `kaizen worker` and one `kaizen beat`"
    checks = [Check("workers", ok=bool(names), detail=", ".join(names) or "none answers", remedy=remedy)]
    remedy = (
        "end it with SIGKILL: a new one takes over; if it is gone, `kaizen worker` of that name or a day forgets it"
    )
    return checks + [
        Check(f"worker {one.node}", ok=False, detail=f"makes no progress: {one.detail}", remedy=remedy)
        for one in progress(config, anywhere=True)
        if one.wedged
    ]


def check_beat(config: KaizenConfig) -> list[Check]:
    """Whether beat's ticks reach a worker: without them nothing that waits is taken up."""
    with reaching(config), connect(config) as client:
        ticked = client.exists(keys.TICKED)
    if ticked:
        return [Check("beat", ok=True, detail="its last tick was carried out within the last minute")]
    remedy = "start one `kaizen beat`; if it runs, every worker is busy: add workers"
    return [Check("beat", ok=False, detail="no tick was carried out within the last minute", remedy=remedy)]


def check_stream(config: KaizenConfig) -> list[Check]:
    """Whether the tenant's stream moves, and what could not be processed."""
    with reaching(config), connect(config) as client:
        queue = Queries(client, tenant=config.tenant).queue()
        lost = int(
            cast("bytes", client.hget(keys.metrics(config.tenant), field("kaizen_dead_letters_lost_total"))) or 0
        )
    moves = queue.oldest_age < _OLD
    remedy = "" if moves else "see whether workers and beat run, and what their log says"
    detail = f"{queue.depth} wait, the oldest {queue.oldest_age:.0f} s"
    checks = [Check("stream", ok=moves, detail=detail, remedy=remedy)]
    said = f", and {lost} before them made room: {config.max_dead_letters} may be kept" if lost else ""
    remedy = "`kaizen dead-letters list` shows why" if queue.dead else ""
    checks.append(Check("dead letters", ok=not queue.dead, detail=f"{queue.dead}{said}", remedy=remedy))
    return checks

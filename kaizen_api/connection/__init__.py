"""Redis clients with bounded calls, and errors that say what to do: one server, Sentinels or a cluster.

Guarantee: no call on these clients takes longer than `CALL_SECONDS` (three of its time-outs where it has one of its
own), whether Redis refuses, hangs or restarts, and no error names a password. A hung server costs one time-out, or two
where a coroutine has to connect first: only a connection that broke is tried once more. Each Sentinel
that hangs, and each node of a cluster that does not say where the slots are, costs a connection half a second more.
"""

from kaizen_api.connection.clients import broker_url, celery_broker, connect, connect_async, redis_url, socket_path
from kaizen_api.connection.cluster import ClusterRedis
from kaizen_api.connection.counts import count_keys, every, every_async, is_spread, leave_connections
from kaizen_api.connection.failures import reaching, unavailable
from kaizen_api.connection.sentinel import MasterConnection
from kaizen_api.connection.times import CALL_SECONDS, TIMEOUT

__all__ = [
    "CALL_SECONDS",
    "TIMEOUT",
    "ClusterRedis",
    "MasterConnection",
    "broker_url",
    "celery_broker",
    "connect",
    "connect_async",
    "count_keys",
    "every",
    "every_async",
    "is_spread",
    "leave_connections",
    "reaching",
    "redis_url",
    "socket_path",
    "unavailable",
]

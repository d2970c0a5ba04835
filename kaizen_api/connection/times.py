"""How long calls may take."""

from typing import Any

TIMEOUT = 2.0
"""Seconds a call may wait for Redis, unless the caller says otherwise."""

CALL_SECONDS = 3 * TIMEOUT
"""Longest call: waiting for one of the connections, for a connection that breaks, and for a server that hangs."""

CONNECT_TIMEOUT = 1.0
"""Seconds a connection may take."""

PAUSE = 0.05
"""Seconds before a connection that broke is tried once more."""

_MAX_CONNECTIONS = 50


def limits(timeout: float) -> dict[str, Any]:
    """Arguments of a pool of either kind, whose calls wait so many seconds."""
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": min(timeout, CONNECT_TIMEOUT),
        "health_check_interval": 0,  # a connection that broke is made again anyway; a check would wait as long
        "max_connections": _MAX_CONNECTIONS,
        "timeout": timeout,
    }

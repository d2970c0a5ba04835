"""nopanic-redis: it counts a share of at least so many calls; probes at once and successes to close are one number."""

from nopanic_redis import redis_circuit_breaker


def make(client, name, chosen):
    return redis_circuit_breaker(
        client,
        name=name,
        min_calls=chosen.threshold,
        reset_timeout=chosen.recovery,
        half_open_max_calls=chosen.successes,
    )

"""pybreaker, with its Redis storage."""

from pybreaker import CircuitBreaker, CircuitRedisStorage


def make(client, name, chosen):
    storage = CircuitRedisStorage("closed", client, namespace=name)
    return CircuitBreaker(
        fail_max=chosen.threshold,
        reset_timeout=chosen.recovery,
        success_threshold=chosen.successes,
        state_storage=storage,
    )

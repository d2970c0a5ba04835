"""interlock-cb, with its Redis storage: each process counts for itself, and polls from its first call on."""

from interlock import CircuitBreaker, Config
from interlock.integrations.redis import RedisStorage


def make(client, name, chosen):
    config = Config(
        failure_rate_threshold=1.0,
        minimum_number_of_calls=chosen.threshold,
        window_size=chosen.threshold,
        wait_duration_in_open=chosen.recovery,
        permitted_calls_in_half_open=chosen.successes,
        max_concurrent_probes=1,
    )
    breaker = CircuitBreaker(name=name, config=config, storage=RedisStorage(client))
    if chosen.polls:
        breaker.call_sync(int)
    return breaker

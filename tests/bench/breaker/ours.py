"""Ours, as anybody would use it; the back-off does not grow, because that of the others does not."""

from kaizen_worker.breaker import CircuitBreaker


def make(client, name, chosen):
    return CircuitBreaker(
        chosen.threshold,
        chosen.recovery,
        name=name,
        redis=client,
        success_threshold=chosen.successes,
        lease_seconds=chosen.lease,
        multiplier=1,
    )

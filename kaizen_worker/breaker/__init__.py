"""The shared circuit breaker: one state for all processes that use a name.

Guarantees, as long as Redis keeps its data: the breaker opens at the threshold and not before, however many processes
fail at once; while half-open no more probes run than permitted; a result counts only for the state it was admitted in;
a prober that is killed blocks nobody longer than its lease. When Redis is away, calls go on under an in-process
breaker, and waiting for Redis costs one time-out a second at most.
"""

from kaizen_worker.breaker.circuit import CircuitBreaker
from kaizen_worker.breaker.dropin import Triggered, countdown, trigger_gap_fill_with_breaker, with_circuit_breaker
from kaizen_worker.breaker.permit import Outcome, Permit
from kaizen_worker.breaker.reply import BreakerState

__all__ = [
    "BreakerState",
    "CircuitBreaker",
    "Outcome",
    "Permit",
    "Triggered",
    "countdown",
    "trigger_gap_fill_with_breaker",
    "with_circuit_breaker",
]

"""Room in Redis: producers stop before it is at its maxmemory.

Guarantee: what is taken can be committed. A server that is at its maxmemory refuses the workers' writes too, and then
nothing drains; so room is kept for what each waiting interaction will need beyond its place in the stream, and a tenth
of the whole for everything else. One producer never oversteps; several at once by what they send within a second.
"""

import math
import time
from collections.abc import Sequence
from typing import Any

from kaizen_api import keys
from kaizen_api.errors import Backpressure
from kaizen_api.metrics.table import field
from kaizen_api.producer.batch import Pair

SHARE = 0.9
"""Of Redis' maxmemory: how much interactions, and what becomes of them, may fill."""

COMMITTED_BYTES = 900
"""What a committed interaction takes: vector 816, log 25 to 70, window of recent values 6 (measured on Valkey 9.1)."""

APPENDED_BYTES = 130
"""What an appended one takes beside its own length: id and seen mark."""

FRESH_SECONDS = 1.0
"""How long one look at the memory serves: it costs the server 80 µs, as much as appending 20 interactions."""

_COUNTS = (
    field("kaizen_ingested_total", result="accepted"),
    field("kaizen_interactions_total", outcome="ok"),
    field("kaizen_interactions_total", outcome="error"),
)


class Room:
    """How much one producer may still append.

    Args:
        tenant: Whose stream.
        counts: Where it is counted what waits: of all tenants on its server; in a cluster of its own alone.
    """

    def __init__(self, tenant: str, counts: str) -> None:
        self._stream = keys.stream(tenant)
        self._counts = counts
        self._left = 0.0
        self._until = 0.0

    def covers(self, pairs: Sequence[Pair]) -> bool:
        """Whether the last look allows for these; if so, their room is taken."""
        need = sum(len(encoded) for _, encoded in pairs) + len(pairs) * (APPENDED_BYTES + COMMITTED_BYTES)
        if need > self._left or time.monotonic() > self._until:
            return False
        self._left -= need
        return True

    def look(self, pipe: Any) -> None:
        """Ask what `note` needs to know, on a pipeline of either kind."""
        pipe.info("memory")
        pipe.hmget(self._counts, _COUNTS)
        pipe.memory_usage(self._stream)

    def note(self, answers: Sequence[Any], pairs: Sequence[Pair]) -> None:
        """Take room for these by what the server answered; one that may not be asked has no limit but its own.

        Raises:
            Backpressure: there is too little.
        """
        memory, counts, stream = answers
        self._until = time.monotonic() + FRESH_SECONDS
        self._left = math.inf
        if not isinstance(memory, dict) or not memory["maxmemory"]:
            return
        accepted, *committed = (int(count or 0) for count in counts)
        # in all tenants' streams, the dead among them; of one's own, the stream's bytes become free again
        reserved = max(0, (accepted - sum(committed)) * COMMITTED_BYTES - (stream or 0))
        used = memory["used_memory"] - memory.get("mem_not_counted_for_evict", 0)
        self._left = SHARE * memory["maxmemory"] - used - reserved
        if not self.covers(pairs):
            raise Backpressure(
                f"Redis uses {used / 1e6:.0f} MB, committing what waits takes up to {reserved / 1e6:.0f} MB more, and "
                f"a tenth of its maxmemory of {memory['maxmemory'] / 1e6:.0f} MB is kept free: nothing was taken, "
                "retry later, add workers, raise maxmemory, or lower KAIZEN_METRICS_RETENTION_DAYS"
            )

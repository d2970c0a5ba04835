"""Waiting for the workers: a stream until it is drained or caught up with, an analysis until it has ended.

All yield what they see, as often as they look, and give up when nothing moves for too long.
"""

import time
from collections.abc import Iterator

from kaizen_api.errors import Unavailable
from kaizen_api.queries import MAX_PAGE, Queries, Queue
from kaizen_api.schema import Cycle

_LOOK = 0.2
HOW_TO_STOP = "`kaizen analyze --list` shows it, `kaizen analyze --cancel {}` stops it"
"""What to do about an analysis that nobody waits for any more."""

PATIENCE = 120.0
"""Seconds without any progress after which draining is given up."""


def draining(queries: Queries, *, patience: float = PATIENCE) -> Iterator[Queue]:
    """The stream's state until nothing waits; the last one is empty.

    Raises:
        Unavailable: nothing was committed for `patience` seconds.
    """
    deadline, depth = time.monotonic() + patience, -1
    while True:
        queue = queries.queue()
        yield queue
        if queue.depth == 0:
            return
        if queue.depth != depth:
            deadline, depth = time.monotonic() + patience, queue.depth
        if time.monotonic() > deadline:
            raise Unavailable(
                f"{depth} interactions wait and none was committed for {patience:.0f} s: are workers running?"
            )
        time.sleep(_LOOK)


def catching_up(queries: Queries, *, seconds: float, patience: float = PATIENCE) -> Iterator[Queue]:
    """The stream's state until everything is committed that was accepted before the first look, whatever follows it.

    Raises:
        Unavailable: it is not within `seconds`, or nothing was committed for `patience` seconds.
    """
    last = queries.newest()
    end = time.monotonic() + seconds
    deadline, oldest = time.monotonic() + patience, queries.oldest()
    while oldest and last and oldest <= last:
        queue = queries.queue()
        yield queue
        if time.monotonic() > min(deadline, end):
            waited = min(patience, seconds)
            raise Unavailable(f"{queue.depth} interactions wait after {waited:.0f} s: are workers running?")
        time.sleep(_LOOK)
        before, oldest = oldest, queries.oldest()
        if oldest != before:
            deadline = time.monotonic() + patience


def following(queries: Queries, cycle_id: str, *, seconds: float) -> Iterator[Cycle]:
    """The analysis' state until it has ended; the last one is final.

    Raises:
        NotFound: there is none under that id.
        Unavailable: it has not ended within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        cycle: Cycle = queries.get("cycle", cycle_id)
        yield cycle
        if cycle.status not in {"queued", "running"}:
            return
        if time.monotonic() > deadline:
            told = f"analysis {cycle_id} is {cycle.status} after {seconds:.0f} s: are workers running? It goes on; "
            raise Unavailable(told + HOW_TO_STOP.format(cycle_id))
        time.sleep(_LOOK)


def settling(queries: Queries, *, seconds: float) -> Iterator[int]:
    """The number of gaps that are still searched for, until there is none or the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        page = queries.page("gap", limit=MAX_PAGE, where=lambda gap: gap.status in {"open", "filling"})
        yield len(page.items)
        if not page.items or time.monotonic() > deadline:
            return
        time.sleep(_LOOK)

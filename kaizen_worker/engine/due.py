"""What is due: found in what is stored, so that a lost job costs time and nothing else."""

import math
from collections.abc import Iterator
from typing import cast

from kaizen_api import analyses, jobs, keys
from kaizen_api.queries import MAX_PAGE, Queries, tenants
from kaizen_api.schema import Cycle
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.store.claims import offer

CONSUMER_SECONDS = 20
"""How long one consumer works before it makes room, and how long a silent one blocks its place."""


def due_consumers(runtime: Runtime) -> Iterator[tuple[str, str]]:
    """(tenant, place) for every consumer that should run and does not."""
    config = runtime.config
    names = tenants(runtime.redis)
    pipe = runtime.redis.pipeline(transaction=False)
    for tenant in names:
        pipe.xlen(keys.stream(tenant))
        pipe.llen(keys.unembedded(tenant))
        runtime.tenant(tenant).detection.behind(pipe)
    replies = iter(cast("list[int]", pipe.execute()))
    for tenant, depth, pieces, behind in zip(names, replies, replies, replies, strict=True):
        for place in range(min(config.workers, max(math.ceil(depth / config.batch_size), pieces, behind))):
            if offer(runtime.redis, tenant=tenant, job=consumer_claim(str(place)), seconds=CONSUMER_SECONDS):
                yield tenant, str(place)


def consumer_claim(place: str) -> str:
    """Name of the claim on one of a tenant's places for consumers."""
    return f"consume:{place}"


def due_cycles(runtime: Runtime) -> Iterator[tuple[str, str]]:
    """(tenant, cycle) for every analysis that was asked for, is not done, and gives no sign of life."""
    for tenant in tenants(runtime.redis):
        for cycle in Queries(runtime.redis, tenant=tenant).page("cycle", limit=MAX_PAGE, where=_unfinished).items:
            if _offer(runtime, tenant, analyses.claim(cycle.id)):
                yield tenant, cycle.id


def _unfinished(cycle: Cycle) -> bool:
    return cycle.status in {"queued", "running"}


def due_gaps(runtime: Runtime) -> Iterator[tuple[str, str]]:
    """(tenant, gap) for every gap that is open, or whose filling gives no sign of life."""
    if not runtime.config.enable_gap_fill:
        return
    for tenant in tenants(runtime.redis):
        for gap in runtime.tenant(tenant).gaps.all():
            if gap.status in {"open", "filling"} and _offer(runtime, tenant, fill_claim(gap.id)):
                yield tenant, gap.id


def fill_claim(gap_id: str) -> str:
    """Name of the claim on filling a gap."""
    return f"fill:{gap_id}"


def _offer(runtime: Runtime, tenant: str, job: str) -> bool:
    return offer(runtime.redis, tenant=tenant, job=job, seconds=jobs.CLAIM_SECONDS)

"""Every Celery task: a name, what it works on, and one call into the engine.

All are idempotent. Arguments are names of tenants, cycles and gaps, never data.
"""

import time
from functools import cache
from typing import Any

import msgspec
from celery import shared_task

from kaizen_api import analyses, jobs, keys
from kaizen_api.config import KaizenConfig
from kaizen_api.metrics.queues import leave_sums
from kaizen_api.queries import tenants
from kaizen_worker.engine import cycle, daily, due, fill, lifecycle, live
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.schedule.runs import Runs
from kaizen_worker.schedule.timetable import read
from kaizen_worker.schedule.when import Daily

TICKED_SECONDS = 60
"""How long the word of a tick lasts: without it, beat or every worker is away or busy."""

LIVE_LIMIT = 600
"""Seconds after which a job that keeps the streams moving is killed: it takes seconds, or hangs."""


@cache
def runtime() -> Runtime:
    """The parts of this process, made at its first task: after the fork, never before it."""
    return Runtime(KaizenConfig.from_env())


@shared_task(name=jobs.TICK, time_limit=LIVE_LIMIT)
def tick() -> None:
    """Start consumers where something waits; leave word that beat and a worker are at it."""
    pipe = runtime().redis.pipeline(transaction=False)
    pipe.incr(keys.TICKS)
    pipe.set(keys.TICKED, time.time_ns() // 1000, ex=TICKED_SECONDS)
    pipe.execute()
    leave_sums(runtime().redis)
    for tenant, place in due.due_consumers(runtime()):
        jobs.enqueue(runtime().config, jobs.CONSUME, tenant=tenant, place=place)


@shared_task(name=jobs.CONSUME, time_limit=LIVE_LIMIT)
def consume(tenant: str, place: str) -> int:
    """Commit what waits in a tenant's stream."""
    return live.consume(runtime().tenant(tenant), place=place)


@shared_task(name=jobs.RESUME)
def resume() -> None:
    """Start again what was lost with a worker, or has to be tried again; finish what was interrupted."""
    for tenant in tenants(runtime().redis):
        lifecycle.reconcile(runtime().tenant(tenant), at=time.time_ns() // 1000)
    for tenant, cycle_id in due.due_cycles(runtime()):
        jobs.enqueue(runtime().config, jobs.ANALYZE, tenant=tenant, cycle_id=cycle_id)
    for tenant, gap_id in due.due_gaps(runtime()):
        jobs.enqueue(runtime().config, jobs.FILL, tenant=tenant, gap_id=gap_id)


@shared_task(name=jobs.CYCLE)
def start_cycle(tenant: str, due: str) -> None:
    """Ask for the analysis of a tenant that was due."""
    with Runs(runtime().redis).carrying_out("cycle", tenant=tenant, due=int(due)) as ours:
        if ours:
            analyses.request(runtime().config, tenant=tenant, due=int(due))


@shared_task(name=jobs.ANALYZE)
def analyze(tenant: str, cycle_id: str) -> None:
    """One analysis, and a search for each gap it opened."""
    for gap_id in cycle.analyze(runtime().tenant(tenant), cycle_id):
        jobs.enqueue(runtime().config, jobs.FILL, tenant=tenant, gap_id=gap_id)


@shared_task(name=jobs.FILL)
def fill_gap(tenant: str, gap_id: str) -> str:
    """Search for what a gap is missing."""
    return fill.fill(runtime().tenant(tenant), gap_id)


@shared_task(name=jobs.DAILY)
def rotate(tenant: str, due: str) -> Any:
    """Archive one knowledge base as of the tenant's own midnight, and delete what is past retention."""
    with Runs(runtime().redis).carrying_out("daily", tenant=tenant, due=int(due)) as ours:
        if not ours:
            return None
        when = read(runtime().redis, runtime().config).turn("daily", tenant).when
        zone = when.zone if isinstance(when, Daily) else runtime().config.timezone
        return msgspec.to_builtins(daily.rotate(runtime().tenant(tenant), zone=zone))

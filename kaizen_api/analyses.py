"""Asking for analyses: one noted in Redis before its job is sent, so that none that was asked for is lost.

Beat finds those whose job is lost. Whoever asks while one waits to begin gets that one; one may be cancelled until it
stores what it found.
"""

import secrets
import time
from collections.abc import Sequence
from functools import partial
from typing import cast

import msgspec
from msgspec.structs import replace
from redis.client import Pipeline

from kaizen_api import jobs, keys
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, count_keys, reaching
from kaizen_api.errors import Conflict, NotFound
from kaizen_api.metrics import field
from kaizen_api.schema import Cycle

_LATEST = 100
"""Analyses among which one is looked for that waits."""

FOUND = "insights"
"""The step of an analysis after which it only stores what it found: half of that stored would be worse than all."""


def request(config: KaizenConfig, *, tenant: str, due: int | None = None) -> Cycle:
    """Ask for an analysis now; where one of the tenant waits to begin, that is the one, and nothing is added.

    Args:
        config: The settings.
        tenant: Whose interactions.
        due: Of one that beat asks for, when it was due: asking again is asking for the same.

    Raises:
        Unavailable: Redis or the broker does not answer; the text says which.
    """
    if due is not None:
        cycle = note(config, tenant=tenant, due=due)
    else:
        cycle, is_new = _joined(config, tenant=tenant)
        if not is_new:
            return cycle
    jobs.enqueue(config, jobs.ANALYZE, tenant=tenant, cycle_id=cycle.id)
    return cycle


def _joined(config: KaizenConfig, *, tenant: str) -> tuple[Cycle, bool]:
    """The analysis that waits to begin, else a new one, and whether it is that; callers at once get the same."""
    objects, order = keys.objects(tenant, "cycle"), keys.order(tenant, "cycle")

    def join(pipe: Pipeline) -> tuple[Cycle, bool]:
        latest = cast("list[bytes]", pipe.zrevrange(order, 0, _LATEST - 1))
        stored = cast("list[bytes | None]", pipe.hmget(objects, latest)) if latest else []
        known = (msgspec.msgpack.decode(one, type=Cycle) for one in stored if one is not None)
        waiting = next((one for one in known if one.status == "queued"), None)
        pipe.multi()
        if waiting is not None:
            return waiting, False
        cycle = _new_cycle(tenant, due=None)
        _note(pipe, cycle)
        return cycle, True

    with reaching(config), connect(config) as client:
        joined: tuple[Cycle, bool] = client.transaction(join, objects, order, value_from_callable=True)
    return joined


def note(config: KaizenConfig, *, tenant: str, due: int | None = None) -> Cycle:
    """Note that an analysis is wanted; unless somebody does it within `CLAIM_SECONDS` of `jobs`, beat has it started.

    One that is noted under that due time already stays as it is.

    Raises:
        Unavailable: Redis does not answer.
    """
    cycle = _new_cycle(tenant, due=due)
    with reaching(config), connect(config) as client:
        pipe = client.pipeline()
        _note(pipe, cycle)
        pipe.execute()
    return cycle


def _new_cycle(tenant: str, *, due: int | None) -> Cycle:
    requested_at = time.time_ns() // 1000
    cycle_id = f"y{requested_at:x}{secrets.token_hex(2)}" if due is None else f"y{due:x}beat"
    return Cycle(id=cycle_id, tenant=tenant, requested_at=requested_at)


def _note(pipe: Pipeline, cycle: Cycle) -> None:
    """Have a transaction store that it is wanted."""
    stored = msgspec.msgpack.encode(cycle, order="deterministic")
    pipe.hsetnx(keys.objects(cycle.tenant, "cycle"), cycle.id, stored)
    pipe.zadd(keys.order(cycle.tenant, "cycle"), {cycle.id: cycle.requested_at}, nx=True)
    pipe.set(keys.claim(cycle.tenant, claim(cycle.id)), keys.OFFERED, ex=jobs.CLAIM_SECONDS, nx=True)


def claim(cycle_id: str) -> str:
    """Name of the claim that a running analysis renews; where it is gone, beat has the job started again."""
    return f"cycle:{cycle_id}"


def cancel(config: KaizenConfig, *, tenant: str, cycle_id: str) -> Cycle:
    """Have an analysis stop, and nothing of it published; a second time changes nothing.

    Whoever is at it sees that within seconds, because it can note no progress any more; nobody starts it again.

    Raises:
        NotFound: there is none under that id.
        Conflict: it has ended, or it stores what it found and ends in a moment.
        Unavailable: Redis does not answer.
    """
    objects = keys.objects(tenant, "cycle")
    with reaching(config), connect(config) as client:
        cancelling = partial(_cancel, tenant=tenant, cycle_id=cycle_id, counted=count_keys(client, tenant))
        cancelled: Cycle = client.transaction(cancelling, objects, value_from_callable=True)
    return cancelled


def _cancel(pipe: Pipeline, *, tenant: str, cycle_id: str, counted: Sequence[str]) -> Cycle:
    """Repeated by the client as long as somebody writes progress meanwhile."""
    objects = keys.objects(tenant, "cycle")
    stored = cast("bytes | None", pipe.hget(objects, cycle_id))
    if stored is None:
        raise NotFound(f"no analysis {cycle_id}: `kaizen analyze --list` lists them")
    cycle = msgspec.msgpack.decode(stored, type=Cycle)
    pipe.multi()
    if cycle.status == "cancelled":
        return cycle
    if cycle.status not in {"queued", "running"}:
        raise Conflict(f"analysis {cycle_id} has ended as {cycle.status}: there is nothing to cancel")
    if FOUND in cycle.seconds:
        raise Conflict(
            f"analysis {cycle_id} stores what it found and ends in a moment: it cannot be cancelled any more"
        )
    cancelled = replace(cycle, status="cancelled", detail=_while(cycle), step="", finished_at=time.time_ns() // 1000)
    pipe.hset(objects, cycle_id, msgspec.msgpack.encode(cancelled, order="deterministic"))
    for key in counted:
        pipe.hincrby(key, field("kaizen_analysis_cancellations_total"), 1)
    return cancelled


def _while(cycle: Cycle) -> str:
    return f"in step {cycle.step}" if cycle.step else "before it began"

"""The live tempo: batches from the stream are embedded, assigned to topics, committed, and looked at for patterns.

Guarantee: what fails because of itself (poison) is tried alone and becomes a dead letter after `max_deliveries`
attempts; what fails because a part is down (an outage) stays pending and is done later.
"""

import os
import secrets
import socket
import time
import traceback
from collections.abc import Sequence

import msgspec

from kaizen_api import spans
from kaizen_api.schema import Record
from kaizen_api.versions import SCHEMA, needed
from kaizen_worker.engine.due import CONSUMER_SECONDS, consumer_claim
from kaizen_worker.engine.outages import OUTAGES, naming_refusals
from kaizen_worker.engine.runtime import LOG, Tenant
from kaizen_worker.engine.sharing import take
from kaizen_worker.engine.watch import watch
from kaizen_worker.pipeline.assignment import assign
from kaizen_worker.store.claims import taken
from kaizen_worker.store.log import pack
from kaizen_worker.store.snapshot import load_snapshot
from kaizen_worker.store.stream import Delivery, Stream

_STARTED = secrets.token_hex(3)  # hosts of the same name may have processes of the same number
_OWED: dict[tuple[str, str], Delivery] = {}  # attempts, by tenant and id, to take back when Redis is there again
_DECODER = msgspec.msgpack.Decoder(Record)


def consume(tenant: Tenant, *, place: str, seconds: float = CONSUMER_SECONDS) -> int:
    """Commit what waits in the tenant's stream until it is empty or the time is up.

    Args:
        tenant: Whose stream.
        place: Which of the tenant's places for consumers this one fills; given back at the end.
        seconds: How long to work before making room.

    Returns:
        How many interactions were committed.

    Raises:
        RedisError, Unavailable: a part is down; what is in hand stays pending.
    """
    config = tenant.config
    stream = Stream(
        tenant.redis,
        tenant=tenant.name,
        consumer=f"{socket.gethostname()}:{os.getpid()}:{_STARTED}:{place}",
        claim_after=config.claim_after,
        recent=config.max_metric_items,
    )
    committed = 0
    deadline = time.monotonic() + seconds
    with taken(tenant.redis, tenant=tenant.name, job=consumer_claim(place), seconds=CONSUMER_SECONDS) as claim:
        if claim:
            _take_back(tenant, stream)
            _watch(tenant)
        while claim and time.monotonic() < deadline:
            deliveries = stream.next(config.batch_size)
            if deliveries:
                committed += _work_off(tenant, stream, deliveries)
                _watch(tenant)
            elif not take(tenant):  # texts of an analysis, as long as nothing waits
                break
        if claim:
            stream.leave()
    return committed


def _watch(tenant: Tenant) -> None:
    """Look for patterns; what comes in goes on whatever becomes of that."""
    try:
        with naming_refusals():
            watch(tenant)
    except OUTAGES:
        raise
    except Exception:  # noqa: BLE001  # such as what another version stored; the next analysis replaces it
        LOG.exception("patterns of %s were not looked for", tenant.name)


def _work_off(tenant: Tenant, stream: Stream, deliveries: Sequence[Delivery]) -> int:
    """The batch at once; one by one if it fails, or if it was lost with a worker before."""
    deliveries = _readable(tenant, stream, deliveries)
    if deliveries and not stream.delivered_before(deliveries[0]):
        try:
            return _commit(tenant, stream, deliveries)
        except OUTAGES:
            raise
        except Exception:  # noqa: BLE001  # whatever it is, one of the batch caused it: find out which
            LOG.warning("a batch of %d failed, trying one by one", len(deliveries))
    return sum(_try_alone(tenant, stream, delivery) for delivery in deliveries)


def _readable(tenant: Tenant, stream: Stream, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """Those that this version reads; the others are put aside for a newer worker."""
    newer = [delivery for delivery in deliveries if needed(delivery.encoded) > SCHEMA]
    if not newer:
        return deliveries
    stream.put_aside(newer)
    remedy = "bring this worker to the version that wrote them (ops/UPGRADE.md); they wait until then"
    LOG.error("%d interactions of %s need a newer schema than %d: %s", len(newer), tenant.name, SCHEMA, remedy)
    return [delivery for delivery in deliveries if delivery not in newer]


def _try_alone(tenant: Tenant, stream: Stream, delivery: Delivery) -> int:
    attempts = stream.attempt(delivery)
    limit = tenant.config.max_deliveries
    reason = f"lost with its worker {limit} times"
    if attempts <= limit:
        try:
            committed = _commit(tenant, stream, [delivery])
        except OUTAGES:
            _OWED[tenant.name, delivery.id] = delivery
            _take_back(tenant, stream)
            raise
        except Exception:  # noqa: BLE001  # poison has no type of its own
            reason = traceback.format_exc(limit=-3)
            if attempts < limit:
                return 0
        else:
            stream.settled(delivery)
            return committed
    most = tenant.config.max_dead_letters
    left = stream.bury(delivery, reason=reason, attempts=attempts, most=most)
    if left is not None:
        LOG.error("%s of %s is a dead letter: %s", delivery.id, tenant.name, reason.splitlines()[-1])
    if left:
        LOG.error("%d dead letters of %s made room: there are %d, as many as may be", left, tenant.name, most)
    stream.settled(delivery)
    return 0


def _take_back(tenant: Tenant, stream: Stream) -> None:
    """Attempts that an outage ended do not count; where Redis itself is away, the next consumer here does this."""
    for name, delivery in [owed for owed in _OWED.items() if owed[0][0] == tenant.name]:
        stream.excuse(delivery)
        del _OWED[name]


@naming_refusals()
def _commit(tenant: Tenant, stream: Stream, deliveries: Sequence[Delivery]) -> int:
    records = [_DECODER.decode(delivery.encoded) for delivery in deliveries]
    brought = (record.trace for record in records if record.trace is not None)
    with spans.span("commit", links=brought, tenant=tenant.name, interactions=len(records)):
        topics, cycle = _topics(tenant, [record.query for record in records])
        done = stream.commit(deliveries, records, topics, pack(records), cycle=cycle)
    return len(records) if done else 0


def _topics(tenant: Tenant, queries: Sequence[str]) -> tuple[list[str | None], str]:
    """The live topic of each query, and the cycle that found the topics; vectors are kept for the cycle."""
    texts, embedder = sorted(set(queries)), tenant.embedder
    snapshot = load_snapshot(tenant.redis, tenant=tenant.name)
    current = snapshot is not None and snapshot.model == embedder.name
    if not current and tenant.config.embedder == "fast":  # the cycle may need but a sample of them
        return [None] * len(queries), ""
    vectors = tenant.vectors_by(embedder).get(texts, embedder.embed)
    if snapshot is None or not current:
        return [None] * len(queries), ""
    codes = dict(zip(texts, assign(vectors, snapshot.clusters, backend=tenant.backend).tolist(), strict=True))
    topics = [snapshot.shown[codes[query]] if codes[query] >= 0 else None for query in queries]
    return topics, snapshot.cycle

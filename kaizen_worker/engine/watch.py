"""The watch: what was committed is looked at for patterns, in the order of the log, by one worker at a time.

Guarantee: every batch is looked at once and every pattern is told and counted once, whoever dies in between: the place
in the log, the detector's state and what it found move in one write, and what was found is saved from there under ids
of its own. A claim spares work only: of two that look at the same batches, the slower one's write is refused.
"""

from collections.abc import Sequence
from functools import partial
from itertools import takewhile

import numpy as np
from msgspec.structs import replace

from kaizen_api.metrics import field
from kaizen_api.schema import Insight, Step
from kaizen_worker.engine import lifecycle
from kaizen_worker.engine.outages import OUTAGES
from kaizen_worker.engine.runtime import LOG, Tenant
from kaizen_worker.pipeline.assignment import assign
from kaizen_worker.pipeline.backend import Backend
from kaizen_worker.pipeline.findings.sudden import say
from kaizen_worker.pipeline.live.arrivals import Arrivals, arrivals
from kaizen_worker.pipeline.live.baseline import Baseline, baseline
from kaizen_worker.pipeline.live.detector import Detector, State, begin, tests_of
from kaizen_worker.pipeline.live.evidence import bar, sureness
from kaizen_worker.pipeline.live.explanation import Latest, Raised, explain, explain_group
from kaizen_worker.store.claims import Claim
from kaizen_worker.store.detection import Usual, pack_baseline, unpack_state
from kaizen_worker.store.log import BEGINNING, Batch, read_after, read_back
from kaizen_worker.types import Clusters, Pattern, PatternKind, Sample, Vectors

OVER = "over"
"""In the history of what was told live: it fell back to what is usual."""

_CLAIM = "watch"
_SECONDS = 20
_SECOND = 1_000_000  # us
_LOOK_BACK = 20_000  # interactions that explain an alarm


def watch(tenant: Tenant) -> None:
    """Look at all that was committed since the last look, unless another worker does.

    Raises:
        RedisError: Redis is away; what was not looked at is looked at later.
    """
    while tenant.detection.behind():
        claim = Claim(tenant.redis, tenant=tenant.name, job=_CLAIM, seconds=_SECONDS)
        if not claim.take():
            return
        try:
            _go_on(tenant)
        finally:
            claim.give_back()


def usual(sample: Sample, clusters: Clusters, *, shown: Sequence[str], backend: Backend) -> bytes:
    """What is usual in a cycle's window, for its snapshot.

    Args:
        sample: The window with its topics.
        clusters: What live assignment uses, k clusters.
        shown: The topic (k) that each is seen as.
        backend: Where nearest centroids are looked for.
    """
    seen = sample.window
    place = {topic: code for code, topic in enumerate(sample.topic_ids)}
    codes = np.array([*(place[each] for each in shown), -1], np.int32)  # the last one is what -1 points to
    topic = codes[assign(seen.vectors, clusters, backend=backend)[seen.text]]
    named = (sample.topic_ids, sample.topic_names)
    return pack_baseline(baseline(seen, topic, clusters, named=named))


def untold(tenant: Tenant, sample: Sample, insights: Sequence[Insight]) -> list[Insight]:
    """Insights without those that say of a topic that it emerges where that was told when it happened."""
    told = {topic for _, topic in _homes(tenant, sample)}
    known = tenant.insights.many([one.id for one in insights])
    pairs = zip(insights, known, strict=True)
    return [one for one, old in pairs if old is not None or one.type != "emerging" or one.topic not in told]


def place(tenant: Tenant, sample: Sample, *, at: int) -> None:
    """Give what was told as a new topic the topic that it has become; again, it changes nothing."""
    for live, topic in _homes(tenant, sample):
        if live.topic is None:
            tenant.insights.update(
                live.id, partial(_become, topic, at), counts=lambda _old, _new: {}, rank=lifecycle.insight_rank
            )


def _become(topic: str, at: int, old: Insight | None) -> Insight | None:
    if old is None or old.topic is not None:
        return None
    return replace(old, topic=topic, history=lifecycle.longer(old.history, Step(at=at, event="topic", detail=topic)))


def _homes(tenant: Tenant, sample: Sample) -> list[tuple[Insight, str]]:
    """What was told live as emerging, with the topic that most of its evidence is in."""
    told = [one for one in tenant.insights.all() if one.type == "emerging" and "pattern" in one.subject]
    wanted = {each for one in told for each in one.evidence}
    ids = zip(sample.window.ids, sample.topic, strict=True) if wanted else ()
    code = {each: int(own) for each, own in ids if each in wanted}
    homes = []
    for one in told:
        codes = np.array([code[each] for each in one.evidence if code.get(each, -1) >= 0], np.intp)
        often = np.bincount(codes, minlength=1)
        if 2 * often.max() > len(one.evidence):
            homes.append((one, sample.topic_ids[int(often.argmax())]))
    return homes


def _go_on(tenant: Tenant) -> None:
    """Look at the next few batches, and save what was found."""
    detection = tenant.detection
    stand = detection.read()
    _save(tenant, stand.found, stand.cursor)
    now = detection.usual(stand.cycle)
    batches = read_after(tenant.redis, stand.cursor or BEGINNING, tenant=tenant.name)
    if now is None or not batches:
        return
    try:
        state = unpack_state(stand.packed, now)
        own = (batch for batch in batches if batch.cycle == now.cycle)
        found = [one for batch in own for one in _look(tenant, now, state, batch, tenants=stand.tenants)]
    except OUTAGES:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, these batches would bring it about again
        LOG.exception("live patterns of %s begin anew behind %s", tenant.name, batches[-1].id)
        state, found = begin(now.cycle, now.baseline), []
    if detection.advance(stand.cursor, batches[-1].id, state, found):
        _save(tenant, found, batches[-1].id)


def _look(tenant: Tenant, now: Usual, state: State, batch: Batch, *, tenants: int) -> list[Insight]:
    """Count one batch in, and tell what it brought to light."""
    detector = Detector(now.baseline, state)
    arrived = _arrived(batch, now.baseline)
    before = state.second  # it is told with the next one that a second is over
    over = detector.observe(arrived, _vectors(tenant, arrived.unassigned))
    tests = tests_of(len(now.baseline.topics)) * tenants
    config = tenant.config
    limit = bar(tests, budget=config.live_false_alarms, confidence=config.confidence_threshold)
    found = [ended for one in over if (ended := _ended(tenant, now, one, at=before)) is not None]
    for alarm in detector.alarms(limit):
        raised = Raised(alarm, detector.limit(alarm), sureness(alarm.evidence, tests))
        pattern = _explain(tenant, now, state, raised, batch)
        detector.settle(alarm, told=pattern is not None)
        found += [say(pattern)] if pattern is not None else []
    return found


def _ended(tenant: Tenant, now: Usual, over: tuple[PatternKind, int], *, at: int) -> Insight | None:
    """The insight that told of what is over now, with that end as its history."""
    kind, place = over
    topic = None if place == len(now.baseline.topics) else now.baseline.topics[place]
    told = [
        one for one in tenant.insights.all() if one.subject.get("pattern") == kind and one.subject.get("topic") == topic
    ]
    end = Step(at=at * _SECOND, event=OVER)
    return replace(max(told, key=lambda one: one.seen_at), history=[end]) if told else None


def _is_over(insight: Insight) -> bool:
    return any(one.event == OVER for one in insight.history)


def _arrived(batch: Batch, one: Baseline) -> Arrivals:
    return arrivals(batch.records, batch.topics, at=batch.at, place=one.place)


def _vectors(tenant: Tenant, texts: Sequence[str]) -> Vectors:
    """Of texts that live assignment has just embedded."""
    distinct = sorted(set(texts))
    place = {text: index for index, text in enumerate(distinct)}
    embedder = tenant.embedder
    return tenant.vectors_by(embedder).get(distinct, embedder.embed)[[place[text] for text in texts]].astype(np.float32)


def _explain(tenant: Tenant, now: Usual, state: State, raised: Raised, batch: Batch) -> Pattern | None:
    if raised.alarm.kind == "new_topic":
        return explain_group(raised, state.groups)
    return explain(raised, _latest(tenant, now, batch), now.baseline)


def _latest(tenant: Tenant, now: Usual, last: Batch) -> Latest:
    """The latest interactions up to a batch."""
    of_cycle = takewhile(lambda one: one.cycle == now.cycle, read_back(tenant.redis, last.id, tenant=tenant.name))
    taken: list[Arrivals] = []
    for batch in of_cycle:
        taken.append(_arrived(batch, now.baseline))
        if sum(len(one.ids) for one in taken) >= _LOOK_BACK:
            break
    return Latest.of(taken[::-1], now.baseline)


def _save(tenant: Tenant, found: Sequence[Insight], cursor: str) -> None:
    """Each under its id: what is there already stays as it is, and is not counted again, but for its end."""
    for insight in found:
        if _is_over(insight):
            end = partial(_end, insight.history[-1])
            tenant.insights.update(insight.id, end, counts=lambda _old, _new: {}, rank=lifecycle.insight_rank)
            continue
        whole = replace(insight, history=[Step(at=insight.seen_at, event="proposed")])
        tenant.insights.update(insight.id, partial(_once, whole), counts=_counts, rank=lifecycle.insight_rank)
    if found:
        tenant.detection.saved(cursor)


def _once(new: Insight, old: Insight | None) -> Insight | None:
    return new if old is None else None


def _end(step: Step, old: Insight | None) -> Insight | None:
    if old is None or _is_over(old):
        return None
    return replace(old, history=lifecycle.longer(old.history, step))


def _counts(old: Insight | None, new: Insight) -> dict[str, int]:
    pattern = field("kaizen_live_patterns_total", pattern=new.subject["pattern"])
    return {**lifecycle.insight_counts(old, new), pattern: 1}

"""The cycle: one analysis of a tenant's window, from the log to topics, insights and gaps.

The same window and seed give the same topics, insights, gaps and ids, whatever the number of workers and the order in
which interactions arrived. A crash between any two steps is harmless: run again, the cycle saves the same things under
the same ids, and is counted when it is done, once. Cancelled before it has found everything, it publishes nothing.
"""

from dataclasses import replace
from typing import cast

import numpy as np

from kaizen_api import analyses, jobs, keys
from kaizen_api.errors import Unavailable
from kaizen_api.metrics import field
from kaizen_api.schema import Entry, Gap, Insight
from kaizen_worker.engine import prove, voices
from kaizen_worker.engine.attempts import begin, take_back
from kaizen_worker.engine.companion import renew
from kaizen_worker.engine.lifecycle import settled
from kaizen_worker.engine.lives import record
from kaizen_worker.engine.memory import hand_back
from kaizen_worker.engine.outages import OUTAGES, naming_refusals
from kaizen_worker.engine.progress import Cancelled, Progress
from kaizen_worker.engine.runtime import LOG, Tenant
from kaizen_worker.engine.saving import save_assignments, save_gaps, save_insights, searchable
from kaizen_worker.engine.sharing import embed
from kaizen_worker.engine.topics import Found, find_topics, thresholds
from kaizen_worker.engine.watch import place, untold, usual
from kaizen_worker.pipeline.findings import findings
from kaizen_worker.pipeline.gaps import find_gaps
from kaizen_worker.pipeline.patterns import counted, kinds
from kaizen_worker.pipeline.signals import read_responses, signals
from kaizen_worker.pipeline.window import window
from kaizen_worker.store.claims import taken
from kaizen_worker.store.log import read_log
from kaizen_worker.store.snapshot import load_snapshot, publish
from kaizen_worker.types import Sample, Window

_CHUNK = 500


def analyze(tenant: Tenant, cycle_id: str) -> list[str]:
    """Run the cycle unless it is done, or another worker is at it.

    Returns:
        The ids of the gaps to be filled.

    Raises:
        RedisError, Unavailable: a part is down; the cycle is started again when it is back.
        Invalid: workers died at it too often; it is not started again.
    """
    with taken(tenant.redis, tenant=tenant.name, job=analyses.claim(cycle_id), seconds=jobs.CLAIM_SECONDS) as claim:
        cycle = tenant.cycles.get(cycle_id)
        if claim is None or cycle is None or cycle.status not in {"queued", "running"}:
            return []
        progress = Progress(tenant, cycle)
        try:
            last = load_snapshot(tenant.redis, tenant=tenant.name)
            if last is not None and last.cycle == cycle_id:  # it is published, and then the worker died
                record(tenant, last, at=progress.at)
                progress.finish("done")
                return []
            with naming_refusals():
                begin(progress, tenant)
                return _analyze(tenant, progress)
        except Cancelled as cancelled:
            LOG.info("%s", cancelled)
            return []
        except OUTAGES:
            if progress.cycle.attempts > cycle.attempts:
                take_back(tenant, cycle_id)
            raise
        except Exception as error:
            progress.fail(error)
            raise


def _analyze(tenant: Tenant, progress: Progress) -> list[str]:
    config = tenant.config
    with progress.step("read"):
        log = read_log(tenant.redis, tenant=tenant.name)
        seen = window(log, read=read_responses, most=config.max_interactions_per_cycle)
        hand_back()
    if len(seen) < config.min_data_points:
        progress.found(interactions=len(seen))
        progress.finish("insufficient_data", detail=_too_few(len(seen), config.min_data_points))
        return []
    with progress.step("embed"):
        renew(tenant, seen.texts, tell=progress.tell)
        embedder = tenant.embedder
        seen = replace(seen, vectors=embed(tenant, seen.texts, by=embedder, tell=progress.tell))
        hand_back()
    with progress.step("signals"):
        marks = signals(seen, thresholds(tenant.config))
        hand_back()
    with progress.step("topics"):
        last = load_snapshot(tenant.redis, tenant=tenant.name)
        found = find_topics(tenant, seen, marks, last=last, at=progress.at, tell=progress.tell)
        hand_back()
    with progress.step("gaps"):
        sample = _sample(tenant, seen, found)
        gaps = _gaps(tenant, sample)
        hand_back()
    with progress.step("insights"):
        insights = untold(tenant, sample, findings(sample, gaps=gaps, limit=tenant.config.max_insights_stored))
    with progress.step("save"):
        save_assignments(tenant, progress.cycle.id, seen, found.part, found.parts)
        due = _save(tenant, progress, sample, insights=insights, gaps=gaps)
        place(tenant, sample, at=progress.at)
    with progress.step("effects"):
        prove.measure_all(tenant, sample, decided=found.decided, at=progress.at)
    noise = int(np.count_nonzero(found.topic < 0))
    counts = {"topics": len(found.topics), "noise": noise, "insights": len(insights), "gaps": len(gaps)}
    asked = counted(sample.kinds, seen.text) if sample.kinds is not None else {}
    progress.found(interactions=len(seen), left_out=seen.left_out, kinds=asked, critics=dict(marks.critics), **counts)
    if tenant.embedder.name != embedder.name:  # topics of one model under the name of another would be none
        raise Unavailable("another analysis of this tenant fitted its embedder anew: this one begins again")
    _publish(tenant, progress, found, sample)  # last: until then a repetition begins with the same topics
    progress.finish("done")
    return due


def _too_few(found: int, needed: int) -> str:
    return f"interactions: {found}, needed: {needed}: push more and analyse again, or lower KAIZEN_MIN_DATA_POINTS"


def _sample(tenant: Tenant, seen: Window, found: Found) -> Sample:
    return Sample(
        window=seen,
        topic=found.topic,
        topic_ids=tuple(topic.id for topic in found.topics),
        topic_names=tuple(topic.name for topic in found.topics),
        signals=found.marks,
        thresholds=thresholds(tenant.config),
        born=found.born,
        settled=settled(tenant),
        kinds=kinds(seen.texts),
        groups=tuple(topic.parent or topic.id for topic in found.topics),
    )


def _gaps(tenant: Tenant, sample: Sample) -> list[Gap]:
    size = cast("bytes | None", tenant.redis.hget(keys.metrics(tenant.name), field("kaizen_knowledge_base_size")))
    known = bool(size and int(size))
    if not known:
        return find_gaps(sample)
    served = tenant.retrieval.served(sample.window.texts, sample.window.vectors)
    return find_gaps(sample, served, _cited(tenant, sample))


def _cited(tenant: Tenant, sample: Sample) -> dict[str, Entry]:
    """The entries that answers used, by id; other systems' ids name none of ours."""
    names = sorted({name for entries in sample.window.entry_ids for name in entries})
    found: dict[str, Entry] = {}
    for start in range(0, len(names), _CHUNK):
        found |= {entry.id: entry for entry in tenant.entries.many(names[start : start + _CHUNK]) if entry is not None}
    return found


def _publish(tenant: Tenant, progress: Progress, found: Found, sample: Sample) -> None:
    """The new topics in the place of those this cycle began with, and what that means for each one's life.

    Raises:
        Unavailable: another cycle was faster; this one has to begin again with its topics.
    """
    snapshot = found.snapshot(progress.cycle.id, tenant.embedder.name)
    if tenant.config.enable_clustering:
        known = usual(sample, found.clusters, shown=found.shown(), backend=tenant.backend)
        snapshot = replace(snapshot, baseline=known)
    if not publish(tenant.redis, snapshot, tenant=tenant.name):
        raise Unavailable("another analysis of this tenant was faster: this one begins again")
    record(tenant, snapshot, at=progress.at)


def _save(tenant: Tenant, progress: Progress, sample: Sample, *, insights: list[Insight], gaps: list[Gap]) -> list[str]:
    stored = save_insights(tenant, insights, at=progress.at)
    proposals = {insight.gap: insight.id for insight in stored if insight.gap is not None}
    spent = voices.charge(tenant, sample, searchable(tenant, gaps, proposals=proposals), at=progress.at)
    return save_gaps(tenant, gaps, proposals=proposals, at=progress.at, spent=spent)

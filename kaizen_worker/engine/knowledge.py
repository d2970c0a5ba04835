"""The look-up at answer time: entries for a question, and guidance about its topic.

What is applied, reverted or recommended takes effect here within a second, an entry within a fifth of one. While the
embedder does not answer, words alone find entries, and guidance about single topics is left out.
"""

import time
from dataclasses import dataclass
from functools import lru_cache

from kaizen_api.decided import Decided
from kaizen_api.errors import Unavailable
from kaizen_api.knowledge import Hit
from kaizen_api.masking import mask
from kaizen_api.schema import Insight, Topic
from kaizen_api.topics import standing
from kaizen_worker.engine import decisions, lifecycle
from kaizen_worker.engine.prove import Measured, measured
from kaizen_worker.engine.runtime import LOG, Runtime, Tenant
from kaizen_worker.pipeline.assignment import assign
from kaizen_worker.pipeline.effect import held_out
from kaizen_worker.store.snapshot import Snapshot, load_snapshot
from kaizen_worker.types import Vectors

_FRESH_SECONDS = 1.0
_QUESTIONS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class _Standing:
    """What stands for one tenant, as read a moment ago."""

    read_at: float  # monotonic
    measured: tuple[Measured, ...]
    guidance: tuple[Insight, ...]  # the latest first
    snapshot: Snapshot | None
    decided: Decided


class LookUp:
    """What the HTTP application, which loads no engine code of its own, is given to answer with.

    Args:
        runtime: The parts of this process.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._standing: dict[str, _Standing] = {}
        self._embed = lru_cache(_QUESTIONS_KEPT)(self._vector)

    def knowledge(self, tenant: str, query: str, *, session_id: str | None, limit: int) -> list[Hit]:
        """Entries that serve the question, without those that this conversation goes without to measure them."""
        without = frozenset[str]()
        if session_id is not None:
            share = self._runtime.config.hold_out
            session = self._runtime.intake.token(session_id) or ""  # as the log has it
            tested = self._stands(tenant).measured
            without = without.union(*(one.entries for one in tested if held_out(session, one.insight, share)))
        return self._runtime.tenant(tenant).finder(self._meaning).search(query, limit=limit, exclude=without)

    def guidance(self, tenant: str, query: str) -> list[str]:
        """What people decided about the question's topic: recommendations of applied insights, the latest first."""
        stands = self._stands(tenant)
        if not stands.guidance:
            return []
        seen_as = stands.decided.seen_as
        try:
            topic = self._topic(tenant, stands.snapshot, query)
        except Unavailable:  # what is about every topic is still told
            topic = None
        about = None if topic is None else seen_as(topic)
        return [
            insight.recommendation
            for insight in stands.guidance
            if insight.topic is None or seen_as(insight.topic) == about
        ]

    def apply(self, tenant: str, insight_id: str) -> Insight:
        """Let an insight take effect."""
        return lifecycle.apply(self._runtime.tenant(tenant), insight_id, at=_now())

    def dismiss(self, tenant: str, insight_id: str, reason: str) -> Insight:
        """Put an insight aside."""
        return lifecycle.dismiss(self._runtime.tenant(tenant), insight_id, reason=reason, at=_now())

    def revert(self, tenant: str, insight_id: str) -> Insight:
        """Take back what applying it did."""
        return lifecycle.revert(self._runtime.tenant(tenant), insight_id, reason="by a person", at=_now())

    def rename(self, tenant: str, topic_id: str, name: str | None) -> Topic:
        """Call a topic so."""
        return decisions.rename(self._runtime.tenant(tenant), topic_id, name, at=_now())

    def merge(self, tenant: str, topic_id: str, into: str) -> Topic:
        """Have a topic count to another one."""
        return decisions.merge(self._runtime.tenant(tenant), [topic_id], into, at=_now())

    def split(self, tenant: str, topic_id: str) -> Topic:
        """Undo that."""
        return decisions.split(self._runtime.tenant(tenant), topic_id, at=_now())

    def _stands(self, tenant: str) -> _Standing:
        known = self._standing.get(tenant)
        if known is None or time.monotonic() - known.read_at > _FRESH_SECONDS:
            known = self._standing[tenant] = _read(self._runtime.tenant(tenant))
        return known

    def _topic(self, tenant: str, snapshot: Snapshot | None, query: str) -> str | None:
        embedder = self._runtime.tenant(tenant).embedder
        if snapshot is None or not snapshot.topics or snapshot.model != embedder.name:
            return None
        own = embedder is self._runtime.embedder
        vector = self._meaning(query) if own else embedder.embed([mask(query)])[0]
        if vector is None:
            return None
        # on the host: one row is compared there before a device is asked
        code = int(assign(vector[None, :], snapshot.clusters)[0])
        return snapshot.shown[code] if code >= 0 else None

    def _meaning(self, query: str) -> Vectors | None:
        """The question's vector; None while the embedder does not answer: the assistant gets what words alone find."""
        try:
            return self._embed(query)
        except Unavailable as error:
            LOG.warning("a question is looked up by its words alone: %s", error)
            return None

    def _vector(self, query: str) -> Vectors:
        vector: Vectors = self._runtime.embedder.embed([mask(query)])[0]  # as the log has it
        return vector


def _read(tenant: Tenant) -> _Standing:
    insights = list(tenant.insights.all())
    recommended = [one for one in insights if one.status in {"applied", "confirmed"} and one.gap is None]
    return _Standing(
        read_at=time.monotonic(),
        measured=measured(tenant, insights),
        guidance=tuple(sorted(recommended, key=lifecycle.insight_rank, reverse=True)),
        snapshot=load_snapshot(tenant.redis, tenant=tenant.name),
        decided=standing(tenant.redis, tenant.name).decided,
    )


def _now() -> int:
    return time.time_ns() // 1000

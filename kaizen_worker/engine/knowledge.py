"""The look-up at answer time: entries for a question, and guidance about its topic."""

import time

from kaizen_api.schema import Hit, Insight
from kaizen_worker.engine import lifecycle, prove
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.pipeline.cluster import assign
from kaizen_worker.store.snapshot import load_snapshot


class LookUp:
    """What the HTTP application, which loads no engine code of its own, is given to answer with.

    Args:
        runtime: The parts of this process.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def knowledge(self, tenant: str, query: str, *, session_id: str | None, limit: int) -> list[Hit]:
        """Entries that serve the question, without those that this conversation goes without to measure them."""
        without = prove.withheld(self._runtime.tenant(tenant), session_id)
        return self._runtime.tenant(tenant).retrieval.search(query, limit=limit, exclude=without)

    def guidance(self, tenant: str, query: str) -> list[str]:
        """What people decided about the question's topic: recommendations of applied insights, the latest first."""
        topic = self._topic(tenant, query)
        standing = [
            insight
            for insight in self._runtime.tenant(tenant).insights.all()
            if insight.status in {"applied", "confirmed"} and insight.gap is None and insight.topic in {None, topic}
        ]
        return [insight.recommendation for insight in sorted(standing, key=lifecycle.insight_rank, reverse=True)]

    def apply(self, tenant: str, insight_id: str) -> Insight:
        """Let an insight take effect."""
        return lifecycle.apply(self._runtime.tenant(tenant), insight_id, at=_now())

    def dismiss(self, tenant: str, insight_id: str, reason: str) -> Insight:
        """Put an insight aside."""
        return lifecycle.dismiss(self._runtime.tenant(tenant), insight_id, reason=reason, at=_now())

    def revert(self, tenant: str, insight_id: str) -> Insight:
        """Take back what applying it did."""
        return lifecycle.revert(self._runtime.tenant(tenant), insight_id, reason="by a person", at=_now())

    def _topic(self, tenant: str, query: str) -> str | None:
        snapshot = load_snapshot(self._runtime.redis, tenant=tenant)
        if snapshot is None or not snapshot.topics or snapshot.model != self._runtime.embedder.name:
            return None
        code = int(assign(self._runtime.embedder.embed([query]), snapshot.clusters)[0])
        return snapshot.topics[code].id if code >= 0 else None


def _now() -> int:
    return time.time_ns() // 1000

"""Topics of a window: clustered, traced to the last ones, named."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from kaizen_api.schema import Step, Topic
from kaizen_worker.embedding.embedder import Embedder
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.pipeline.assignment import assign
from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.lineage import Event, trace
from kaizen_worker.pipeline.membership import Naming, asked_texts, describe, memberships
from kaizen_worker.pipeline.naming import exemplars, name
from kaizen_worker.store.snapshot import Snapshot
from kaizen_worker.types import Clusters, Codes, Halves, Signals, Window

HISTORY_KEPT = 50
"""Events of one topic; the oldest go first, its birth stays."""


@dataclass(frozen=True, slots=True)
class Found:
    """The topics of a window."""

    version: int  # of the snapshot it began with
    topics: tuple[Topic, ...]  # k
    topic: Codes  # (n,) into topics, -1 for noise
    clusters: Clusters
    born: frozenset[str]  # ids that are new, empty in a first cycle

    def snapshot(self, cycle: str, model: str) -> Snapshot:
        """What live assignment and the next cycle need."""
        return Snapshot(
            version=self.version,
            cycle=cycle,
            model=model,
            topics=self.topics,
            centroids=self.clusters.centroids,
            threshold=self.clusters.threshold,
        )


def find_topics(tenant: Tenant, seen: Window, marks: Signals, *, last: Snapshot | None, at: int) -> Found:
    """Cluster what was asked and carry on the last topics' ids, names and histories.

    Args:
        tenant: Its settings and embedder.
        seen: n interactions of u texts.
        marks: Their signals.
        last: The topics so far.
        at: Time of this cycle in histories, us since the epoch.
    """
    last = last and _in_this_space(last, tenant.embedder)
    follow_up = marks.flags["follow_up"]
    asked = asked_texts(seen, follow_up) if tenant.config.enable_clustering else np.empty(0, np.int64)
    texts, vectors = [seen.texts[i] for i in asked], seen.vectors[asked]
    weights = np.bincount(seen.text[~follow_up], minlength=len(seen.texts))[asked].astype(np.int64)
    clusters = cluster(vectors, texts, weights=weights, seed=tenant.config.seed)
    examples = exemplars(vectors, texts, labels=clusters.labels, centroids=clusters.centroids)
    ids, events = _identify(last, clusters, vectors, weights, medoids=[example[0] for example in examples])
    labels = np.full(len(seen.texts), -1, np.int32)
    labels[asked] = clusters.labels
    topic = memberships(seen, follow_up, labels)
    naming = Naming(ids, _names(texts, weights, clusters), examples, _parents(clusters, ids))
    described = describe(seen, naming, topics=topic, failure=marks.failure)
    topics = tuple(_carry_on(new, last, events, at=at) for new in described)
    born = frozenset(ids) - {old.id for old in last.topics} if last is not None else frozenset[str]()
    return Found(0 if last is None else last.version, topics, topic, clusters, born)


def _in_this_space(last: Snapshot, embedder: Embedder) -> Snapshot:
    """The last topics where another model made their centroids: their exemplars stand for them."""
    if last.model == embedder.name or not last.topics:
        return last
    means = [embedder.embed(topic.exemplars).mean(axis=0) for topic in last.topics]
    centroids = np.stack([mean / np.linalg.norm(mean) for mean in means]).astype(np.float32)
    return dataclasses.replace(last, centroids=centroids, threshold=-1.0)


def _identify(
    last: Snapshot | None, clusters: Clusters, vectors: Halves, weights: NDArray[np.int64], *, medoids: list[str]
) -> tuple[tuple[str, ...], tuple[Event, ...]]:
    """Permanent ids of the clusters, and what happened to the topics; the last ones judge by their centroids."""
    before = () if last is None else tuple(topic.id for topic in last.topics)
    none = np.full(len(vectors), -1, np.int32)
    previous = assign(vectors, last.clusters) if last is not None and before and len(vectors) else none
    lineage = trace(previous=previous, previous_ids=before, labels=clusters.labels, medoids=medoids, weights=weights)
    return lineage.ids, lineage.events


def _names(texts: Sequence[str], weights: NDArray[np.int64], clusters: Clusters) -> tuple[str, ...]:
    members = [np.flatnonzero(clusters.labels == topic) for topic in range(len(clusters.centroids))]
    return name([[texts[i] for i in rows.tolist()] for rows in members], [weights[rows].tolist() for rows in members])


def _parents(clusters: Clusters, ids: Sequence[str]) -> list[str | None]:
    """The heaviest topic of each one's group stands for the group; clusters come the heaviest first."""
    heads: dict[int, str] = {}
    for group, topic in zip(clusters.parents.tolist(), ids, strict=True):
        heads.setdefault(group, topic)
    pairs = zip(clusters.parents.tolist(), ids, strict=True)
    return [heads[group] if group >= 0 and heads[group] != topic else None for group, topic in pairs]


def _carry_on(new: Topic, last: Snapshot | None, events: Sequence[Event], *, at: int) -> Topic:
    """The topic with its history, and with the name that a person gave it."""
    old = next((topic for topic in last.topics if topic.id == new.id), None) if last is not None else None
    steps = [_step(event, new.id, at=at) for event in events if event.kind != "continue" and _concerns(event, new.id)]
    history = [*(old.history if old is not None else []), *steps]
    kept = [*history[:1], *history[1:][-HISTORY_KEPT + 1 :]]
    if old is not None and old.renamed:
        return replace(new, history=kept, name=old.name, renamed=True)
    return replace(new, history=kept)


def _concerns(event: Event, topic: str) -> bool:
    return topic in {event.id, event.relative}


def _step(event: Event, topic: str, *, at: int) -> Step:
    """Told from the topic's side: it split off another, another split off it, another merged into it."""
    other = event.relative if event.id == topic else event.id
    told = {"split": "split off" if event.id == topic else "gave", "merge": "took in"}
    return Step(at=at, event=told.get(event.kind, event.kind), detail=other or "")

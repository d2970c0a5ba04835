"""What was asked in a window, clustered, and traced to the last topics: which of them each cluster is."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.embedding.embedder import Embedder
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.pipeline.assignment import assign
from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.lineage import Event, trace
from kaizen_worker.pipeline.membership import asked_texts
from kaizen_worker.pipeline.naming import exemplars
from kaizen_worker.store.snapshot import Snapshot
from kaizen_worker.types import Chosen, Clusters, Codes, Flags, Window


@dataclass(frozen=True, slots=True)
class Asked:
    """The m distinct texts of a window that stand for a question at least once."""

    places: NDArray[np.int64]  # (m,) into the window's texts, ascending
    texts: list[str]  # m
    vectors: Chosen  # (m, d)
    weights: NDArray[np.int64]  # (m,) how often each was a question


@dataclass(frozen=True, slots=True)
class Traced:
    """Clusters of what was asked, with their permanent ids."""

    last: Snapshot | None  # the topics so far, in the space of these
    clusters: Clusters  # k
    examples: tuple[tuple[str, ...], ...]  # k, the medoid first
    ids: tuple[str, ...]  # k
    events: tuple[Event, ...]  # what happened to the topics, old and new


def asked(tenant: Tenant, seen: Window, follow_up: Flags) -> Asked:
    """What was asked; nothing where clustering is off."""
    places = asked_texts(seen, follow_up) if tenant.config.enable_clustering else np.empty(0, np.int64)
    counts = np.bincount(seen.text[~follow_up], minlength=len(seen.texts))
    return Asked(places, [seen.texts[i] for i in places], Chosen(seen.vectors, places), counts[places].astype(np.int64))


def traced(tenant: Tenant, of: Asked, last: Snapshot | None) -> Traced:
    """Cluster what was asked, holding on to the last topics where the same model made them."""
    same = last is not None and last.model == tenant.embedder.name
    clusters = cluster(
        of.vectors,
        of.texts,
        weights=of.weights,
        seed=tenant.config.seed,
        last=last.centroids if last is not None and same else None,
        backend=tenant.backend,
    )
    examples = exemplars(of.vectors, of.texts, labels=clusters.labels, centroids=clusters.centroids)
    known = _in_this_space(last, tenant.embedder) if last is not None else None
    lineage = trace(
        previous=_previous(tenant, known, of.vectors),
        previous_ids=() if known is None else tuple(topic.id for topic in known.topics),
        labels=clusters.labels,
        medoids=[own[0] for own in examples],
        weights=of.weights,
        held=clusters.held,
    )
    return Traced(known, clusters, examples, lineage.ids, lineage.events)


def _in_this_space(last: Snapshot, embedder: Embedder) -> Snapshot:
    """The last topics where another model made their centroids: their exemplars stand for them."""
    if last.model == embedder.name or not last.topics:
        return last
    means = [embedder.embed(topic.exemplars).mean(axis=0) for topic in last.topics]
    centroids = np.stack([mean / np.linalg.norm(mean) for mean in means]).astype(np.float32)
    return dataclasses.replace(last, centroids=centroids, threshold=-1.0)


def _previous(tenant: Tenant, last: Snapshot | None, vectors: Chosen) -> Codes:
    """The last topic of each text, -1 for none; the last ones judge by their centroids."""
    if last is None or not last.topics or not len(vectors):
        return np.full(len(vectors), -1, np.int32)
    return assign(vectors, last.clusters, backend=tenant.backend)

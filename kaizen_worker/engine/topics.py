"""Topics of a window: clustered, traced to the last ones, named."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from kaizen_api.decided import Decided, View, fold, group
from kaizen_api.schema import Step, Topic
from kaizen_worker.embedding.embedder import Embedder
from kaizen_worker.engine.names import given_names, settle_names
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.pipeline.assignment import assign
from kaizen_worker.pipeline.backend import Backend
from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.lineage import Event, trace
from kaizen_worker.pipeline.membership import Naming, asked_texts, describe, memberships
from kaizen_worker.pipeline.naming import exemplars, name
from kaizen_worker.pipeline.sketch import Sketch, merge, sketches
from kaizen_worker.store.snapshot import Snapshot
from kaizen_worker.types import Clusters, Codes, Halves, Signals, Window

HISTORY_KEPT = 50
"""Events of one topic; the oldest go first, its birth stays."""


GONE_KEPT = 1000
"""Topics that ended and can still be shown, the latest; those that people decided about stay as well."""

LEAST = 0.1
"""Cosine to its topic that a text counts with at least, for the name."""


@dataclass(frozen=True, slots=True)
class Found:
    """The topics of a window, as people see them and as they were found."""

    version: int  # of the snapshot it began with
    topics: tuple[Topic, ...]  # as people see them
    topic: Codes  # (n,) into topics, -1 for noise
    parts: tuple[Topic, ...]  # k, as they were found: people's merges are not in it
    part: Codes  # (n,) into parts, -1 for noise
    clusters: Clusters
    decided: Decided  # what people had decided
    together: Mapping[str, Topic]  # what topics that count as one add up to, by `group`
    born: frozenset[str]  # ids that are new, empty in a first cycle

    def shown(self) -> list[str]:
        """The id (k) under which people see each part."""
        return [self.decided.seen_as(part.id) for part in self.parts]

    def snapshot(self, cycle: str, model: str) -> Snapshot:
        """What live assignment and the next cycle need."""
        return Snapshot(
            version=self.version,
            cycle=cycle,
            model=model,
            topics=self.parts,
            centroids=self.clusters.centroids,
            threshold=self.clusters.threshold,
            view=View(shown=self.shown(), gone=dict(self.decided.gone), together=dict(self.together)),
        )


def find_topics(tenant: Tenant, seen: Window, marks: Signals, *, last: Snapshot | None, at: int) -> Found:
    """Cluster what was asked, carry on the last topics' ids, names and histories, and see it as people decided.

    Args:
        tenant: Its settings, embedder, and what people decided.
        seen: n interactions of u texts.
        marks: Their signals.
        last: The topics so far.
        at: Time of this cycle in histories, us since the epoch.
    """
    follow_up = marks.flags["follow_up"]
    asked = asked_texts(seen, follow_up) if tenant.config.enable_clustering else np.empty(0, np.int64)
    texts, vectors = [seen.texts[i] for i in asked], seen.vectors[asked]
    weights = np.bincount(seen.text[~follow_up], minlength=len(seen.texts))[asked].astype(np.int64)
    before = last.centroids if last is not None and last.model == tenant.embedder.name else None
    clusters = cluster(vectors, texts, weights=weights, seed=tenant.config.seed, last=before, backend=tenant.backend)
    examples = exemplars(vectors, texts, labels=clusters.labels, centroids=clusters.centroids)
    known = _in_this_space(last, tenant.embedder) if last else None
    medoids = [example[0] for example in examples]
    previous = _previous(known, vectors, tenant.backend)
    ids, events = _identify(known, clusters, previous, weights, medoids=medoids)
    labels = np.full(len(seen.texts), -1, np.int32)
    labels[asked] = clusters.labels
    topic = memberships(seen, follow_up, labels)
    decided = Decided({one.id: one for one in tenant.decisions.all()}, {})
    decided = dataclasses.replace(decided, gone=_gone(last, decided, ids, events))
    given = given_names(tenant, ids)
    chosen = {topic: name for topic in ids if (name := decided.name(topic)) is not None}
    taken = [*chosen.values(), *(asked.name for asked in given.values() if asked.name is not None)]
    names = _names(texts, vectors, weights, clusters, taken=taken)
    naming = Naming(ids, names, examples, _parents(clusters, ids))
    sketched = sketches(seen, marks, topic, count=len(ids))
    described = describe(naming, sketched, interactions=len(seen))
    carried = [_carry_on(new, known, events, at=at) for new in described]
    parts = settle_names(tenant, carried, given, chosen=chosen)
    born = frozenset(ids) - {old.id for old in last.topics} if last is not None else frozenset[str]()
    shown = [decided.seen_as(part) for part in ids]
    together = _together(naming, sketched, shown, interactions=len(seen))
    topics = tuple(fold(parts, decided, together))
    place = {each.id: code for code, each in enumerate(topics)}
    codes = np.array([*(place[each] for each in shown), -1], np.int32)  # the last one is what -1 points to
    return Found(
        version=0 if last is None else last.version,
        topics=topics,
        topic=codes[topic],
        parts=parts,
        part=topic,
        clusters=clusters,
        decided=decided,
        together=together,
        born=born,
    )


def _gone(last: Snapshot | None, decided: Decided, living: Sequence[str], events: Sequence[Event]) -> dict[str, str]:
    """Topics that ended, by now and in this cycle, with their heirs; the oldest go first, unless people chose them."""
    ended = {event.id: event.relative or "" for event in events if event.kind in {"merge", "death"}}
    before = last.view.gone if last is not None else {}
    gone = {topic: heir for topic, heir in {**before, **ended}.items() if topic not in living}
    chosen = {*decided.decisions, *(one.into for one in decided.decisions.values())}
    late = set(list(gone)[-GONE_KEPT:])
    return {topic: heir for topic, heir in gone.items() if topic in late or topic in chosen}


def _together(
    naming: Naming, sketched: Sequence[Sketch], shown: Sequence[str], *, interactions: int
) -> dict[str, Topic]:
    """What the topics that people merged add up to, by the group's name."""
    members: dict[str, list[int]] = {}
    for code, each in enumerate(shown):
        members.setdefault(each, []).append(code)
    found: dict[str, Topic] = {}
    for codes in members.values():
        if len(codes) > 1:
            head = naming.of(codes[0])
            (topic,) = describe(head, [merge(sketched[code] for code in codes)], interactions=interactions)
            found[group(naming.ids[code] for code in codes)] = topic
    return found


def _in_this_space(last: Snapshot, embedder: Embedder) -> Snapshot:
    """The last topics where another model made their centroids: their exemplars stand for them."""
    if last.model == embedder.name or not last.topics:
        return last
    means = [embedder.embed(topic.exemplars).mean(axis=0) for topic in last.topics]
    centroids = np.stack([mean / np.linalg.norm(mean) for mean in means]).astype(np.float32)
    return dataclasses.replace(last, centroids=centroids, threshold=-1.0)


def _identify(
    last: Snapshot | None, clusters: Clusters, previous: Codes, weights: NDArray[np.int64], *, medoids: list[str]
) -> tuple[tuple[str, ...], tuple[Event, ...]]:
    """Permanent ids of the clusters, and what happened to the topics."""
    before = () if last is None else tuple(topic.id for topic in last.topics)
    lineage = trace(
        previous=previous,
        previous_ids=before,
        labels=clusters.labels,
        medoids=medoids,
        weights=weights,
        held=clusters.held,
    )
    return lineage.ids, lineage.events


def _previous(last: Snapshot | None, vectors: Halves, backend: Backend) -> Codes:
    """The last topic of each text, -1 for none; the last ones judge by their centroids."""
    if last is None or not last.topics or not len(vectors):
        return np.full(len(vectors), -1, np.int32)
    return assign(vectors, last.clusters, backend=backend)


def _names(
    texts: Sequence[str], vectors: Halves, weights: NDArray[np.int64], clusters: Clusters, *, taken: Collection[str]
) -> tuple[str, ...]:
    """Phrase names; a text counts by how often it was asked and by how typical it is (squared cosine)."""
    members = [np.flatnonzero(clusters.labels == topic) for topic in range(len(clusters.centroids))]
    pairs = zip(members, clusters.centroids, strict=True)
    # rounded, so that no last bit decides
    typical = [(vectors[rows].astype(np.float32) @ centroid).round(3) for rows, centroid in pairs]
    counts = [weights[rows] * cosines.clip(LEAST) ** 2 for rows, cosines in zip(members, typical, strict=True)]
    return name(
        [[texts[i] for i in rows.tolist()] for rows in members], [each.tolist() for each in counts], taken=taken
    )


def _parents(clusters: Clusters, ids: Sequence[str]) -> list[str | None]:
    """The heaviest topic of each one's group stands for the group; clusters come the heaviest first."""
    heads: dict[int, str] = {}
    for above, topic in zip(clusters.parents.tolist(), ids, strict=True):
        heads.setdefault(above, topic)
    pairs = zip(clusters.parents.tolist(), ids, strict=True)
    return [heads[above] if above >= 0 and heads[above] != topic else None for above, topic in pairs]


def _carry_on(new: Topic, last: Snapshot | None, events: Sequence[Event], *, at: int) -> Topic:
    """The topic with its history."""
    old = next((topic for topic in last.topics if topic.id == new.id), None) if last is not None else None
    steps = [_step(event, new.id, at=at) for event in events if event.kind != "continue" and _concerns(event, new.id)]
    history = [*(old.history if old is not None else []), *steps]
    kept = [*history[:1], *history[1:][-HISTORY_KEPT + 1 :]]
    return replace(new, history=kept)


def _concerns(event: Event, topic: str) -> bool:
    return topic in {event.id, event.relative}


def _step(event: Event, topic: str, *, at: int) -> Step:
    """Told from the topic's side: it split off another, another split off it, another merged into it."""
    other = event.relative if event.id == topic else event.id
    told = {"split": "split off" if event.id == topic else "gave", "merge": "took in"}
    return Step(at=at, event=told.get(event.kind, event.kind), detail=other or "")

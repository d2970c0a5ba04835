"""Topics of a window: found, named, described, with their histories, and as people see them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from kaizen_api.config import KaizenConfig
from kaizen_api.decided import Decided, View, fold
from kaizen_api.schema import Step, Topic
from kaizen_worker.embedding import load
from kaizen_worker.engine.names import given_names, settle_names
from kaizen_worker.engine.progress import Tell
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.engine.traced import Asked, Traced, asked, traced
from kaizen_worker.engine.view import decided_now, together
from kaizen_worker.pipeline.lineage import Event
from kaizen_worker.pipeline.membership import Naming, describe, memberships
from kaizen_worker.pipeline.naming import name
from kaizen_worker.pipeline.signals import in_topics
from kaizen_worker.pipeline.sketch import sketches
from kaizen_worker.store.snapshot import Snapshot
from kaizen_worker.types import Clusters, Codes, Signals, Thresholds, Window

HISTORY_KEPT = 50
"""Events of one topic; the oldest go first, its birth stays."""

LEAST = 0.1
"""Cosine to its topic that a text counts with at least, for the name."""


@dataclass(frozen=True, slots=True)
class Found:
    """The topics of a window, as people see them and as they were found."""

    version: int  # of the snapshot it began with
    marks: Signals  # of the interactions, now that their topics are known
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


def find_topics(  # noqa: PLR0913  # what is clustered, with what it goes on from, and who wants to know
    tenant: Tenant, seen: Window, marks: Signals, *, last: Snapshot | None, at: int, tell: Tell
) -> Found:
    """Cluster what was asked, carry on the last topics' ids, names and histories, and see it as people decided.

    Args:
        tenant: Its settings, embedder, and what people decided.
        seen: n interactions of u texts.
        marks: Their signals.
        last: The topics so far.
        at: Time of this cycle in histories, us since the epoch.
        tell: Takes how far it is.
    """
    tell(0.0, f"{len(seen.texts):,} texts")
    questions = asked(tenant, seen, marks.flags["follow_up"])
    found = traced(tenant, questions, last)
    tell(0.5, f"{len(found.ids):,} found, naming them")
    part = _parts(seen, marks, questions, found)
    decided = decided_now(tenant, last, found)
    marks = in_topics(seen, marks, part, thresholds(tenant.config))
    sketched = sketches(seen, marks, part, count=len(found.ids))
    given = given_names(tenant, found.ids)
    chosen = {each: name for each in found.ids if (name := decided.name(each)) is not None}
    naming = _naming(questions, found, taken=[*chosen.values(), *(one.name for one in given.values() if one.name)])
    carried = [_carry_on(each, found, at=at) for each in describe(naming, sketched, interactions=len(seen))]
    parts = settle_names(tenant, carried, given, chosen=chosen)
    sums = together(naming, sketched, [decided.seen_as(each) for each in found.ids], interactions=len(seen))
    topics = tuple(fold(parts, decided, sums))
    place = {each.id: code for code, each in enumerate(topics)}
    codes = [place[decided.seen_as(each)] for each in found.ids]
    return Found(
        version=0 if last is None else last.version,
        marks=marks,
        topics=topics,
        topic=np.array([*codes, -1], np.int32)[part],  # the last one is what -1 points to
        parts=parts,
        part=part,
        clusters=found.clusters,
        decided=decided,
        together=sums,
        born=frozenset(found.ids) - {old.id for old in last.topics} if last is not None else frozenset[str](),
    )


def thresholds(config: KaizenConfig) -> Thresholds:
    """What the settings say about findings."""
    limits = config.performance_threshold
    return Thresholds(
        response_time=limits.response_time,
        error_rate=limits.error_rate,
        level=limits.consciousness_level,
        confidence=config.confidence_threshold,
    )


def _parts(seen: Window, marks: Signals, questions: Asked, found: Traced) -> Codes:
    """The cluster (n,) of each interaction, -1 for noise."""
    labels = np.full(len(seen.texts), -1, np.int32)
    labels[questions.places] = found.clusters.labels
    return memberships(seen, marks.flags["follow_up"], labels)


def _naming(questions: Asked, found: Traced, *, taken: Collection[str]) -> Naming:
    """Names by phrases; a text counts by how often it was asked and by how typical it is (squared cosine).

    Phrases are compared with texts in the fast vectors, whatever the tenant's embedder: thousands of them cost little.
    """
    clusters = found.clusters
    members = [np.flatnonzero(clusters.labels == topic) for topic in range(len(clusters.centroids))]
    pairs = zip(members, clusters.centroids, strict=True)
    # rounded, so that no last bit decides
    typical = [(questions.vectors[rows].astype(np.float32) @ centroid).round(3) for rows, centroid in pairs]
    counts = [questions.weights[rows] * own.clip(LEAST) ** 2 for rows, own in zip(members, typical, strict=True)]
    texts = [[questions.texts[i] for i in rows.tolist()] for rows in members]
    names = name(texts, [each.tolist() for each in counts], taken=taken, embed=load("static").embed)
    return Naming(found.ids, names, found.examples, _parents(clusters, found.ids))


def _parents(clusters: Clusters, ids: Sequence[str]) -> list[str | None]:
    """The heaviest topic of each one's group stands for the group; clusters come the heaviest first."""
    heads: dict[int, str] = {}
    for above, topic in zip(clusters.parents.tolist(), ids, strict=True):
        heads.setdefault(above, topic)
    pairs = zip(clusters.parents.tolist(), ids, strict=True)
    return [heads[above] if above >= 0 and heads[above] != topic else None for above, topic in pairs]


def _carry_on(new: Topic, found: Traced, *, at: int) -> Topic:
    """The topic with its history."""
    old = next((topic for topic in found.last.topics if topic.id == new.id), None) if found.last is not None else None
    steps = [
        _step(event, new.id, at=at) for event in found.events if event.kind != "continue" and _concerns(event, new.id)
    ]
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

"""Permanent ids: which new cluster is which old topic, and what happened to the others.

Both are judged by the texts of today: the old topics by where they would put each text, the new clusters by where they
did. Numbers of clusters mean nothing: any renumbering gives the same ids and events. Each old id is carried on at most
once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from kaizen_worker.types import Codes, Floats

HALF = 0.5
"""One contains the other if it holds this share of the other's weight (Spiliopoulou et al. 2006, MONIC)."""

EventKind = Literal["birth", "continue", "split", "merge", "death"]


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """What happened to the topic `id`: split off `relative`, merged into `relative`, or nothing to do with another."""

    kind: EventKind
    id: str
    relative: str | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """The outcome of matching."""

    ids: tuple[str, ...]  # k, the permanent id of each new cluster
    events: tuple[Event, ...]  # sorted: one for each new cluster, one for each old topic that is not carried on


def trace(  # noqa: PLR0913  # two partitions of the same texts, and what is known of both
    *,
    previous: Codes,
    previous_ids: Sequence[str],
    labels: Codes,
    medoids: Sequence[str],
    weights: NDArray[np.int64],
    held: Codes | None = None,
) -> Lineage:
    """Match a new clustering to the last topics.

    Args:
        previous: (u,) topic that each text of today has among the last topics, -1 for none.
        previous_ids: p distinct permanent ids, in the order of those codes.
        labels: (u,) new cluster of each text, -1 for noise.
        medoids: k most typical texts, one a new cluster, distinct; a newborn's id derives from its medoid.
        weights: (u,) interactions of each text.
        held: (k,) the last topic that a cluster is known to go on with, -1 where overlap decides; distinct but for -1.

    Returns:
        Ids that carry on an old topic where one of the two contains half of the other, one to one, so that the overlap
        (Jaccard) is largest in sum; the other clusters were split off an old topic that gave half of their weight, or
        were born; the other old topics merged into the cluster that took half of theirs, or died.
    """
    old, new = np.argsort(np.array(previous_ids, dtype=object)), np.argsort(np.array(medoids, dtype=object))
    overlap = _overlap(_ranked(previous, old), _ranked(labels, new), weights, shape=(len(old), len(new)))
    old_ids, new_medoids = [previous_ids[i] for i in old], [medoids[i] for i in new]
    known = np.full(len(new), -1, np.int32) if held is None else _ranks(old)[held[new]]
    ids, events = _settle(overlap, old_ids, new_medoids, known)
    by_cluster = dict(zip(new.tolist(), ids, strict=True))
    return Lineage(tuple(by_cluster[cluster] for cluster in range(len(new))), tuple(sorted(events, key=_order)))


def birth_id(medoid: str, taken: Collection[str]) -> str:
    """Give a newborn's id: "t" and 12 hexadecimal digits of the medoid's BLAKE2b, salted until it is not `taken`."""
    salt = 0
    while True:
        salted = blake2b(medoid.encode(), digest_size=6, salt=salt.to_bytes(8, "big"))
        if (born := "t" + salted.hexdigest()) not in taken:
            return born
        salt += 1


def _ranked(codes: Codes, order: NDArray[np.int64]) -> Codes:
    """Renumber codes so that they follow `order`; -1 stays."""
    return _ranks(order)[codes]


def _ranks(order: NDArray[np.int64]) -> Codes:
    """Place of each number in `order`, and -1 at the end."""
    rank = np.full(len(order) + 1, -1, dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank


def _overlap(previous: Codes, labels: Codes, weights: NDArray[np.int64], *, shape: tuple[int, int]) -> Floats:
    """Weight that each old topic and each new cluster share, with a last row and column for what is in none."""
    table = np.zeros((shape[0] + 1, shape[1] + 1))
    np.add.at(table, (previous, labels), weights)
    return table


def _settle(table: Floats, old_ids: list[str], medoids: list[str], held: Codes) -> tuple[list[str], list[Event]]:
    shared = table[:-1, :-1]
    before, after = table.sum(axis=1)[:-1, None], table.sum(axis=0)[None, :-1]
    given = np.divide(shared, after, out=np.zeros_like(shared), where=after > 0)  # share of the new that the old gave
    taken = np.divide(shared, before, out=np.zeros_like(shared), where=before > 0)  # share of the old that the new took
    carried = _carried(shared, before + after - shared, np.maximum(given, taken) >= HALF, held)
    ids: list[str] = []
    events: list[Event] = []
    for cluster, medoid in enumerate(medoids):
        parent = _holder(given[:, cluster])
        ids.append(old_ids[carried[cluster]] if cluster in carried else birth_id(medoid, {*old_ids, *ids}))
        events.append(_arrival(ids[-1], carried=cluster in carried, parent=None if parent is None else old_ids[parent]))
    for topic in sorted(set(range(len(old_ids))) - set(carried.values())):
        heir = _holder(taken[topic])
        events.append(Event("death", old_ids[topic]) if heir is None else Event("merge", old_ids[topic], ids[heir]))
    return ids, events


def _carried(shared: Floats, union: Floats, feasible: NDArray[np.bool_], held: Codes) -> dict[int, int]:
    """New cluster -> old topic: what is held, and of the rest the one-to-one matching of feasible pairs.

    It is the matching with the largest sum of Jaccard overlaps.
    """
    known = {int(cluster): int(held[cluster]) for cluster in np.flatnonzero(held >= 0)}
    feasible = feasible.copy()
    feasible[list(known.values()), :] = False
    feasible[:, list(known)] = False
    gain = np.where(feasible, np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), 0.0)
    pairs = zip(*linear_sum_assignment(gain, maximize=True), strict=True)
    return known | {int(cluster): int(topic) for topic, cluster in pairs if gain[topic, cluster] > 0}


def _holder(shares: Floats) -> int | None:
    """Give the place of the largest share if that is half or more."""
    return int(shares.argmax()) if len(shares) and shares.max() >= HALF else None


def _arrival(topic: str, *, carried: bool, parent: str | None) -> Event:
    if carried:
        return Event("continue", topic)
    return Event("birth", topic) if parent is None else Event("split", topic, parent)


def _order(event: Event) -> tuple[str, str]:
    return event.kind, event.id

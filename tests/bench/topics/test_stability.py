"""Do topics stay what they are? Other draws of the same texts, a window moved by a day, intents that appear late."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from kaizen_worker.pipeline.assignment import assign
from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.lineage import trace
from kaizen_worker.types import Clusters

DRAWS = 3
DAYS = 8
SETS = ("clinc150", "banking77", "hwu64")

pytestmark = pytest.mark.timeout(3600)


@dataclass(frozen=True)
class Cycle:
    """What one analysis found in some rows of a set."""

    rows: np.ndarray
    clusters: Clusters
    ids: tuple
    new: frozenset

    def topics(self, size):
        """(size,) id of each row of the set, None where it was noise or not in the window."""
        topics = np.full(size, None, dtype=object)
        topics[self.rows] = np.array([*self.ids, None], dtype=object)[self.clusters.labels]
        return topics


def analyse(of, rows, last=None):
    """One analysis, as the engine does it."""
    vectors, texts, weights = of.vectors[rows], [of.texts[row] for row in rows], np.ones(len(rows), np.int64)
    found = cluster(vectors, texts, weights=weights, seed=0, last=last and last.clusters.centroids)
    medoids = [typical(vectors, texts, found, code) for code in range(len(found.centroids))]
    none = np.full(len(rows), -1, np.int32)
    lineage = trace(
        previous=none if last is None else assign(vectors, last.clusters),
        previous_ids=() if last is None else last.ids,
        labels=found.labels,
        medoids=medoids,
        weights=weights,
        held=found.held,
    )
    new = frozenset(event.id for event in lineage.events if event.kind in {"birth", "split"})
    return Cycle(rows, found, lineage.ids, new)


def typical(vectors, texts, found, code):
    members = np.flatnonzero(found.labels == code)
    return texts[members[(vectors[members] @ found.centroids[code]).argmax()]]


def kept(one, two, size):
    """Share of the rows in both windows that had a topic and are in the same one."""
    before, after = one.topics(size), two.topics(size)
    both = np.isin(np.arange(size), one.rows) & np.isin(np.arange(size), two.rows) & (before != None)  # noqa: E711  # elementwise
    return float((before == after)[both].mean())


def test_other_draws_of_the_same_texts(read):
    of = read("clinc150")
    random, size = np.random.default_rng(1), len(of.texts)
    cycles = [analyse(of, np.sort(random.permutation(size)[: int(0.9 * size)])) for _ in range(DRAWS)]
    agreement = []
    for one, two in combinations(cycles, 2):
        first, second = one.topics(size), two.topics(size)
        both = (first != None) & (second != None)  # noqa: E711  # elementwise
        agreement.append(adjusted_rand_score(first[both].astype(str), second[both].astype(str)))
    counts = ", ".join(str(len(each.ids)) for each in cycles)
    print(f"\nclinc150, {DRAWS} draws of 90 %: topics {counts}; ARI of what is in both, aim .85: ", end="")
    print(f"mean {np.mean(agreement):.3f}, least {min(agreement):.3f}")
    assert min(agreement) > 0.75


@pytest.mark.parametrize("name", SETS)
def test_a_window_that_moves_by_a_day(read, name):
    of = read(name)
    day = np.random.default_rng(10).integers(0, DAYS, len(of.texts))
    first = analyse(of, np.flatnonzero(day < DAYS - 1))
    second = analyse(of, np.flatnonzero(day > 0), first)
    share = kept(first, second, len(of.texts))
    print(f"\n{name}: {len(first.ids)} topics, a day later {len(second.ids)}; keep their topic, aim .95: {share:.3f}")
    assert share >= 0.9


@pytest.mark.parametrize("name", SETS)
def test_intents_that_appear_late(read, name):
    of = read(name)
    random, names = np.random.default_rng(20), np.unique(of.labels)
    late = np.isin(of.labels, random.permutation(names)[: round(0.2 * len(names))])
    day = random.integers(0, DAYS, len(of.texts))
    first = analyse(of, np.flatnonzero((day < DAYS - 1) & ~late))
    second = analyse(of, np.flatnonzero(late | (day > 0)), first)
    topics, found, any_topic = second.topics(len(of.texts)), {}, set()
    for topic in second.ids:
        labels, counts = np.unique(of.labels[topics == topic], return_counts=True)
        any_topic.add(labels[counts.argmax()])
        if topic in second.new:
            found.setdefault(labels[counts.argmax()], []).append(counts.max() / counts.sum())
    wanted = set(of.labels[late])
    purity = np.mean([share for label in wanted & set(found) for share in found[label]])
    share = kept(first, second, len(of.texts))
    print(
        f"\n{name}: {len(wanted)} labels appear late: {len(wanted & any_topic)} lead a topic after one recluster, ",
        end="",
    )
    print(f"{len(wanted & set(found))} a new one, purity, aim .7: {purity:.3f}; the others keep theirs: {share:.3f}")
    assert purity >= 0.7

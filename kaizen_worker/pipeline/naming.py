"""Names and exemplars of topics, out of their own queries: no model, readable, distinct, and the same every time.

Numbers and order of topics do not matter to a name, only the texts do. Stop words are English; in other languages rare
use elsewhere keeps function words out of names.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, count
from math import log

import numpy as np
import snowballstemmer
from numpy.typing import NDArray

from kaizen_worker.types import Codes, Halves, Vectors

READ = 300
"""Texts of a topic that its name is made from, those with the largest weight."""

LONGEST = 3
"""Words of a phrase."""

CANDIDATES = 12
"""Best phrases of a topic that a name may use."""

JOINT = " · "
"""Between the phrases of a name."""

FALLBACK = 60
"""Characters of a query that names a topic without phrases."""

EXEMPLARS = 5
NEAR_DUPLICATE = 0.95
"""Cosine from which two queries count as the same."""

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
STOP_WORDS = frozenset(
    """
    a about above after again against ain't all also am an and any anybody anyone anything are aren't as ask at be
    because been before being below between both but by can can't cannot could couldn't did didn't do does doesn't
    doing don't during each else even ever every everyone everything few for from further get gets getting give go
    goes going gonna got gotta guess had hadn't has hasn't have haven't having he hello help her here here's hers
    herself hey hi him himself his hopefully how how's i i'd i'll i'm i've if into is isn't it it'll it's its itself
    just kind kindly know let let's like likely lot made make makes many may maybe me might mine more most much must
    my myself need needed needs no nor not now of oh ok okay once one only or other our ours ourselves over own
    perhaps please possible possibly put quite rather really right said same say says see seem seems shall she
    should shouldn't show since so some somebody someone something soon sort still such sure take tell than thank
    thanks that that's the their theirs them themselves then there there's these they they're they've thing things
    think this those though through to today told too try trying under until upon us use used using very want wanted
    wants was wasn't way we we'd we'll we're we've well went were weren't what what's whats when when's where
    where's whether which while who who's whom whose why will with within without won't would wouldn't yeah yes yet
    you you'd you'll you're you've your yours yourself
    """.split()  # noqa: SIM905 - two hundred quoted words could not be read
)
PARTICLES = frozenset({"back", "down", "in", "off", "on", "out", "up"})
"""Words that may close a phrase but not open it, as in "top up" and "log out"."""

NEVER_FIRST = STOP_WORDS | PARTICLES


def name(texts: Sequence[Sequence[str]], weights: Sequence[Sequence[float]]) -> tuple[str, ...]:
    """Name k topics by the phrases that are frequent in them and rare in the others, no two alike.

    Args:
        texts: Distinct queries of each topic.
        weights: Interactions of each query.

    Returns:
        k names: a phrase of one to three words, with a second one where that tells more. Phrases count by class-based
        TF-IDF (Grootendorst 2022) over stems, and show in their most frequent surface form.
    """
    vocabularies = [_Vocabulary.of(own, counts) for own, counts in zip(texts, weights, strict=True)]
    elsewhere: Counter[Stems] = Counter()
    for vocabulary in vocabularies:
        elsewhere.update(vocabulary.shares)
    taken: set[str] = set()
    names = [""] * len(texts)
    for topic in sorted(range(len(texts)), key=lambda each: (-sum(weights[each]), sorted(texts[each]))):
        shortest = min(texts[topic], key=lambda text: (len(text), text))
        choices = _choices(vocabularies[topic], elsewhere, len(texts), shortest)
        names[topic] = next(choice for choice in choices if choice.casefold() not in taken)
        taken.add(names[topic].casefold())
    return tuple(names)


Stems = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """Phrases of one topic."""

    shares: dict[Stems, float] = field(default_factory=dict)  # share of the topic's weight that has the phrase, 0..1
    surfaces: dict[Stems, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @classmethod
    def of(cls, texts: Sequence[str], weights: Sequence[float]) -> "_Vocabulary":
        vocabulary = cls()
        read = sorted(zip(weights, texts, strict=True), key=lambda pair: (-pair[0], pair[1]))[:READ]
        total = sum(weight for weight, _ in read)
        for weight, text in read:
            phrases = dict(_phrases(text))
            for stems, surface in phrases.items():
                vocabulary.shares[stems] = vocabulary.shares.get(stems, 0.0) + weight / total
                vocabulary.surfaces[stems][surface] += 1
        return vocabulary

    def shown(self, stems: Stems) -> str:
        surfaces = self.surfaces[stems]
        return min(surfaces, key=lambda surface: (-surfaces[surface], len(surface), surface))


def _phrases(text: str) -> Iterator[tuple[Stems, str]]:
    """Give runs of words that neither begin nor end with a stop word, under the stems of the others."""
    words = WORD.findall(text.casefold().replace("’", "'"))
    for begin, first in enumerate(words):
        for end in range(begin, min(begin + LONGEST, len(words))):
            if first not in NEVER_FIRST and words[end] not in STOP_WORDS:
                run = words[begin : end + 1]
                yield tuple(_stem(word) for word in run if word not in STOP_WORDS), " ".join(run)


def _choices(own: _Vocabulary, elsewhere: Mapping[Stems, float], topics: int, fallback: str) -> Iterator[str]:
    """Give names from the best to the last resort; endless, so that there is always one that is not taken."""
    ranked = _ranked(own, elsewhere, topics)[:CANDIDATES]
    for first, second in combinations([*ranked, None], 2):
        if first is not None and (second is None or not set(first) & set(second)):
            yield own.shown(first) if second is None else f"{own.shown(first)}{JOINT}{own.shown(second)}"
    yield fallback[:FALLBACK]
    yield from (f"{fallback[:FALLBACK]} ({number})" for number in count(2))


def _ranked(own: _Vocabulary, elsewhere: Mapping[Stems, float], topics: int) -> list[Stems]:
    """Phrases from the highest class-based TF-IDF; a longer phrase says more, so each further word adds half."""

    def score(stems: Stems) -> float:
        return own.shares[stems] * log(1 + topics / elsewhere[stems]) * (1 + len(stems)) / 2

    return sorted(own.shares, key=lambda stems: (-score(stems), stems))


_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    return str(_stemmer.stemWord(word))


def exemplars(
    vectors: Vectors | Halves, texts: Sequence[str], *, labels: Codes, centroids: Vectors
) -> tuple[tuple[str, ...], ...]:
    """Give up to 5 real queries of each topic, the most typical first, then such as show its breadth.

    Args:
        vectors: (u, d) unit rows, one a text.
        texts: u distinct queries.
        labels: (u,) topic of each text, -1 for noise.
        centroids: (k, d) unit rows.

    Returns:
        k tuples. The first is the medoid, nearest to the centroid; each next one, of the more typical half, is near
        to the centroid and far from those chosen (maximal marginal relevance, Carbonell and Goldstein 1998), never a
        near-duplicate of one.
    """
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(len(centroids) + 1))
    return tuple(
        tuple(texts[i] for i in _spread_out(vectors, order[start:stop], centroid))
        for start, stop, centroid in zip(bounds[:-1], bounds[1:], centroids, strict=True)
    )


def _spread_out(vectors: Vectors | Halves, members: NDArray[np.int64], centroid: Vectors) -> list[int]:
    """Choose among the members (m,) of a topic with that centroid (d,)."""
    rows = vectors[members].astype(np.float32)
    typical = rows @ centroid
    nearest = np.where(typical >= np.median(typical), 0.0, 1.0) if len(members) else typical  # cosine to a chosen one
    chosen: list[int] = []
    while len(chosen) < EXEMPLARS and (nearest < NEAR_DUPLICATE).any():
        chosen.append(int(np.where(nearest < NEAR_DUPLICATE, typical - nearest, -np.inf).argmax()))
        nearest = np.maximum(nearest, rows @ rows[chosen[-1]])
    return [int(members[place]) for place in chosen]

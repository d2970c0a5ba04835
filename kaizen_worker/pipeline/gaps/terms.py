"""What to search with: the words that a topic's people share, never the words of one of them.

A word counts only if at least two people used it in the topic, so that a name or a number of one user never leaves the
house. Users tell people apart, or sessions, or rows, whichever the log has two of.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.types import Codes, Sample, Window

WORD = re.compile(r"\w+(?:['\u2019]\w+)?")

MIN_PEOPLE = 2
"""People who must have used a word."""

KEYWORDS = 6
"""Words of the query that is made of the topic's own words alone."""

LEAST_KEYWORDS = 2
"""Distinctive words without which a question is no query: the rest would fit any topic."""

QUERIES = 12
"""Queries of one gap at most: the keywords, and the ways in which people ask, from the most common on."""

MAX_TEXTS = 500
"""Distinct questions among which the ways of asking are told apart."""

MAX_ROWS = 2_000
"""Rows of a topic that are read, the worst served first."""

Rows = NDArray[np.intp]


def words(text: str) -> list[str]:
    """The words of a text in lower case, in order."""
    return WORD.findall(text.casefold())


def frequencies(texts: Iterable[str]) -> Counter[str]:
    """In how many of the texts each word occurs."""
    return Counter(word for text in texts for word in set(words(text)))


def queries(sample: Sample, rows: Rows, everywhere: Mapping[str, int]) -> list[str]:
    """Queries for one topic: as people ask, the most common way first, and last its own words alone.

    None where its people share no words.

    Args:
        sample: n interactions.
        rows: (m,) of the topic, the worst served first.
        everywhere: `frequencies` of all u texts.
    """
    rows = rows[:MAX_ROWS]
    asker = askers(sample.window)
    said = {(int(asker[row]), int(sample.window.text[row])) for row in rows}
    people = Counter(
        word for word, _ in {(word, who) for who, text in said for word in words(sample.window.texts[text])}
    )
    shared = {word for word, count in people.items() if count >= MIN_PEOPLE}
    texts = list(dict.fromkeys(int(sample.window.text[row]) for row in rows))
    weight = _weights([sample.window.texts[text] for text in texts], shared, everywhere, len(sample.window.texts))
    ranked = sorted(weight, key=lambda word: (-weight[word], word))
    asked: list[str] = []
    for text in _ways(sample, texts):
        kept = [word for word in words(sample.window.texts[text]) if word in shared]
        if len(weight.keys() & set(kept)) >= LEAST_KEYWORDS:
            asked.append(" ".join(kept))
    keywords = " ".join(ranked[:KEYWORDS])
    ways = [query for query in dict.fromkeys(asked) if query != keywords][: QUERIES - 1]
    return [*ways, keywords] if keywords else ways


def _weights(texts: Sequence[str], shared: set[str], everywhere: Mapping[str, int], total: int) -> dict[str, float]:
    """Distinctive shared words, with their part in the divergence of the topic's words from all words (Kullback)."""
    inside = frequencies(texts)
    found: dict[str, float] = {}
    for word in shared:
        share, usual = inside[word] / len(texts), everywhere[word] / total
        if share > usual:
            found[word] = share * log(share / usual)
    return found


def _ways(sample: Sample, texts: list[int]) -> list[int]:
    """Texts that stand for all of them, the one that stands for most first.

    Each next one adds most to how near every text is to one that is chosen: greedy facility location, within 1 - 1/e of
    the best choice (Nemhauser, Wolsey & Fisher 1978).
    """
    texts = texts[:MAX_TEXTS]
    vectors = sample.window.vectors[texts].astype(np.float32)
    cosines = np.maximum(vectors @ vectors.T, 0.0)
    nearest = np.zeros(len(texts), np.float32)
    chosen: list[int] = []
    for _ in range(min(QUERIES, len(texts))):
        gains = np.maximum(cosines - nearest, 0.0).sum(axis=1)
        gains[chosen] = -1.0
        chosen.append(int(gains.argmax()))
        nearest = np.maximum(nearest, cosines[chosen[-1]])
    return [texts[place] for place in chosen]


def askers(window: Window) -> Codes:
    """Who asked, (n,): people, or sessions where there is but one of them, or rows where there is one session."""
    people = window.people()
    if len(np.unique(people)) >= MIN_PEOPLE:
        return people
    rows = np.arange(len(window), dtype=np.int32)
    sessions = window.session.codes
    return sessions if len(np.unique(sessions[sessions >= 0])) >= MIN_PEOPLE else rows

"""How well the knowledge base finds what answers a question: three collections, one set of defaults."""

from math import log2

import pytest

BARS = {"covidqa": 0.66, "pubmedqa": 0.98, "xquad-en": 0.97}
DEPTH = 10


def ndcg(found: list[str], gold: frozenset[str]) -> float:
    """Of the first `DEPTH` (Järvelin and Kekäläinen 2002), each passage relevant or not."""
    gains = [1 / log2(place + 2) for place in range(DEPTH)]
    got = sum(gain for gain, one in zip(gains, found, strict=False) if one in gold)
    return got / sum(gains[: len(gold)])


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", BARS)
def test_the_passage_that_answers_is_among_the_first(name, collection, filled):
    read = collection(name)
    retrieval = filled("bench", read.passages)
    scores = [
        ndcg([hit.id for hit in retrieval.search(question, limit=DEPTH)], gold)
        for question, gold in zip(read.questions, read.gold, strict=True)
    ]
    mean = sum(scores) / len(scores)
    print(f"\n{name}: {len(read.passages)} passages, {len(scores)} questions, nDCG@{DEPTH} {mean:.3f}")
    assert mean >= BARS[name]

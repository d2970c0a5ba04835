from dataclasses import replace

import numpy as np
import pytest

from kaizen_api.schema import Record
from kaizen_worker.pipeline.signals.again import BAR, CLEAR, asked_again
from kaizen_worker.pipeline.signals.sayings import read_queries
from kaizen_worker.pipeline.signals.turns import turns


def _asked(build, texts, cosines=()):
    """Repeat and rephrase of the turns of one session; each text has the cosine given with the first one.

    Other sessions ask about unrelated things, so that the bar is at its lowest.
    """
    records = [Record(id=f"a{place}", occurred_at=place, query=text, session="s") for place, text in enumerate(texts)]
    records += [
        Record(id=f"b{place}", occurred_at=place, query=f"unrelated{place}", session=f"t{place}") for place in range(20)
    ]
    window = build(records)
    vectors = np.zeros((len(window.texts), 40), np.float32)
    for row, text in enumerate(window.texts):
        vectors[row, row + 1] = 1.0
        if text in texts:
            cosine = dict(zip(texts, cosines or [1.0] * len(texts), strict=True))[text]
            vectors[row, 0], vectors[row, row + 1] = cosine, np.sqrt(1 - cosine**2)
    window = replace(window, vectors=vectors)
    question = np.ones(len(window), np.bool_)
    found = asked_again(window, read_queries(window.texts), turns(window), question)
    return [[one for one, flag in zip(window.ids, flags, strict=True) if flag] for flags in found]


@pytest.mark.parametrize(
    ("second", "cosine", "rephrased"),
    [
        ("raise the card limit", BAR[0] + 0.02, True),  # shares words
        ("raise the card limit", BAR[0] - 0.02, False),
        ("more credit", BAR[0] + CLEAR - 0.02, False),  # shares none
        ("more credit", BAR[0] + CLEAR + 0.02, True),
    ],
)
def test_rephrased_is_near_and_shares_words_or_is_clearly_near(build, second, cosine, rephrased):
    repeat, rephrase = _asked(build, ["increase the card limit", second], [1.0, cosine])
    assert repeat == []
    assert rephrase == (["a0"] if rephrased else [])


def test_what_is_repeated_is_not_also_rephrased(build):
    repeat, rephrase = _asked(build, ["card limit", "Card limit?", "limit of card"])
    assert repeat == ["a0"]
    assert rephrase == ["a1"]


def test_two_questions_later_is_still_again_and_three_are_not(build):
    assert _asked(build, ["card limit", "opening hours", "card limit!"], [1.0, 0.0, 1.0])[0] == ["a0"]
    later = ["card limit", "opening hours", "branches", "card limit!"]
    assert _asked(build, later, [1.0, 0.0, 0.0, 1.0])[0] == []


def test_where_everything_is_alike_the_bar_rises(build):
    texts = [f"card limit number{place}" for place in range(200)]
    records = [
        Record(id=f"{place:03d}", occurred_at=place, query=text, session=f"s{place // 2}")
        for place, text in enumerate(texts)
    ]
    window = build(records)
    vectors = np.random.default_rng(0).normal(0, 1, (200, 100)) + 1.5  # cosines around .7, whatever is asked
    window = replace(window, vectors=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))
    assert BAR[0] < np.median(window.vectors @ window.vectors.T) < BAR[1]
    _, rephrase = asked_again(window, read_queries(window.texts), turns(window), np.ones(200, np.bool_))
    assert rephrase.sum() <= 6

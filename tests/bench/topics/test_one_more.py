"""One text more, or one less, and topics found from scratch: how many of the others are where they were.

    KAIZEN_DATA=... python -m pytest -q -s tests/bench/topics/test_one_more.py

From scratch is the hard case: an analysis that knows of one before holds on to its topics, and is told beside it.
"""

import random
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from kaizen_worker.embedding import load
from kaizen_worker.helpdesk import load_subjects
from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.naming import exemplars

MORE, LESS = 12, 6
SIZES = {"dstc11_dev": 880, "clinc150": 2000, "hwu64": 1500, "banking77": 2000}
FAR = (
    "zxqv wrrt plomf",
    "ねこはどこで寝ていますか",
    "🎉🎉🎉",
    "SELECT 1;",
    "what is the meaning of life",
    "my card 4111",
)
ASKED = (
    "where is my parcel {}", "track shipment {}", "I want a refund for order {}", "how long does a refund for {} take",
    "weather in {} next week", "will it rain in {} tomorrow", "book a flight to {}", "my flight to {} was cancelled",
    "download the invoice of {}", "the invoice of {} is missing", "the VPN does not connect from {}",
    "export the sales of {} as a spreadsheet", "reset my password, I am in {}", "my card was declined in {}",
)  # fmt: skip
PLACES = ("Berlin", "Oslo", "Rome", "Lisbon", "Vienna", "Prague", "May", "June", "March", "48213", "90117", "36604")
POLITE = ("{}", "hi, {}", "please: {}", "{} please")
FORM = "{:<16} {:>6} {:>6}   {:>9} {:>9}   {:>8} {:>8} {:>8} {:>8}"

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture
def logs(read):
    """By name: texts, vectors by text, and texts that are none of them."""
    made, far = {}, dict(zip(FAR, load("minilm").embed(list(FAR)).astype(np.float16), strict=True))
    for name, size in SIZES.items():
        of = read(name)
        texts = random.Random(1).sample(of.texts, size + MORE // 2)
        made[name] = texts[:size], dict(zip(of.texts, of.vectors, strict=True)) | far, [*texts[size:], *FAR]
    worded = [asked.format(place) for asked, place in product(ASKED, PLACES)]
    made["few sentences"] = embedded([form.format(text) for form, text in product(POLITE, worded)])
    made["help desk"] = embedded([text for subject in load_subjects() for text in (*subject.asked, *subject.again)])
    return made


def embedded(texts):
    texts = random.Random(1).sample(sorted(set(texts)), len(set(texts)))
    vectors = load("minilm").embed([*texts, *FAR]).astype(np.float16)
    return texts[MORE // 2 :], dict(zip([*texts, *FAR], vectors, strict=True)), [*texts[: MORE // 2], *FAR]


def analyse(texts, vectors, last=None):
    texts = sorted(texts)
    rows = np.stack([vectors[text] for text in texts])
    found = cluster(rows, texts, weights=np.ones(len(texts), np.int64), seed=0, last=last)
    medoids = {own[0] for own in exemplars(rows, texts, labels=found.labels, centroids=found.centroids)}
    return dict(zip(texts, found.labels.tolist(), strict=True)), medoids, found.centroids


def differs(before, after):
    """ARI of the others, how many of them are elsewhere, topics more, medoids that are none any more."""
    both = sorted(before[0].keys() & after[0].keys())
    one, two = (np.array([each[0][text] for text in both]) for each in (before, after))
    table = np.zeros((one.max() + 2, two.max() + 2))
    np.add.at(table, (one, two), 1)
    moved = len(both) - table[linear_sum_assignment(table, maximize=True)].sum()
    return adjusted_rand_score(one, two), moved, len(after[2]) - len(before[2]), len(before[1] - after[1])


def test_one_text_more_or_less(logs):
    print(
        "\n" + FORM.format("log", "texts", "topics", "mean ARI", "least", "no move", "ARI .99", "as many", "ids same")
    )
    everything = {"from scratch": [], "after one before": []}
    for name, (texts, vectors, others) in logs.items():
        before = analyse(texts, vectors)
        gone = random.Random(2).sample(texts, LESS)
        changed = [*([*texts, text] for text in others), *([text for text in texts if text != one] for one in gone)]
        for way, last in (("from scratch", None), ("after one before", before[2])):
            own = np.array([differs(before, analyse(other, vectors, last)) for other in changed])
            everything[way].append(own)
            told = shares(own)
            print(FORM.format(name if last is None else "  held", len(texts), len(before[2]), *told), flush=True)
    for way, own in everything.items():
        print(FORM.format(way, "", "", *shares(np.concatenate(own))))
    assert np.concatenate(everything["from scratch"])[:, 0].mean() > 0.93
    assert np.concatenate(everything["after one before"])[:, 0].mean() > 0.98


def shares(own):
    agreement, moved, more, lost = own.T
    counted = [(moved == 0).mean(), (agreement >= 0.99).mean(), (more == 0).mean(), (lost == 0).mean()]
    return [f"{value:.3f}" for value in (agreement.mean(), agreement.min(), *counted)]

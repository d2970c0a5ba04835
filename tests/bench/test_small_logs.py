"""Small logs, a few subjects of unlike sizes: the tree that few texts get, beside the graph that many get."""

import json

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from kaizen_worker.embedding import load
from kaizen_worker.pipeline import cluster as package

SETS = ("banking77", "clinc150", "hwu64", "dstc11_dev")
SIZES = (60, 130, 200, 320, 399)
SUBJECTS = (4, 8, 16)


@pytest.mark.timeout(1200)
def test_accuracy_by_size(data, monkeypatch):
    draw, embedder = np.random.default_rng(0), load("minilm")
    right = {(size, way): [] for size in SIZES for way in ("tree", "graph")}
    for name in SETS:
        by_label = {}
        for line in (data / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            by_label.setdefault(row["label"], []).append(row["text"])
        for size in SIZES:
            for subjects in SUBJECTS:
                texts = small_log(draw, by_label, size, subjects)
                vectors = embedder.embed(list(texts))
                for way, few in (("tree", package.FEW), ("graph", 0)):
                    monkeypatch.setattr(package, "FEW", few)
                    weights = np.ones(len(texts), dtype=np.int64)
                    found = package.cluster(vectors, list(texts), weights=weights, seed=0)
                    right[size, way].append(accuracy(list(texts.values()), found.labels))
                monkeypatch.undo()
    print("\ntexts        " + "".join(f"{size:>7}" for size in SIZES))
    for way in ("tree", "graph"):
        print(f"ACC, {way:<8}" + "".join(f"{np.mean(right[size, way]):>7.3f}" for size in SIZES))
    assert np.mean([right[size, "tree"] for size in SIZES]) > np.mean([right[size, "graph"] for size in SIZES])


def small_log(draw, by_label, size, subjects):
    """Text → label, the sizes of the subjects as 1, 1/2, 1/3 …"""
    shares = 1 / np.arange(1, subjects + 1)
    labels = draw.choice(sorted(by_label), subjects, replace=False)
    log = {}
    for label, share in zip(labels, shares / shares.sum(), strict=True):
        own = by_label[label]
        chosen = draw.choice(len(own), min(len(own), max(2, round(share * size))), replace=False)
        log.update({own[place]: str(label) for place in chosen})
    return log


def accuracy(truth, found):
    """Share of texts that a one-to-one matching of labels and clusters gets right; noise is wrong."""
    rows, columns = np.unique(truth, return_inverse=True)[1], found + 1
    counts = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(counts, (rows, columns), 1)
    counts[:, 0] = 0
    best = linear_sum_assignment(-counts)
    return counts[best].sum() / len(truth)

"""What the benchmarks of topics share: sets of real texts with their labels and vectors, and how partitions score.

Vectors are computed once and kept in the folder that KAIZEN_BENCH_CACHE names, else in the system's temporary folder.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from kaizen_worker.embedding import load

CACHE = Path(os.environ.get("KAIZEN_BENCH_CACHE") or Path(tempfile.gettempdir()) / "kaizen-bench")  # read before the
# tests drop our variables


@dataclass(frozen=True)
class Set:
    """The u distinct texts of a set, sorted; (u, 384) float16 unit rows; label, and number of occurrences, of each."""

    texts: list[str]
    vectors: NDArray[np.float16]
    labels: NDArray[np.str_]
    weights: NDArray[np.int64]


@pytest.fixture(scope="session")
def read(data) -> Callable[..., Set]:
    """Reads a set, or a part of it, with the default embedder's vectors."""

    def read(name: str, *, split: str | None = None) -> Set:
        rows = [json.loads(line) for line in (data / f"{name}.jsonl").read_text().splitlines()]
        everything = sorted({row["text"] for row in rows})
        chosen = [row for row in rows if split in (None, row.get("split"))]
        labels, counts = {row["text"]: row["label"] for row in chosen}, Counter(row["text"] for row in chosen)
        vectors = _vectors(name, everything)[[text in labels for text in everything]]
        texts = sorted(labels)
        weights = np.array([counts[text] for text in texts])
        return Set(texts, vectors, np.array([labels[text] for text in texts]), weights)

    return read


@pytest.fixture(scope="session")
def five(read) -> dict[str, Set]:
    """The sets that accuracy is told of, by name."""
    return {
        "dstc11_dev": read("dstc11_dev"),
        "banking77, test": read("banking77", split="test"),
        **{name: read(name) for name in ("banking77", "hwu64", "clinc150")},
    }


@pytest.fixture(scope="session")
def accuracy() -> Callable[..., float]:
    """Share of texts that the best one-to-one matching of labels and clusters gets right; noise, -1, is wrong."""

    def accuracy(labels: NDArray[np.str_], found: NDArray[np.int32]) -> float:
        rows = np.unique(labels, return_inverse=True)[1]
        counts = np.zeros((rows.max() + 1, found.max() + 2))
        np.add.at(counts, (rows, found), 1)
        best = linear_sum_assignment(-counts[:, :-1])
        return float(counts[best].sum() / len(labels))

    return accuracy


def _vectors(name: str, texts: list[str]) -> NDArray[np.float16]:
    embedder = load("minilm")
    file = CACHE / f"{name}-{embedder.name}-{len(texts)}.npy"
    if not file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        np.save(file, embedder.embed(texts).astype(np.float16))
    return np.asarray(np.load(file), dtype=np.float16)

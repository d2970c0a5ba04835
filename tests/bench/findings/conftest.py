"""What the benchmarks of gaps share: sets of questions and passages, and the real retrieval over any of the passages.

Vectors are computed once and kept in the folder that KAIZEN_BENCH_CACHE names, else in the system's temporary folder.
"""

import gzip
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from kaizen_api import keys
from kaizen_worker.embedding import load
from kaizen_worker.knowledge.entries import Entries
from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.knowledge.retrieval import Retrieval
from kaizen_worker.types import Served, Vectors

CACHE = Path(os.environ.get("KAIZEN_BENCH_CACHE") or Path(tempfile.gettempdir()) / "kaizen-bench")  # read before the
# tests drop our variables


class Kept:
    """The default embedder, which computes the vector of a text once and for all runs."""

    def __init__(self) -> None:
        self._true = load("minilm")
        self.name, self.dimension = self._true.name, self._true.dimension
        self._file = CACHE / f"gaps-{self.name}.npz"
        self._known: dict[str, Vectors] = {}
        if self._file.exists():
            with np.load(self._file) as stored:
                self._known = dict(zip(stored["names"].tolist(), stored["vectors"].astype(np.float32), strict=True))
        self._stored = len(self._known)

    def embed(self, texts: Sequence[str]) -> Vectors:
        names = [blake2b(text.encode(), digest_size=16).hexdigest() for text in texts]
        new = {name: text for name, text in zip(names, texts, strict=True) if name not in self._known}
        if new:
            self._known |= zip(new, self._true.embed(list(new.values())), strict=True)
        return np.array([self._known[name] for name in names], np.float32).reshape(len(names), self.dimension)

    def keep(self) -> None:
        if len(self._known) > self._stored:
            CACHE.mkdir(parents=True, exist_ok=True)
            vectors = np.array(list(self._known.values())).astype(np.float16)
            np.savez(self._file, names=np.array(list(self._known)), vectors=vectors)
            self._stored = len(self._known)


@dataclass(frozen=True)
class Library:
    """Passages, title and text by id, and questions, each with the ids of the passages that answer it."""

    passages: dict[str, tuple[str, str]]
    questions: list[tuple[str, tuple[str, ...]]]


@pytest.fixture(scope="session")
def embedder():
    kept = Kept()
    yield kept
    kept.keep()


@pytest.fixture(scope="session")
def library(data) -> Callable[[str], Library]:
    """Reads a set of passages and questions."""

    def read(name: str) -> Library:
        with gzip.open(data / name / "corpus.jsonl.gz", "rt") as lines:
            passages = {row["id"]: (row["title"] or "", row["text"]) for row in map(json.loads, lines)}
        rows = map(json.loads, (data / name / "queries.jsonl").read_text().splitlines())
        return Library(passages, [(row["text"], tuple(row["gold"])) for row in rows])

    return read


@pytest.fixture(scope="session")
def labelled(data) -> Callable[[str], dict[str, list[str]]]:
    """Reads a set of short texts: label to its distinct texts, sorted."""

    def read(name: str) -> dict[str, list[str]]:
        rows = [json.loads(line) for line in (data / f"{name}.jsonl").read_text().splitlines()]
        texts: dict[str, set[str]] = {}
        for row in rows:
            texts.setdefault(row["label"], set()).add(row["text"])
        return {label: sorted(found) for label, found in sorted(texts.items())}

    return read


@pytest.fixture
def retrieval(redis, embedder) -> Callable[..., Retrieval]:
    """The retrieval over a knowledge base of just these passages, in the real store."""

    def build(passages: dict[str, tuple[str, str]]) -> Retrieval:
        redis.flushdb()
        _fill(redis, passages)
        found = Retrieval(redis, "bench", embedder=embedder)
        found.complete()
        return found

    return build


def _fill(redis: Redis, passages: dict[str, tuple[str, str]]) -> None:
    entries = Entries(redis, "bench")
    for name, (title, text) in passages.items():
        document = Document(id=name.replace("/", "."), title=title[:1000], text=text)
        entries.put(from_document(document, at=1), at=1)
    assert redis.exists(keys.objects("bench", "entry"))


@pytest.fixture
def serve(retrieval, embedder) -> Callable[[dict[str, tuple[str, str]], Sequence[str]], Served]:
    """How well a knowledge base of these passages covers these distinct texts."""

    def serve(passages: dict[str, tuple[str, str]], texts: Sequence[str]) -> Served:
        return retrieval(passages).served(texts, embedder.embed(texts).astype(np.float16))

    return serve

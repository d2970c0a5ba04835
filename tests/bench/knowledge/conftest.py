"""What the benchmarks of the knowledge base share: collections of real passages with questions and who answers them.

Vectors are computed once and kept in the folder that KAIZEN_BENCH_CACHE names, else in the system's temporary folder.
"""

import gzip
import hashlib
import json
import os
import shelve
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis import Redis

from kaizen_worker.embedding.minilm import MiniLM
from kaizen_worker.knowledge.entries import Entries
from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.knowledge.retrieval import Retrieval
from kaizen_worker.types import Vectors

CACHE = Path(os.environ.get("KAIZEN_BENCH_CACHE") or Path(tempfile.gettempdir()) / "kaizen-bench")  # read before the
# tests drop our variables


@dataclass(frozen=True)
class Collection:
    """Passages, questions, and the ids of the passages that answer each."""

    passages: list[Document]
    questions: list[str]
    gold: list[frozenset[str]]


class Remembering(MiniLM):
    """The default embedder, which never computes a text twice."""

    def __init__(self) -> None:
        super().__init__()
        CACHE.mkdir(parents=True, exist_ok=True)
        self._known = shelve.open(str(CACHE / "passages"))  # noqa: SIM115  # our own file; closed by `close`

    def embed(self, texts: Sequence[str]) -> Vectors:
        """As the default does."""
        names = [hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in texts]
        missing = [place for place, name in enumerate(names) if name not in self._known]
        if missing:
            computed = super().embed([texts[place] for place in missing])
            for place, vector in zip(missing, computed, strict=True):
                self._known[names[place]] = vector
        return np.stack([self._known[name] for name in names]) if names else super().embed([])

    def close(self) -> None:
        """Write what is new."""
        self._known.close()


@pytest.fixture(scope="session")
def embedder() -> Iterator[Remembering]:
    """One for all sets."""
    remembering = Remembering()
    yield remembering
    remembering.close()


@pytest.fixture(scope="session")
def collection(data: Path) -> Callable[[str], Collection]:
    """Reads a set."""

    def read(name: str) -> Collection:
        with gzip.open(data / name / "corpus.jsonl.gz", "rt", encoding="utf-8") as file:
            passages = [_document(json.loads(line)) for line in file]
        asked = [json.loads(line) for line in (data / name / "queries.jsonl").read_text("utf-8").splitlines()]
        return Collection(passages, [row["text"] for row in asked], [frozenset(row["gold"]) for row in asked])

    return read


def _document(row: dict[str, Any]) -> Document:
    return Document(id=row["id"], title=row["title"], text=row["text"])


@pytest.fixture
def filled(redis: Redis, embedder: Remembering) -> Callable[[str, Sequence[Document]], Retrieval]:
    """Fills a tenant's knowledge base, by the way of `kaizen kb add`, and completes its index."""

    def fill(tenant: str, passages: Sequence[Document]) -> Retrieval:
        entries = Entries(redis, tenant)
        for passage in passages:
            entries.put(from_document(passage, at=1), at=1)
        retrieval = Retrieval(redis, tenant, embedder=embedder, every=0.0)
        retrieval.complete()
        return retrieval

    return fill

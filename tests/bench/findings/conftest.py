"""What the benchmarks of gaps share: sets of questions and passages, and the real retrieval over any of the passages.

Vectors are computed once and kept in the folder that KAIZEN_BENCH_CACHE names, else in the system's temporary folder.
"""

import gzip
import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
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
DOING = (
    "Open the app, go to settings and choose it there.",
    "Call the hotline between nine and five and have your number ready.",
    "Visit a branch and bring your passport with you.",
    "Write a letter to the head office; they reply within a week.",
    "Nothing needs to be done, it happens by itself overnight.",
    "Ask your manager to approve the form on the intranet.",
    "Log in on the website, press the green button, then confirm by mail.",
    "That service was ended last year and there is no replacement.",
)
TURNED = dict(
    re.findall(
        r"(\w+)/(\w+)",
        "first/last before/after more/less most/least large/small north/south always/never often/seldom "
        "early/late high/low many/few increase/reduce won/lost began/ceased rich/poor good/bad new/old "
        "largest/smallest want/refuse like/hate with/without tell/hide find/lose need/shun on/off from/to "
        "all/no between/outside during/outside several/two ",
    )
)


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


@pytest.fixture
def sources(library, labelled):
    """Two sources of subjects: rng, number → subjects (name, questions, entries), further entries, and strangers."""
    return partial(_articles, library, labelled), partial(_kinds, library, labelled)


def _articles(library, other, rng, wanted):
    """Topics of an encyclopaedia: a part of each article is asked about; strangers are kinds of request."""
    known = library("xquad-en")
    by_title = {}
    for text, answers in known.questions:
        by_title.setdefault(known.passages[answers[0]][0], []).append((text, answers[0]))
    titles = [title for title in rng.permutation(sorted(by_title)).tolist() if len(by_title[title]) >= 15]
    topics = []
    for title in titles[:wanted]:
        ids = sorted({one for _, one in by_title[title]})
        part = set(rng.permutation(ids)[: max(2, len(ids) // 2)].tolist())
        entries = {one: known.passages[one] for one in part}
        topics.append((title, [text for text, one in by_title[title] if one in part], entries))
    rest = {one: passage for one, passage in known.passages.items() if not any(one in t[2] for t in topics)}
    kinds = other("clinc150")
    stranger = rng.choice(sorted(kinds))
    return topics, rest, (stranger, kinds[stranger][:40])


def _kinds(library, other, rng, wanted):
    """Topics of an assistant with short entries; strangers ask about an article, or about medicine."""
    kinds = other("clinc150")
    topics, rest = [], {}
    for place, name in enumerate(rng.permutation(list(kinds)).tolist()[:60]):
        texts = [kinds[name][row] for row in rng.permutation(len(kinds[name]))[:50]]
        entries = {f"{name}.{row}": ("", text) for row, text in enumerate(texts[:10])}
        if place < wanted:
            topics.append((name, texts[10:], entries))
        else:
            rest |= entries
    known = library("xquad-en")
    title = rng.choice(sorted({title for title, _ in known.passages.values()}))
    return topics, rest, (title, [text for text, answers in known.questions if known.passages[answers[0]][0] == title])


@pytest.fixture
def rewrite():
    """Gives the entries of a subject what contradicts them, or copies that say the same."""
    return _rewrite


def _figures(said, _):
    """The same with other numbers, or the opposite of it."""
    title, text = said
    other = re.sub(r"\d+", lambda found: str(int(found[0]) + 1 + len(found[0]) % 8), text)
    for word, opposite in (("is", "is not"), ("was", "was not"), ("can", "cannot"), ("my", "no"), ("the", "another")):
        if other == text and f" {word} " in other:
            other = other.replace(f" {word} ", f" {opposite} ", 1)
    return title, other if other != text else f"not {other}"


def _reversed(said, other):
    """The same with words of opposite sense; where it has none, other numbers."""
    words = [TURNED.get(word, word) for word in said[1].split(" ")]
    return (said[0], " ".join(words)) if words != said[1].split(" ") else _figures(said, other)


def _answered(said, other):
    """The same question with the answer that is given elsewhere."""
    return said[0], f"{said[1].partition('? ')[0]}? {other[1].partition('? ')[2]}"


TURNING = {"figures": _figures, "opposites": _reversed, "answers": _answered}


def _dropped(text, rng):
    """Somewhat other words."""
    said = text.split(" ")
    for _ in range(len(said) // 20):
        place = int(rng.integers(len(said)))
        if said[place] not in {"not", "no", "never"}:
            said.pop(place)
    return " ".join(said)


def _asked_and_answered(entries, way):
    """The entries as questions with answers: short ones get one way to do it, long ones a question before them."""
    return {
        name: (
            title,
            f"What is known of {' '.join(text.split()[:10])}? {text}" if len(text) > 200 else f"{text}? {way}",
        )
        for name, (title, text) in entries.items()
    }


def _twins(entries, others, turned, rng):
    """Beside each entry one that says otherwise, in somewhat other words; `others` has answers to take for that."""
    names = list(entries)
    after = dict(zip(names, [*names[1:], names[0]], strict=True))
    twins = {name: turned(entries[name], others[after[name]]) for name in names}
    return {f"{name}~": (title, _dropped(text, rng)) for name, (title, text) in twins.items()}


def _rewrite(topic, rng):
    """What contradicts itself does so in one of three ways; half of all others have copies that say the same."""
    spoken = topic.entries
    if topic.cause == "contradictory":
        topic.way = str(rng.choice(list(TURNING)))
    if topic.way == "answers" or (topic.entries and topic.cause != "contradictory" and rng.random() < 0.3):
        one, other = rng.permutation(DOING)[:2].tolist()
        topic.entries, spoken = _asked_and_answered(topic.entries, one), _asked_and_answered(topic.entries, other)
    if topic.way:
        topic.entries |= _twins(topic.entries, spoken, TURNING[topic.way], rng)
    elif rng.random() < 0.5:
        copies = {f"{name}~": (title, _dropped(text, rng)) for name, (title, text) in topic.entries.items()}
        topic.entries |= copies

"""Conversations over real requests, with the truth of every answer: what a log would say, and what really happened.

A session asks about one label or a few, always in the words of the set; who asks again takes another text of the same
label. How users behave is drawn anew for each seed, from what was measured on rated real dialogues: the next turn says
no with an area under the curve of .64 to .77, asks in other words with one of .50 to .59, and a refusal shows in under
.31 of the failures. The words of users and assistant below were written without looking at the lists of phrases.
"""

import dataclasses
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from msgspec.structs import replace

from kaizen_api.schema import Record
from kaizen_worker.embedding import load
from kaizen_worker.pipeline.signals import read_responses
from kaizen_worker.pipeline.window import window
from kaizen_worker.types import Flags, Floats, Window

CACHE = Path(os.environ.get("KAIZEN_BENCH_CACHE") or Path(tempfile.gettempdir()) / "kaizen-bench")  # read before the
# tests drop our variables
SESSIONS = 3_000
SECOND = 1_000_000
Rating = Literal["none", "random", "unhappy", "truth"]

REJECTIONS = (
    "no", "nope, not that", "that's not what I was after", "this isn't helping", "wrong", "that is not correct",
    "you didn't get my point", "hmm, that's something else", "still nothing", "I already did all of that",
    "it still won't let me", "doesn't help me at all", "that wasn't my question", "are you even reading what I write",
    "not it", "I don't think that's right", "come on, really?", "this is useless", "that did nothing",
    "no that's a different thing", "you keep telling me the same", "same as before", "that's not the one I mean",
    "ok but that doesn't answer it", "I tried, no difference", "what? no", "absolutely not", "you're not listening",
)  # fmt: skip
THANKS = ("thanks", "great, thank you", "perfect", "ok cool", "that did the trick, thanks", "awesome", "got it, thx")
CALLS = (
    "let me talk to a human",
    "can I speak with someone",
    "agent please",
    "I want a real person",
    "get me an operator",
)
REFUSALS = (
    "I'm sorry, I don't have information on that.", "Unfortunately I can't help with this one.",
    "I wasn't able to find anything about it.", "That is beyond what I can do.",
    "Sorry, there is nothing on that here.",
    "I do not know.", "Our documents say nothing about this.", "I am afraid this is not something I can assist with.",
)  # fmt: skip
BACK = (
    "Which one do you mean?", "Could you tell me a bit more about what you need?", "Can you clarify the request?",
    "What exactly would you like to change?", "Sorry, I did not get that. Could you say it differently?",
)  # fmt: skip


@dataclass(frozen=True)
class Behaviour:
    """How often what happens, for failures and for the rest: (failed, went well)."""

    failing: float  # share of the answers that fail
    error: float  # of the failures
    refusal: tuple[float, float]
    asks_back: tuple[float, float]
    negation: tuple[float, float]
    again: tuple[float, float]
    escalation: tuple[float, float]
    thanks: tuple[float, float]
    critic: float  # standard deviations between failures and the rest, of the critic that knows something
    level: float  # likewise, of the assistant's own level


def behaviour(random: np.random.Generator) -> Behaviour:
    """An area under the curve of a sign that is there or not is (1 + share of failures − share of the rest) / 2."""
    no, again = random.uniform(0.01, 0.06), random.uniform(0.03, 0.10)
    return Behaviour(
        failing=random.uniform(0.08, 0.35),
        error=random.uniform(0.02, 0.15),
        refusal=(random.uniform(0.10, 0.31), random.uniform(0.0, 0.03)),
        asks_back=(random.uniform(0.05, 0.20), random.uniform(0.02, 0.06)),
        negation=(no + random.uniform(0.28, 0.54), no),
        again=(again + random.uniform(0.0, 0.18), again),
        escalation=(random.uniform(0.02, 0.10), random.uniform(0.002, 0.01)),
        thanks=(random.uniform(0.0, 0.04), random.uniform(0.05, 0.30)),
        critic=random.uniform(0.4, 1.2),
        level=random.uniform(0.2, 0.8),
    )


@dataclass(frozen=True)
class Log:
    """A window, and what is true of it."""

    window: Window
    question: Flags  # (n,) it asks something
    failed: Floats  # (n,) 1 failed, 0 went well, NaN where nothing was asked


@pytest.fixture(scope="session")
def converse(data) -> Callable[..., Log]:
    """Draws a log over one set of texts."""
    texts, vectors = {}, {}
    embedder = load("minilm")

    def converse(name: str, seed: int, *, rating: Rating = "none", share: float = 0.05) -> Log:
        if name not in texts:
            rows = [json.loads(line) for line in (data / f"{name}.jsonl").read_text().splitlines()]
            everything = sorted({row["text"] for row in rows})
            vectors.update(zip(everything, _vectors(name, everything, embedder), strict=True))
            texts[name] = {row["label"]: [] for row in rows}
            for row in rows:
                texts[name][row["label"]].append(row["text"])
        records, truth = Draw(texts[name], seed, rating, share).log()
        seen = window(records, read=read_responses)
        new = [text for text in seen.texts if text not in vectors]
        vectors.update(zip(new, embedder.embed(new).astype(np.float16), strict=True))
        seen = dataclasses.replace(seen, vectors=np.array([vectors[text] for text in seen.texts]))
        failed = np.array([truth.get(one, np.nan) for one in seen.ids])
        return Log(seen, np.isfinite(failed), failed)

    return converse


class Draw:
    """Sessions of one seed. Ratings are drawn last, so that the same seed gives the same talk however it is rated."""

    def __init__(self, labels: dict[str, list[str]], seed: int, rating: Rating, share: float) -> None:
        self.random = np.random.default_rng([seed, 1])
        self.rates = behaviour(np.random.default_rng([seed, 0]))
        self.labels = labels
        names = sorted(labels)
        hard = self.random.beta(1.0, 1.0 / self.rates.failing - 1.0, len(names))
        self.hard = dict(zip(names, hard, strict=True))
        self.rating, self.share = rating, share
        self.records: list[Record] = []
        self.truth: dict[str, float] = {}

    def log(self) -> tuple[list[Record], dict[str, float]]:
        names = sorted(self.labels)
        for session in range(SESSIONS):
            start = int(self.random.integers(14 * 86_400)) * SECOND
            self.session(f"s{session:05d}", start, [names[i] for i in self.random.integers(len(names), size=3)])
        return self.rated(), self.truth

    def session(self, name: str, at: int, goals: list[str]) -> None:
        turn = 0
        for goal in goals[: int(self.random.integers(1, 4))]:
            said, tries = "", 0
            while True:
                text = self.pick(self.labels[goal])
                failed = bool(self.random.random() < self.hard[goal])
                at += int(self.random.integers(10, 200)) * SECOND
                self.ask(f"{name}-{turn}", at, f"{said}{text}", failed=failed)
                turn, tries, move = turn + 1, tries + 1, self.move(failed=failed)
                said = ""
                if move in {"negation", "escalation", "thanks"}:
                    words = {"negation": REJECTIONS, "escalation": CALLS, "thanks": THANKS}[move]
                    said = f"{self.pick(words)}, "
                    if move == "negation" and tries < 3 and self.random.random() < 0.3:
                        continue  # says no, and asks again in the same breath
                    at += int(self.random.integers(10, 200)) * SECOND
                    self.records.append(self.record(f"{name}-{turn}", at, said[:-2], "Alright."))
                    turn, said = turn + 1, ""
                if (
                    move not in {"negation", "again"}
                    or tries == 3
                    or (move == "negation" and self.random.random() < 0.5)
                ):
                    break

    def move(self, *, failed: bool) -> str:
        draw = self.random.random()
        for name in ("negation", "again", "escalation", "thanks"):
            chance = getattr(self.rates, name)[0 if failed else 1]
            if draw < chance:
                return name
            draw -= chance
        return ""

    def ask(self, name: str, at: int, text: str, *, failed: bool) -> None:
        side, draw = 0 if failed else 1, self.random.random()
        error = failed and self.random.random() < self.rates.error
        topic = self.pick(sorted(self.labels)).replace("_", " ")
        answer = f"Here is what applies to {topic}: open the settings, choose it there, and confirm."
        if draw < self.rates.refusal[side]:
            answer = self.pick(REFUSALS)
        elif draw < self.rates.refusal[side] + self.rates.asks_back[side]:
            answer = self.pick(BACK)
        self.truth[name] = float(failed)
        self.records.append(self.record(name, at, text, None if error else answer, failed=failed))

    def record(self, name: str, at: int, text: str, answer: str | None, *, failed: bool = False) -> Record:
        """One turn with its scores; an answer that is None is an error."""
        gap = np.array([self.rates.critic, 0, -self.rates.critic, self.rates.level])
        scores = np.clip(0.7 + 0.12 * (self.random.normal(0, 1, 4) - failed * gap), 0, 1).tolist()
        session = name.partition("-")[0]
        return Record(
            id=name,
            occurred_at=at,
            query=text,
            session=session,
            user=session,
            response=answer,
            error="timeout" if answer is None else None,
            response_time=float(self.random.lognormal(0.2 * failed, 0.5)),
            level=scores[3],
            critics=dict(zip(("grounded", "polite", "reversed"), scores, strict=False)),
        )

    def rated(self) -> list[Record]:
        """Thumbs on a share of the questions; unhappy users rate six times as often. One in 25 hits the wrong one."""
        random = np.random.default_rng([len(self.records), 2])
        failing = np.mean(list(self.truth.values()))
        odds = {"none": (0.0, 0.0), "unhappy": (6.0, 1.0)}.get(self.rating, (1.0, 1.0))
        scale = self.share / max(failing * odds[0] + (1 - failing) * odds[1], 1e-9)
        mistaken = 0.0 if self.rating == "truth" else 0.04
        rated = []
        for record in self.records:
            draw, wrong, failed = random.random(), random.random() < mistaken, self.truth.get(record.id)
            given = failed is not None and draw < scale * odds[0 if failed else 1]
            rated.append(replace(record, feedback=-1.0 if bool(failed) != wrong else 1.0) if given else record)
        return rated

    def pick(self, of):
        return of[int(self.random.integers(len(of)))]


def _vectors(name, texts, embedder):
    file = CACHE / f"{name}-{embedder.name}-{len(texts)}.npy"
    if not file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        np.save(file, embedder.embed(texts).astype(np.float16))
    return np.asarray(np.load(file), dtype=np.float16)

"""Who asks about what, when, and in which words: settled before the first answer, and the same whatever is answered."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise
from math import sqrt
from random import Random

from kaizen_worker.helpdesk import Subject
from kaizen_worker.simulate.assistant import MODELS
from kaizen_worker.simulate.scenario import Scenario

LEAST_SESSIONS = 15
"""Sessions of every subject, if there are enough of them."""

LEAST_SHARE = 2 / 3
"""Most of the sessions that go to an even floor; the rest follows popularity."""

LEAST_USERS = 8
"""Distinct users of every subject that has as many sessions with a user."""

_TYPO_LETTERS = 5


@dataclass(frozen=True, slots=True)
class Session:
    """One user with one subject. The questions are what may be asked, in that order; a satisfied user stops."""

    id: str
    at: datetime
    subject: Subject
    user_id: str | None
    model: str
    questions: tuple[str, ...]


_Draft = tuple[datetime, Subject, str | None, str, tuple[str, ...]]  # a session but for its id


def sessions(scenario: Scenario) -> tuple[Session, ...]:
    """Every session, by the time of its first answer; ids are numbered in that order."""
    counts = zip(_ranked(scenario), _counts(scenario), strict=True)
    drafts = [draft for subject, count in counts for draft in _of(subject, count, scenario)]
    drafts.sort(key=lambda draft: (draft[0], draft[1].id))
    return tuple(Session(f"{scenario.name}-{number:05d}", *draft) for number, draft in enumerate(drafts, 1))


def _ranked(scenario: Scenario) -> list[Subject]:
    """The subjects, the most popular first; the same in every round."""
    ranked = sorted(scenario.subjects, key=lambda subject: subject.id)
    Random(f"{scenario.seed}/popularity").shuffle(ranked)
    return ranked


def _counts(scenario: Scenario) -> list[int]:
    """Sessions of each rank: an even floor, then by popularity; the sum is exact."""
    ranks = len(scenario.subjects)
    floor = min(LEAST_SESSIONS, int(LEAST_SHARE * scenario.sessions / ranks))
    weights = _zipf(ranks, scenario.rates.subject_zipf)
    spare = (scenario.sessions - floor * ranks) / sum(weights)
    ends = [round(spare * mass) for mass in accumulate(weights, initial=0.0)]
    return [floor + after - before for before, after in pairwise(ends)]


def _zipf(ranks: int, exponent: float) -> list[float]:
    return [rank**-exponent for rank in range(1, ranks + 1)]


def _of(subject: Subject, count: int, scenario: Scenario) -> Iterator[_Draft]:
    """The sessions of one subject, in no order."""
    chance = Random(f"{scenario.seed}/{scenario.name}/{subject.id}")
    starts = _starts(subject, count, scenario, chance)
    people = _people(len(starts), scenario, chance)
    models = _models(len(starts), scenario, chance)
    for at, user, model in zip(starts, people, models, strict=True):
        yield at, subject, user, model, _questions(subject, scenario, chance)


def _starts(subject: Subject, count: int, scenario: Scenario, chance: Random) -> list[datetime]:
    """Evenly over the period, and bent by what makes a subject more frequent; a burst of before the period is over."""
    span = scenario.end - scenario.start
    starts = [scenario.start + span * chance.random() for _ in range(count)]
    for fault in scenario.faults:
        if fault.subject != subject.id or not scenario.start <= fault.onset < scenario.end:
            continue
        tail = (fault.until or scenario.end) - fault.onset
        if fault.kind == "burst":
            extra = round((fault.size - 1) * count * (tail / span))
            starts += [fault.onset + tail * chance.random() for _ in range(extra)]
        elif fault.kind == "growth":
            extra = round((fault.size - 1) / 2 * count * (tail / span))
            starts += [fault.onset + tail * sqrt(chance.random()) for _ in range(extra)]
        elif fault.kind == "late":
            starts = [fault.onset + tail * chance.random() if chance.random() < fault.size else at for at in starts]
    return starts


def _people(count: int, scenario: Scenario, chance: Random) -> list[str | None]:
    """Who has each session: the stated share with a user, among them enough distinct ones."""
    names = [f"user-{rank:03d}" for rank in range(1, scenario.users + 1)]
    weights = _zipf(len(names), scenario.rates.user_zipf)
    # The first to come, each at its own rate, are a weighted sample without replacement.
    comes = {name: chance.expovariate(weight) for name, weight in zip(names, weights, strict=True)}
    named = round(scenario.rates.user_share * count)
    people: list[str | None] = []
    people += sorted(names, key=comes.__getitem__)[: min(LEAST_USERS, named)]
    people += chance.choices(names, weights, k=named - len(people))
    people += [None] * (count - named)
    chance.shuffle(people)
    return people


def _models(count: int, scenario: Scenario, chance: Random) -> list[str]:
    """The stated share of each subject for each model, so that no fault of both lacks the sessions to show."""
    first = round(scenario.rates.first_model * count)
    models = [MODELS[0]] * first + [MODELS[1]] * (count - first)
    chance.shuffle(models)
    return models


def _questions(subject: Subject, scenario: Scenario, chance: Random) -> tuple[str, ...]:
    phrases = subject.asked if scenario.phrases == "asked" else subject.again
    chosen = chance.sample(phrases, min(scenario.rates.most_questions, len(phrases)))
    return tuple(_mistyped(text, chance) if chance.random() < scenario.rates.typos else text for text in chosen)


def _mistyped(text: str, chance: Random) -> str:
    """The text with two inner letters of one longer word swapped; names with dots or underscores stay."""
    words = text.split(" ")
    places = [
        (number, place)
        for number, word in enumerate(words)
        if word.isalpha() and len(word) >= _TYPO_LETTERS
        for place in range(1, len(word) - 2)
        if word[place] != word[place + 1]
    ]
    if not places:
        return text
    number, place = chance.choice(places)
    word = words[number]
    words[number] = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return " ".join(words)

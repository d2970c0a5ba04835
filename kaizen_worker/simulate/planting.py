"""Faults of every kind that findings name, planted in a log by a seed: what is wrong, where, how much, and since when.

`KINDS` states, as data, from which size on each must be found, and how many interactions it must touch for that. Some
are planted smaller, on purpose: what is then said of them is true, but nobody promised that it would be said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from kaizen_worker.helpdesk import Subject, Turns
from kaizen_worker.pipeline.patterns import KINDS as REQUESTS
from kaizen_worker.pipeline.patterns import kinds
from kaizen_worker.simulate.assistant import MODELS
from kaizen_worker.simulate.faults import Fault, FaultKind
from kaizen_worker.simulate.rates import Rates
from kaizen_worker.simulate.scenario import Scenario

TOOLS = ("docs", "orders", "search")
"""The tools that serve a planted log."""

ERRORS = ("quota", "timeout", "upstream")
"""What a planted error may be."""

DAYS = 7
"""Length of a planted log."""

TURNS_A_SESSION = 1.28
"""Interactions of a session on average, where nothing is wrong."""

MIXED = 0.4
"""Most of a subject's wordings that are of one kind of request."""

FEWEST = 8
"""Wordings of a subject."""

WEAK, WEAKEST, STRONGEST = 0.25, 0.4, 2.0
"""Share of the faults that are smaller than promised; times the least size that any is, at least and at most."""

Place = Literal["topic", "model", "all", "topic and model", "topic and tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedKind:
    """A kind of fault in a kind of place, and from when on it must be found.

    Attributes:
        name: Of the kind with its place.
        kind: What is wrong.
        place: Where.
        size: The least size that must be found.
        support: Questions that it must touch for that.
        most: The greatest size that is planted, if it is no factor.
        days: First and last length in days; None from the start (or a given onset) to the end.
        late: Whether it is from the last third to the end, or from the middle where it is a repaired fault's return.
        factor: Whether the size is a factor, with 1 for nothing; otherwise it is a share or a level, with 0.
    """

    name: str
    kind: FaultKind
    place: Place
    size: float
    support: int
    most: float = 0.95
    days: tuple[float, float] | None = None
    late: Literal["", "third", "half"] = ""
    factor: bool = False


KINDS: tuple[PlantedKind, ...] = (
    PlantedKind(name="slow topic", kind="slow", place="topic", size=3.5, support=60, factor=True),
    PlantedKind(name="slow overall", kind="slow", place="all", size=3.0, support=1000, factor=True),
    PlantedKind(name="errors of a topic", kind="errors", place="topic", size=0.15, support=150),
    PlantedKind(name="errors of a topic with a model", kind="errors", place="topic and model", size=0.25, support=100),
    PlantedKind(name="errors of a topic with a tool", kind="errors", place="topic and tool", size=0.25, support=100),
    PlantedKind(name="errors at a time", kind="errors", place="all", size=0.2, support=150, days=(0.25, 1.0)),
    PlantedKind(name="low topic", kind="low_level", place="topic", size=0.46, support=60, most=0.55),
    PlantedKind(name="low model", kind="low_level", place="model", size=0.46, support=1000, most=0.55),
    PlantedKind(name="unstable topic", kind="unstable", place="topic", size=0.4, support=150, most=0.5),
    PlantedKind(name="unclear topic", kind="unclear", place="topic", size=0.25, support=100),
    PlantedKind(name="unhelpful topic", kind="unhelpful", place="topic", size=0.6, support=100),
    PlantedKind(name="unserved topic", kind="missing", place="topic", size=0.6, support=100),
    PlantedKind(name="growing topic", kind="growth", place="topic", size=5.0, support=900, factor=True),
    PlantedKind(
        name="burst of a topic", kind="burst", place="topic", size=5.0, support=60, days=(0.5, 1.5), factor=True
    ),
    PlantedKind(name="late topic", kind="late", place="topic", size=1.0, support=100, most=1.0, late="third"),
    PlantedKind(name="errors that came back", kind="errors", place="topic", size=0.25, support=100, late="half"),
)
"""Every kind that is planted, with the least size and support at which it is found in at least 95 of 100 logs."""

SHOWING = 7
"""Faults of a planted log."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One fault, and whether its size is one at which it must be found; what it touches is known after the talk."""

    kind: PlantedKind
    fault: Fault
    strong: bool


@dataclass(frozen=True, slots=True)
class Planting:
    """A scenario with all that is wrong in it, and what was once repaired: subject -> time of the repair."""

    scenario: Scenario
    planted: tuple[Planted, ...]
    repaired: Mapping[str, datetime] = field(default_factory=dict)


def plant(  # noqa: PLR0913 - what a log is made of
    subjects: Sequence[Subject],
    turns: Turns,
    *,
    start: datetime,
    seed: int,
    interactions: int = 20_000,
    faults: int = SHOWING,
    onset: datetime | None = None,
) -> Planting:
    """Draw a log's faults, each in a subject of its own, and two subjects that were repaired and stay so.

    Args:
        subjects: What is asked about; more than the faults, and each in several kinds of request.
        turns: What is said around a question.
        start: Of the log.
        seed: Decides everything.
        interactions: About how many there will be.
        faults: How many of `KINDS`; none for a clean log.
        onset: When what has no time of its own begins; the start, if absent.
    """
    chance = Random(f"{seed}/planting")
    end = start + timedelta(days=DAYS)
    kinds_drawn = _drawn(chance, faults)
    free = iter(chance.sample(sorted(subject.id for subject in subjects), len(subjects)))
    planted = [_fault(kind, next(free), (start, end), onset, chance) for kind in kinds_drawn]
    middle = start + (end - start) / 2
    repaired = {next(free): middle, next(free): middle}
    repaired |= {one.fault.subject: one.fault.onset for one in planted if one.kind.late == "half" and one.fault.subject}
    scenario = Scenario(
        name=f"log-{seed}",
        subjects=tuple(replace(subject, asked=mixed(subject.asked)) for subject in subjects),
        turns=turns,
        start=start,
        end=end,
        sessions=round(interactions / TURNS_A_SESSION),
        seed=seed,
        users=max(interactions // 20, 50),
        faults=tuple(one.fault for one in planted),
        tools=TOOLS,
        rates=Rates(subject_zipf=0.5, typos=0.0),
    )
    return Planting(scenario, tuple(planted), repaired)


def _drawn(chance: Random, count: int) -> list[PlantedKind]:
    """Different kinds; not both everything and a topic of the same measure, which would hide each other."""
    chosen: list[PlantedKind] = []
    for kind in chance.sample(KINDS, len(KINDS)):
        hidden = {
            other.kind for other in chosen if "topic" not in (other.place, kind.place) or other.place != kind.place
        }
        if len(chosen) < count and (kind.kind not in hidden or kind.kind == "errors"):
            chosen.append(kind)
    return chosen


def _fault(
    kind: PlantedKind, subject: str, period: tuple[datetime, datetime], onset: datetime | None, chance: Random
) -> Planted:
    weak = chance.random() < WEAK
    times = chance.uniform(WEAKEST, 1.0) if weak else chance.uniform(1.0, STRONGEST)
    size = 1 + (kind.size - 1) * times if kind.factor else min(kind.size * times, kind.most)
    since, until = _when(kind, period, chance)
    fault = Fault(
        kind=kind.kind,
        size=size,
        onset=onset if onset is not None and since == period[0] else since,
        until=until,
        subject=subject if kind.place.startswith("topic") else None,
        model=chance.choice(MODELS) if kind.place.endswith("model") else None,
        tool=chance.choice(TOOLS) if kind.place.endswith("tool") else None,
        error=chance.choice(ERRORS),
    )
    return Planted(kind, fault, strong=not weak or kind.kind == "late")


def _when(kind: PlantedKind, period: tuple[datetime, datetime], chance: Random) -> tuple[datetime, datetime | None]:
    start, end = period
    if kind.late:
        return end - (end - start) * (1 / 2 if kind.late == "half" else chance.uniform(0.15, 0.33)), None
    if kind.days is None:
        return start, None
    length = timedelta(days=chance.uniform(*kind.days))
    since = start + (end - start - length) * chance.random()
    return since, since + length


def _by_request(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The texts by their kind of request."""
    codes = kinds(texts).codes.tolist()
    found = {
        request: [text for text, code in zip(texts, codes, strict=True) if code == number]
        for number, request in enumerate(REQUESTS)
    }
    return {request: tuple(own) for request, own in found.items() if own}


def mixed(texts: Sequence[str]) -> tuple[str, ...]:
    """As many of the texts as can be, no kind of request more than `MIXED` of them; none where there are too few."""
    by_kind = _by_request(texts)
    limit = max(map(len, by_kind.values()), default=0)
    while limit > MIXED * sum(min(len(own), limit) for own in by_kind.values()):
        limit -= 1
    chosen = tuple(text for _, own in sorted(by_kind.items()) for text in own[:limit])
    return chosen if len(chosen) >= FEWEST else ()

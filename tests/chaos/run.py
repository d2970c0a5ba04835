"""One run: two acts of pushing, each with its faults and then an analysis, and what came of it.

Again: `pytest tests/chaos --chaos-seeds 3`.
"""

import time
from collections import Counter
from dataclasses import dataclass, field

import story
from faults import Harm, interruption, plan
from outcome import Outcome, drain, follow, outcome_of
from recovery import recover
from world import World

from kaizen_api import analyses

_PUSH_SECONDS = 12.0
_LAST = 120
_INTERRUPT_EVERY = 4


@dataclass(slots=True)
class Played:
    """What is known of a run.

    Attributes:
        faults: Kind → how many.
        outcome: What came of it.
        recovered: How long after the last fault of each act everybody made progress.
        wrong: What a part did that it must never do.
        accepted: Interactions that a door said it has.
        seconds: How long all of it took.
        analyses: Seconds that the two analyses took, with their searches.
    """

    faults: Counter = field(default_factory=Counter)
    outcome: Outcome = field(default_factory=Outcome)
    recovered: list = field(default_factory=list)
    wrong: list = field(default_factory=list)
    accepted: int = 0
    seconds: float = 0.0
    analyses: list = field(default_factory=list)


class Run:
    """A run with the faults of a seed, or with none."""

    def __init__(self, folder, *, seed):
        self._folder = folder
        self._seed = seed
        self._played = Played()

    def play(self):
        """All of it."""
        began = time.monotonic()
        log = story.tell()
        middle = len(log) // 2
        acts = plan(self._seed) if self._seed is not None else ((), ())
        with World(self._folder, seconds=_PUSH_SECONDS if self._seed is not None else 1.0) as world:
            self._harm = Harm(world)
            cycles = [
                self._act(world, part, faults, last=number == 1)
                for number, (part, faults) in enumerate(zip((log[:middle], log[middle:]), acts, strict=True))
            ]
            self._played.outcome = outcome_of(world, cycles)
            self._played.wrong = world.wrong
            self._played.accepted = len(world.accepted)
        self._played.seconds = time.monotonic() - began
        return self._played

    def _act(self, world, log, faults, *, last):
        finish = world.push(log[:-_LAST])
        self._do(faults)
        if faults:
            self._played.recovered.append(recover(world, log[-_LAST:], since=self._harm.over_at))
        else:
            world.push_now(log[-_LAST:])
        finish()
        drain(world)
        return self._analyse(world, interrupted=last)

    def _do(self, faults):
        self._harm.do(faults)
        self._played.faults.update(fault.kind for fault in faults)

    def _analyse(self, world, *, interrupted):
        began = time.monotonic()
        cycle = analyses.request(world.config, tenant="default")
        if interrupted and self._seed is not None and self._seed % _INTERRUPT_EVERY == 0:
            self._do([interruption(self._seed)])
        done = follow(world, cycle)
        self._played.analyses.append(time.monotonic() - began)
        return done


@dataclass(slots=True)
class Totals:
    """Of several runs."""

    seeds: int = 0
    accepted: int = 0
    lost: int = 0
    twice: int = 0
    slowest: float = 0.0
    faults: Counter = field(default_factory=Counter)

    def add(self, played):
        """One more run."""
        self.seeds += 1
        self.accepted += played.accepted
        self.lost += len(played.outcome.lost)
        self.twice += len(played.outcome.twice)
        self.slowest = max(self.slowest, *(recovery.answered for recovery in played.recovered))
        self.faults += played.faults

    def __str__(self):
        return (
            f"chaos: {self.seeds} seeds, {self.accepted} accepted, {self.faults.total()} faults {dict(self.faults)}, "
            f"lost {self.lost}, counted twice {self.twice}, slowest recovery {self.slowest:.1f} s"
        )

"""The detector: one batch after the other in, alarms out; the same batches give the same alarms.

It watches each topic's share of the interactions, the errors and the slow answers of each topic and of everything, and
the shares of groups that form among the unassigned. All are Bernoulli tests on what share of interactions, so how many
there are, by day or by night or when a backlog drains, does not matter. What is told is quiet until it is over.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kaizen_worker.pipeline.live.arrivals import Arrivals
from kaizen_worker.pipeline.live.baseline import Baseline
from kaizen_worker.pipeline.live.evidence import Evidence, Rows, costs
from kaizen_worker.pipeline.live.forming import KNOWN, MEMORY, PLACES, Groups, Member
from kaizen_worker.pipeline.live.repeats import Marks, follow, marks
from kaizen_worker.types import Codes, Flags, Floats, PatternKind, Vectors

GROUPS = KNOWN + PLACES
_FOREVER = 1.0 - 1e-9  # limit of a place that is free
_DAY_HOURS, _HOUR_SECONDS = 24, 3600


@dataclass(slots=True)
class State:
    """All that a detector remembers."""

    cycle: str  # whose baseline its rows belong to
    topics: tuple[str, ...]  # k ids
    second: int  # the open one
    turn: int  # unassigned interactions so far
    ring: Marks  # who asked what last
    tests: Evidence  # k bursts, k + 1 errors, k + 1 latencies, GROUPS groups
    groups: Groups


@dataclass(frozen=True, slots=True)
class Alarm:
    """A test whose evidence reached the bar."""

    kind: PatternKind
    row: int  # of the tests
    place: int  # the topic's code, k for everything; or the group's place
    evidence: float


def tests_of(topics: int) -> int:
    """How many tests run for so many topics."""
    return 3 * topics + 2 + GROUPS


def begin(cycle: str, baseline: Baseline, *, old: State | None = None) -> State:
    """The state to go on with under a new baseline: topics carry on by their ids, groups that formed stay."""
    k, groups = len(baseline.topics), _known(baseline)
    fresh = State(cycle, baseline.topics, 0, 0, marks([]), Evidence.fresh(tests_of(k)), groups)
    if old is None:
        return fresh
    source, target = _carried(old, fresh)
    for column in ("sums", "back", "raised", "trials", "hits"):
        getattr(fresh.tests, column)[target] = getattr(old.tests, column)[source]
    for slot in range(KNOWN, GROUPS):
        _move(old.groups, groups, slot)
        if groups.sizes[slot] and old.tests.raised[slot - GROUPS]:
            for known in _same(groups, slot, fence=baseline.fence):
                groups.clear(known)  # what was told as new goes on as that, though the window knows it by now
    fresh.second, fresh.turn, fresh.ring = old.second, old.turn, old.ring
    return fresh


def _known(baseline: Baseline) -> Groups:
    groups = Groups.empty(GROUPS, baseline.known.shape[1], known=KNOWN)
    for slot, (mean, text) in enumerate(zip(baseline.known, baseline.known_texts, strict=True)):
        groups.join(slot, mean, Member("", 0, text, 0, 0, 1.0), turn=0)
        groups.sizes[slot] = MEMORY  # it stands for many, and moves as slowly
    return groups


def _carried(old: State, new: State) -> tuple[Rows, Rows]:
    """Rows of the old tests, and where each goes on."""
    place = {topic: code for code, topic in enumerate(new.topics)}
    pairs = [(code, place[topic]) for code, topic in enumerate(old.topics) if topic in place]
    before, after = len(old.topics), len(new.topics)
    ends = [(before, after)]
    of_topics = [(code, at) for code, at in pairs]
    of_errors = [(before + code, after + at) for code, at in pairs + ends]
    of_times = [(2 * before + 1 + code, 2 * after + 1 + at) for code, at in pairs + ends]
    formed = [(tests_of(before) - free, tests_of(after) - free) for free in range(PLACES, 0, -1)]
    table = np.array([*of_topics, *of_errors, *of_times, *formed], np.intp)
    return table[:, 0], table[:, 1]


def _move(old: Groups, new: Groups, slot: int) -> None:
    if old.means.shape[1] == new.means.shape[1]:
        for column in ("means", "sizes", "fed", "asked", "members"):
            getattr(new, column)[slot] = getattr(old, column)[slot]


def _same(groups: Groups, slot: int, *, fence: float) -> list[int]:
    """Other groups whose members are on average members of a group that was told."""
    alike = groups.cosines(groups.means[slot]) >= fence
    alike[slot] = False
    return [int(other) for other in np.flatnonzero(alike & (groups.sizes > 0))]


class Detector:
    """One tenant's detector.

    Args:
        baseline: What is usual.
        state: Where it stands; it is changed in place.
    """

    def __init__(self, baseline: Baseline, state: State) -> None:
        self.baseline = baseline
        self.state = state
        k = len(baseline.topics)
        self._k, self._errors, self._times, self._groups = k, k, 2 * k + 1, 3 * k + 2
        self._hour, self._limits, self._cost = -1, np.empty(0), np.empty((0, 0))

    def observe(self, batch: Arrivals, vectors: Vectors) -> list[tuple[PatternKind, int]]:
        """Count one batch.

        Args:
            batch: n interactions of one second.
            vectors: (u, d) of the unassigned among them, in their order.

        Returns:
            What was told of topics or of everything, and is over: its kind and place, as in `Alarm`.
        """
        state, tests = self.state, self.state.tests
        told = tests.raised[: self._groups].copy()
        self._turn_to(batch.second)
        again, state.ring = follow(state.ring, batch.pairs)
        fresh = ~again
        total = int(fresh.sum())
        tests.trials[: self._k] += total
        tests.hits[: self._k] += np.bincount(batch.topic[fresh & (batch.topic >= 0)], minlength=self._k)
        self._signs(self._errors, batch.topic[fresh], batch.error[fresh])
        timed = fresh & ~np.isnan(batch.time)
        slow = batch.time[timed] > self.baseline.slow_over[batch.topic[timed]]
        self._signs(self._times, batch.topic[timed], slow)
        self._form(batch, fresh, vectors)
        over = np.flatnonzero(told & ~tests.raised[: self._groups]).tolist()
        return [(kind, place) for kind, _, place in map(self._what, over)]

    def alarms(self, bar: float) -> Iterator[Alarm]:
        """What reached the bar, everything before its topics; each has to be settled before the next is asked for."""
        tests, k = self.state.tests, self._k
        hit = np.flatnonzero(tests.hits)
        high = hit[tests.evidence(hit, self._cost) >= bar].tolist()
        for row in sorted(high, key=lambda row: row not in {self._errors + k, self._times + k}):
            evidence = float(tests.evidence(np.array([row]), self._cost)[0])  # what was settled may have dropped it
            if evidence >= bar:
                yield Alarm(*self._what(row), evidence)

    def settle(self, alarm: Alarm, *, told: bool) -> None:
        """Quiet until it is over, if it was told; else the test begins anew."""
        tests, k = self.state.tests, self._k
        if not told:
            tests.forget(np.array([alarm.row]))
            return
        tests.rise(alarm.row)
        if alarm.kind in {"error", "latency"}:
            first = self._errors if alarm.kind == "error" else self._times
            if alarm.place == k:  # it explains what its topics show
                calm = first + np.flatnonzero(~tests.raised[first : first + k])
                tests.forget(calm)
            else:  # what is left of everything begins anew
                tests.forget(np.array([first + k]))
        elif alarm.kind == "new_topic":
            self._absorb(alarm.place)

    def limit(self, alarm: Alarm) -> float:
        """The limit that its rate has passed."""
        return float(self._limits[alarm.row])

    def _turn_to(self, second: int) -> None:
        if self._hour < 0:
            self._set_hour(self.state.second)
        if second != self.state.second:
            self.state.tests.close(self._cost)
            self.state.second = second
            self._set_hour(second)

    def _set_hour(self, second: int) -> None:
        hour = second // _HOUR_SECONDS % _DAY_HOURS
        if hour != self._hour:
            self._hour = hour
            self._limits = _limits(self.baseline, hour)
            self._cost = costs(self._limits)

    def _what(self, row: int) -> tuple[PatternKind, int, int]:
        if row < self._errors:
            return "burst", row, row
        if row < self._times:
            return "error", row, row - self._errors
        if row < self._groups:
            return "latency", row, row - self._times
        return "new_topic", row, row - self._groups

    def _signs(self, first: int, topic: Codes, sign: Flags) -> None:
        """Count a sign by topic and over all.

        While everything shows it, topics do not count; what a topic was told of does not count for everything.
        """
        tests, k = self.state.tests, self._k
        member = topic >= 0
        trials = np.bincount(topic[member], minlength=k)
        hits = np.bincount(topic[member & sign], minlength=k)
        told = tests.raised[first : first + k]
        tests.trials[first + k] += len(topic) - int(trials[told].sum())
        tests.hits[first + k] += int(sign.sum()) - int(hits[told].sum())
        if not tests.raised[first + k]:
            tests.trials[first : first + k] += trials
            tests.hits[first : first + k] += hits

    def _form(self, batch: Arrivals, fresh: Flags, vectors: Vectors) -> None:
        """Let the unassigned join groups or open new ones; the first member, and who spoke already, are no hit.

        A group that was told is as wide as live assignment makes a topic.
        """
        groups, tests = self.state.groups, self.state.tests
        place = np.cumsum(fresh)
        near = np.where(tests.raised[self._groups :], self.baseline.fence, self.baseline.near)
        before = np.zeros(GROUPS, np.int64)  # interactions of this batch that a group does not count
        rows = np.flatnonzero(batch.topic < 0)
        for vector, row in zip(vectors[fresh[rows]], rows[fresh[rows]].tolist(), strict=True):
            self.state.turn += 1
            found = groups.place(vector, near=near)
            slot, cosine = found or (groups.open(), 1.0)
            if found is None:
                tests.forget(np.array([self._groups + slot]))
                before[slot] = place[row]
            asked = int(groups.asked[slot] + place[row] - before[slot])
            member = Member(batch.ids[row], int(batch.askers[row]), batch.texts[row], batch.second, asked, cosine)
            if member.asker in {one.asker for one in groups.members[slot]}:
                before[slot] += 1
                continue
            tests.hits[self._groups + slot] += found is not None
            groups.join(slot, vector, member, turn=self.state.turn)
        seen = np.where(groups.sizes > 0, int(fresh.sum()) - before, 0)
        tests.trials[self._groups :] += seen.astype(np.int32)
        groups.asked += seen

    def _absorb(self, slot: int) -> None:
        """Groups that formed beside the one that was told are the same: members of either belong to it from now on."""
        for other in _same(self.state.groups, slot, fence=self.baseline.fence):
            if other >= KNOWN:
                self.state.groups.clear(other)
                self.state.tests.forget(np.array([self._groups + other]))


def _limits(one: Baseline, hour: int) -> Floats:
    """Of every test in that hour of the day."""
    free = np.full(KNOWN - len(one.known_limit), _FOREVER)
    new = np.full(PLACES, one.new_limit)
    parts = (one.share_limit[hour], one.error_limit, one.slow_limit, one.known_limit, free, new)
    return np.concatenate(parts).astype(np.float64)

"""What an alarm is about: since when, how much, who shows it; and whether it is worth telling."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kaizen_worker.pipeline.live.arrivals import Arrivals
from kaizen_worker.pipeline.live.baseline import SLACK, Baseline
from kaizen_worker.pipeline.live.detector import Alarm
from kaizen_worker.pipeline.live.evidence import MULTIPLES, Rows, costs
from kaizen_worker.pipeline.live.forming import KEPT, Groups
from kaizen_worker.pipeline.live.repeats import Marks, repeated
from kaizen_worker.types import Codes, Flags, Floats, Pattern

WITNESSES = 3
"""Distinct askers without whom nothing is told."""

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm with what is known of its test."""

    alarm: Alarm
    limit: float  # of the rate
    confidence: float


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest interactions, the oldest first, each person once with a topic: n rows."""

    ids: Sequence[str]
    topic: Codes
    error: Flags
    errors: Sequence[str | None]
    time: Floats
    slow: Flags
    askers: Marks
    second: Rows

    @classmethod
    def of(cls, batches: Sequence[Arrivals], baseline: Baseline) -> "Latest":
        """Batches, the oldest first, as one."""
        rows = np.flatnonzero(~repeated(np.concatenate([batch.pairs for batch in batches])))
        topic = np.concatenate([batch.topic for batch in batches])[rows]
        time = np.concatenate([batch.time for batch in batches])[rows]
        ids = [one for batch in batches for one in batch.ids]
        errors = [one for batch in batches for one in batch.errors]
        return cls(
            ids=[ids[row] for row in rows.tolist()],
            topic=topic,
            error=np.concatenate([batch.error for batch in batches])[rows],
            errors=[errors[row] for row in rows.tolist()],
            time=time,
            slow=time > baseline.slow_over[topic],
            askers=np.concatenate([batch.askers for batch in batches])[rows],
            second=np.concatenate([np.full(len(batch.ids), batch.second) for batch in batches])[rows],
        )


def explain(raised: Raised, latest: Latest, baseline: Baseline) -> Pattern | None:
    """What a test of a topic or of everything found, or None: too few people show it, or a single topic does."""
    alarm, everything = raised.alarm, raised.alarm.place == len(baseline.topics)
    trial, hit = _counted(alarm, latest, everything=everything)
    rows = np.flatnonzero(trial)
    start = _onset(hit[rows], raised.limit)
    rows = rows[start:]
    hits = rows[hit[rows]]
    if len(np.unique(latest.askers[hits])) < WITNESSES or (everything and _is_of_one(rows, hit, latest, raised.limit)):
        return None
    names = [latest.errors[row] or "" for row in hits.tolist()]
    return Pattern(
        kind=alarm.kind,
        topic=None if everything else baseline.topics[alarm.place],
        name="" if everything else baseline.names[alarm.place],
        since=int(latest.second[hits[0]]) * _SECOND,
        usual=raised.limit / SLACK,
        hits=len(hits),
        trials=len(rows),
        times=latest.time[rows],
        usual_time=float(baseline.time[alarm.place]),
        detail=max(sorted(set(names)), key=names.count),
        evidence=tuple(latest.ids[row] for row in _witnesses(hits, latest.askers)),
        users=len(np.unique(latest.askers[hits])),
        confidence=raised.confidence,
    )


def explain_group(raised: Raised, groups: Groups) -> Pattern | None:
    """What a group's test found, or None: too few people."""
    slot = raised.alarm.place
    members = [one for one in groups.members[slot] if one.id]
    now = int(groups.asked[slot])
    trials = np.array([now - one.asked for one in members])
    hits = np.arange(len(members))[::-1]
    gain = hits[:, None] * np.log(MULTIPLES) - trials[:, None] * costs(np.array([raised.limit]))
    start = int(gain.max(axis=1).argmax()) if members else 0
    chosen = members[start:]
    if len({one.asker for one in chosen}) < WITNESSES:
        return None
    return Pattern(
        kind="new_topic",
        topic=None,
        name=max(chosen, key=lambda one: (one.cosine, one.text)).text,
        since=chosen[0].second * _SECOND,
        usual=raised.limit / SLACK,
        hits=len(chosen),
        trials=int(trials[start]) + 1,
        times=np.empty(0),
        usual_time=np.nan,
        detail="",
        evidence=tuple(one.id for one in reversed(chosen)),
        users=len({one.asker for one in chosen}),
        confidence=raised.confidence,
    )


def _counted(alarm: Alarm, latest: Latest, *, everything: bool) -> tuple[Flags, Flags]:
    """Which rows are trials of the test, and which are hits, (n,)."""
    own = np.ones(len(latest.ids), np.bool_) if everything else latest.topic == alarm.place
    if alarm.kind == "burst":
        return np.ones(len(latest.ids), np.bool_), own
    if alarm.kind == "error":
        return own, own & latest.error
    return own & ~np.isnan(latest.time), own & latest.slow


def _onset(hit: Flags, limit: float) -> int:
    """Where the rise most likely began among the trials (t,): the start and multiple of the greatest likelihood."""
    gains = hit[::-1, None] * np.log(MULTIPLES) - costs(np.array([limit]))
    best = np.cumsum(gains, axis=0).max(axis=1)
    return len(hit) - 1 - int(best.argmax()) if len(hit) else 0


def _is_of_one(rows: Rows, hit: Flags, latest: Latest, limit: float) -> bool:
    """Whether one topic has most of what is in excess: then its own test says so, and better."""
    topic = latest.topic[rows]
    member = topic >= 0
    excess = hit[rows] - limit
    own = np.bincount(topic[member], weights=excess[member])
    return bool(len(own)) and float(own.max()) > excess.sum() / 2


def _witnesses(hits: Rows, askers: Marks) -> list[int]:
    """The latest of the hits, each of another person as long as there are more."""
    order = hits[::-1]
    _, first = np.unique(askers[order], return_index=True)
    again = np.delete(np.arange(len(order)), first)
    return [int(row) for row in order[np.concatenate((np.sort(first), again))[:KEPT]]]

"""What changed while interactions arrived, as an insight; by the type that an analysis would give it.

The interval is that of what was seen since the onset, which was chosen for what was seen: it tells how much there was,
and the confidence, not the interval, tells whether there is anything.
"""

from datetime import UTC, datetime

import numpy as np

from kaizen_api.schema import Insight, InsightType, Interval
from kaizen_worker.pipeline.findings.intervals import beyond, median, share
from kaizen_worker.pipeline.findings.statement import identity, percent, percents, seconds
from kaizen_worker.types import Pattern, PatternKind

_TYPES: dict[PatternKind, InsightType] = {
    "burst": "emerging",
    "new_topic": "emerging",
    "error": "error_pattern",
    "latency": "performance",
}

_ADVICE: dict[PatternKind, str] = {
    "burst": "Find what drives people to {where} now: an incident or a release may need its own answer.",
    "new_topic": "Decide whether the assistant should serve this, and add knowledge before it grows.",
    "error": "Replay the evidence, of {where}: what changed or failed at {since}, a release, a quota, a service?",
    "latency": "Compare a trace of {where} with one from before {since}: what does it wait for?",
}


def say(pattern: Pattern) -> Insight:
    """The insight; its id comes from what rose, where, and since when."""
    subject = {"pattern": pattern.kind, "since": _moment(pattern.since)}
    if pattern.topic is not None:
        subject["topic"] = pattern.topic
    if pattern.kind == "new_topic":
        subject["text"] = pattern.name
    kind = _TYPES[pattern.kind]
    where = f"'{pattern.name}'" if pattern.name else "several topics"
    return Insight(
        id=identity(kind, subject),
        type=kind,
        description=f"{_text(pattern)} {pattern.hits} of {pattern.trials} interactions since then, {_people(pattern)}.",
        confidence=round(pattern.confidence, 4),
        effect=_effect(pattern),
        evidence=list(pattern.evidence),
        recommendation=_ADVICE[pattern.kind].format(where=where, since=_moment(pattern.since)),
        topic=pattern.topic,
        subject=subject,
        support=pattern.trials,
        users=pattern.users,
        seen_at=pattern.since,
    )


def _text(pattern: Pattern) -> str:
    since, rate = _moment(pattern.since), percents(share(pattern.hits, pattern.trials))
    usual = f"usually {percent(pattern.usual)} at most"
    where = f"in '{pattern.name}'" if pattern.name else "everywhere"
    if pattern.kind == "burst":
        return f"'{pattern.name}' bursts since {since}: {rate} of the interactions, {usual} at this hour:"
    if pattern.kind == "new_topic":
        return f"A new topic forms since {since}, like “{pattern.name}”: {rate} of the interactions, {usual}:"
    if pattern.kind == "error":
        return f"Errors rise {where} since {since}, mostly '{pattern.detail}': {rate}, {usual}:"
    slow = f"{seconds(float(np.median(pattern.times)))} (median), {seconds(pattern.usual_time)} before"
    return f"Answers {where} are slower since {since}: {slow}; {rate} are as slow as one in twenty was, {usual}:"


def _effect(pattern: Pattern) -> Interval:
    if pattern.kind == "latency":
        return beyond(median(pattern.times, unit="s"), pattern.usual_time)
    rate = share(pattern.hits, pattern.trials)
    if pattern.kind == "error":
        return beyond(rate, pattern.usual)
    times = (rate.estimate / pattern.usual, rate.low / pattern.usual, rate.high / pattern.usual)
    return Interval(estimate=times[0], low=times[1], high=times[2], unit="times")


def _people(pattern: Pattern) -> str:
    return f"by {pattern.users} people"


def _moment(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

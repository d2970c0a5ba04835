"""error_pattern: an error that clusters by topic, model or tool, by two of them together, or in time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from kaizen_worker.pipeline.findings.independence import Rows, needed_people, units
from kaizen_worker.pipeline.findings.intervals import difference, share
from kaizen_worker.pipeline.findings.onset import begin, settle, starts
from kaizen_worker.pipeline.findings.rates import worse
from kaizen_worker.pipeline.findings.scan import Burst, Clock, Stretches, burst, clock, moment, stretches_of
from kaizen_worker.pipeline.findings.statement import (
    WORTH,
    Tested,
    basis,
    clearest,
    percent,
    percents,
    persons,
    strength,
)
from kaizen_worker.pipeline.findings.subgroups import MIN_HITS, Key, Subgroup, Table, search, tables
from kaizen_worker.types import Codes, Finding, Flags, Sample


def find(sample: Sample) -> Tested:
    """Search each type of error for the groups and the time in which it clusters."""
    error = sample.window.error
    counts = np.bincount(error.codes[error.codes >= 0], minlength=len(error.names))
    columns = {"topic": sample.topic, "tool": sample.window.tool.codes, "model": sample.window.model.codes}
    crossed = {row: tables(columns, start=row) for row in (0, *starts(sample))}
    frequent = np.flatnonzero(counts >= MIN_HITS).tolist()
    findings: list[Finding] = []
    for code in frequent:
        event = error.codes == code
        found = _groups(sample, error.names[code], event, crossed)
        told = {finding.subject["topic"] for finding in found if "topic" in finding.subject}
        findings += [*found, *_time(sample, error.names[code], event, told)]
    return Tested(tuple(findings), len(frequent) * (1 + sum(len(table.seen) for table in crossed[0])))


def _groups(sample: Sample, error: str, event: Flags, crossed: Mapping[int, Sequence[Table]]) -> list[Finding]:
    who, when = units(sample.window), stretches_of(sample.window.occurred_at)
    found = {row: search(some, event, who, when=when, start=row) for row, some in crossed.items()}
    whole = found.pop(0)
    changed = [_since(sample, group, event, row) for row, groups in found.items() for group in groups]
    least = needed_people(sample.window.people())
    return [
        _say_group(sample, error, event, group)
        for group in _apart(settle(whole, changed, len(found)))
        if group.p_value <= WORTH and persons(sample, group.rows[event[group.rows]]) >= least
    ]


def _since(sample: Sample, group: Subgroup, event: Flags, row: int) -> Subgroup:
    """A group of what came from that row on, tested against its own past too."""
    codes = {"topic": sample.topic, "tool": sample.window.tool.codes, "model": sample.window.model.codes}
    here: Flags = np.logical_and.reduce([codes[attribute][:row] == code for attribute, code in group.key])
    past, p_value = worse(sample, event, group.rows, np.flatnonzero(here))
    return replace(group, p_value=max(group.p_value, p_value), since=begin(sample, row), past=past)


def _apart(groups: Sequence[Subgroup]) -> list[Subgroup]:
    """Without what lies within another of another time, or around it, that shows it better."""
    kept: list[Subgroup] = []
    for group in sorted(groups, key=lambda one: one.p_value):
        parts = set(group.key)
        if not any(one.since != group.since and (parts < {*one.key} or parts > {*one.key}) for one in kept):
            kept.append(group)
    return kept


def _say_group(sample: Sample, error: str, event: Flags, group: Subgroup) -> Finding:
    place, hits = _place(sample, group.key), group.rows[event[group.rows]]
    effect = difference(group.inside.rate, group.outside.rate)
    return Finding(
        type="error_pattern",
        subject={"error": error, **_subject(sample, group.key)},
        description=(
            f"'{error}' clusters in {place}{_time_of(group)}: {percents(group.inside.rate)} against "
            f"{percent(group.outside.rate.estimate)} elsewhere{_before(group)}, {len(hits)} times in "
            f"{basis(sample, group.rows)}."
        ),
        recommendation=_advice(error, place, group.key),
        p_value=group.p_value,
        effect=effect,
        strength=strength(effect.estimate * len(group.rows) / len(sample.window)),
        evidence=clearest(sample, hits, sample.signals.failure[hits]),
        support=len(group.rows),
        users=persons(sample, group.rows),
    )


def _time_of(group: Subgroup) -> str:
    return "" if group.since is None else f" since {moment(group.since)}"


def _before(group: Subgroup) -> str:
    return "" if group.past is None else f" and {percent(group.past)} before"


def _subject(sample: Sample, key: Key) -> dict[str, str]:
    names = {"topic": sample.topic_ids, "tool": sample.window.tool.names, "model": sample.window.model.names}
    return {attribute: names[attribute][code] for attribute, code in key}


def _place(sample: Sample, key: Key) -> str:
    names = {"topic": sample.topic_names, "tool": sample.window.tool.names, "model": sample.window.model.names}
    return " with ".join(f"{attribute} '{names[attribute][code]}'" for attribute, code in key)


def _advice(error: str, place: str, key: Key) -> str:
    """What to look at; of a pair it is known that neither of its members alone shows it as much."""
    if len(key) > 1:
        return (
            f"Replay the evidence: neither half of {place} alone shows it so, so look for what only the two together "
            f"do, and mend that first."
        )
    match key[0][0]:
        case "model":
            return f"Send the same requests to another model: if '{error}' stays away, look at the limits of {place}."
        case "tool":
            return (
                f"Call {place} with what the evidence asked of it: its limits, its time-out or its last change is near."
            )
        case _:
            return f"Replay the evidence: look for the call, the source or the time-out that only {place} needs."


def _time(sample: Sample, error: str, event: Flags, told: Collection[str]) -> list[Finding]:
    """The stretch in which the error bursts: in all, or in the topic without which there is no burst.

    A topic that clusters anyway, and so was `told`, is not told again.
    """
    who = units(sample.window)
    grid = clock(sample.window.occurred_at, who)
    found = _burst(sample, grid, event, who)
    if grid is None or found is None:
        return []
    place, inside = _worst_topic(sample, found.rows), found
    if place is not None:
        elsewhere = _burst(sample, grid, event & (sample.topic != place), who)
        if elsewhere is None:
            event, topic = event & (sample.topic == place), sample.topic_ids[place]
            own = None if topic in told else _burst(sample, grid, event, who, looked=len(sample.topic_ids))
            return [] if own is None else [_say_time(sample, error, event, own, grid.inside(own), topic=place)]
        inside = replace(found, p_value=max(found.p_value, elsewhere.p_value))
    return [_say_time(sample, error, event, inside, grid.inside(inside), topic=None)]


def _burst(sample: Sample, grid: Clock | None, event: Flags, who: Codes, *, looked: int = 1) -> Burst | None:
    """The burst of the event, if it is worth a sentence when so many places were looked at."""
    found = burst(grid, event, who, Stretches.short()) if grid else None
    if found is None or persons(sample, found.rows) < needed_people(sample.window.people()):
        return None
    found = replace(found, p_value=min(1.0, found.p_value * looked))
    return found if found.p_value <= WORTH else None


def _worst_topic(sample: Sample, rows: Rows) -> int | None:
    """The topic that has the most of these rows."""
    topics = sample.topic[rows]
    return int(np.bincount(topics[topics >= 0]).argmax()) if (topics >= 0).any() else None


def _say_time(  # noqa: PLR0913 - what burst, where, and when
    sample: Sample, error: str, event: Flags, found: Burst, inside: Flags, *, topic: int | None
) -> Finding:
    here = np.ones_like(inside) if topic is None else sample.topic == topic
    hits, rows = np.flatnonzero(event & inside), np.flatnonzero(here & inside)
    within = share(len(hits), len(rows))
    around = share(int((event & ~inside).sum()), max(int((here & ~inside).sum()), 1))
    effect = difference(within, around)
    where = "" if topic is None else f"in '{sample.topic_names[topic]}' "
    return Finding(
        type="error_pattern",
        subject={"error": error, "by": "time"} | ({} if topic is None else {"topic": sample.topic_ids[topic]}),
        description=(
            f"'{error}' burst {where}between {moment(found.start)} and {moment(found.stop)}: {percents(within)} "
            f"against {percent(around.estimate)} before and after, {len(hits)} times in {basis(sample, rows)}."
        ),
        recommendation=f"Look for what changed or failed at {moment(found.start)}: a release, a quota, a service.",
        p_value=found.p_value,
        effect=effect,
        strength=strength(effect.estimate * len(rows) / len(sample.window)),
        evidence=clearest(sample, hits, sample.signals.failure[hits]),
        support=len(rows),
        users=persons(sample, rows),
    )

"""error_pattern: an error that clusters by topic, model or tool, by two of them together, or in time."""

from collections.abc import Sequence

import numpy as np

from kaizen_worker.pipeline.findings.independence import needed_people, units
from kaizen_worker.pipeline.findings.intervals import difference, share
from kaizen_worker.pipeline.findings.scan import Burst, Stretches, burst, clock, moment
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
from kaizen_worker.types import Finding, Flags, Sample


def find(sample: Sample) -> Tested:
    """Search each type of error for the groups and the time in which it clusters."""
    error = sample.window.error
    counts = np.bincount(error.codes[error.codes >= 0], minlength=len(error.names))
    crossed = tables({"topic": sample.topic, "tool": sample.window.tool.codes, "model": sample.window.model.codes})
    frequent = np.flatnonzero(counts >= MIN_HITS).tolist()
    findings: list[Finding] = []
    for code in frequent:
        findings += _groups(sample, error.names[code], error.codes == code, crossed)
        findings += _time(sample, error.names[code], error.codes == code)
    return Tested(tuple(findings), len(frequent) * (1 + sum(len(table.seen) for table in crossed)))


def _groups(sample: Sample, error: str, event: Flags, crossed: Sequence[Table]) -> list[Finding]:
    found = search(crossed, event, units(sample.window))
    least = needed_people(sample.window.people())
    return [
        _say_group(sample, error, event, group)
        for group in found
        if persons(sample, group.rows[event[group.rows]]) >= least
    ]


def _say_group(sample: Sample, error: str, event: Flags, group: Subgroup) -> Finding:
    place, hits = _place(sample, group.key), group.rows[event[group.rows]]
    effect = difference(group.inside.rate, group.outside.rate)
    return Finding(
        type="error_pattern",
        subject={"error": error, **_subject(sample, group.key)},
        description=(
            f"'{error}' clusters in {place}: {percents(group.inside.rate)} against "
            f"{percent(group.outside.rate.estimate)} elsewhere, {len(hits)} times in {basis(sample, group.rows)}."
        ),
        recommendation=_advice(error, place, group.key),
        p_value=group.p_value,
        effect=effect,
        strength=strength(effect.estimate * len(group.rows) / len(sample.window)),
        evidence=clearest(sample, hits, sample.signals.failure[hits]),
        support=len(group.rows),
        users=persons(sample, group.rows),
    )


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


def _time(sample: Sample, error: str, event: Flags) -> list[Finding]:
    who = units(sample.window)
    grid = clock(sample.window.occurred_at, who)
    found = burst(grid, event, who, Stretches.short()) if grid else None
    if grid is None or found is None or found.p_value > WORTH:
        return []
    if persons(sample, found.rows) < needed_people(sample.window.people()):
        return []
    return [_say_time(sample, error, event, found, grid.inside(found))]


def _say_time(sample: Sample, error: str, event: Flags, found: Burst, inside: Flags) -> Finding:
    hits, rows = np.flatnonzero(event & inside), np.flatnonzero(inside)
    within = share(len(hits), len(rows))
    around = share(int((event & ~inside).sum()), max(int((~inside).sum()), 1))
    effect = difference(within, around)
    return Finding(
        type="error_pattern",
        subject={"error": error, "by": "time"},
        description=(
            f"'{error}' burst between {moment(found.start)} and {moment(found.stop)}: {percents(within)} against "
            f"{percent(around.estimate)} before and after, {len(hits)} times in {basis(sample, rows)}."
        ),
        recommendation=f"Look for what changed or failed at {moment(found.start)}: a release, a quota, a service.",
        p_value=found.p_value,
        effect=effect,
        strength=strength(effect.estimate * len(rows) / len(sample.window)),
        evidence=clearest(sample, hits, sample.signals.failure[hits]),
        support=len(rows),
        users=persons(sample, rows),
    )

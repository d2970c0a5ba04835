"""error_pattern: an error that clusters by topic, model or tool, by two of them together, or in time."""

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
from kaizen_worker.pipeline.findings.subgroups import MIN_HITS, Key, Subgroup, search
from kaizen_worker.types import Finding, Flags, Sample


def find(sample: Sample) -> Tested:
    """Search each type of error for the groups and the time in which it clusters."""
    error = sample.window.error
    counts = np.bincount(error.codes[error.codes >= 0], minlength=len(error.names))
    findings: list[Finding] = []
    hypotheses = 0
    for code in np.flatnonzero(counts >= MIN_HITS):
        event = error.codes == code
        for tested in (_groups(sample, error.names[code], event), _time(sample, error.names[code], event)):
            findings.extend(tested.findings)
            hypotheses += tested.hypotheses
    return Tested(tuple(findings), hypotheses)


def _groups(sample: Sample, error: str, event: Flags) -> Tested:
    window = sample.window
    columns = {"topic": sample.topic, "tool": window.tool.codes, "model": window.model.codes}
    found, hypotheses = search(columns, event, units(window))
    least = needed_people(window.people())
    spoken = [group for group in found if persons(sample, group.rows[event[group.rows]]) >= least]
    return Tested(tuple(_say_group(sample, error, event, group) for group in spoken), hypotheses)


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
        recommendation=f"Replay the evidence: what {place} does that the rest does not is what raises '{error}'.",
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


def _time(sample: Sample, error: str, event: Flags) -> Tested:
    who = units(sample.window)
    grid = clock(sample.window.occurred_at, who)
    if grid is None:
        return Tested((), 0)
    found = burst(grid, event, who, Stretches.short())
    enough = found is not None and persons(sample, found.rows) >= needed_people(sample.window.people())
    if found is None or not enough or found.p_value > WORTH:
        return Tested((), 1)
    return Tested((_say_time(sample, error, event, found, grid.inside(found)),), 1)


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

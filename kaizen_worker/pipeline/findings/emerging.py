"""emerging: a topic that was born in this cycle, or that burst."""

import numpy as np
from scipy.stats import binomtest

from kaizen_api.schema import Interval
from kaizen_worker.pipeline.findings.groups import Group, topics
from kaizen_worker.pipeline.findings.independence import needed_people, units
from kaizen_worker.pipeline.findings.scan import Burst, Clock, Stretches, burst, clock, moment
from kaizen_worker.pipeline.findings.statement import NEWS, WORTH, Tested, basis, clearest, persons, strength
from kaizen_worker.types import Codes, Finding, Sample


def find(sample: Sample) -> Tested:
    """Scan the time of each topic against all traffic: for a burst, or, if it was born, for its coming late."""
    who = units(sample.window)
    grid = clock(sample.window.occurred_at, who)
    if grid is None:
        return Tested((), 0)
    groups = topics(sample, ~sample.signals.flags["follow_up"])
    least = needed_people(sample.window.people())
    found = [(group, _scan(sample, group, grid, who)) for group in groups]
    spoken = tuple(
        _say(sample, group, risen)
        for group, risen in found
        if risen is not None and risen.p_value <= WORTH and persons(sample, risen.rows) >= least
    )
    return Tested(spoken, len(groups))


def _scan(sample: Sample, group: Group, grid: Clock, who: Codes) -> Burst | None:
    event = np.zeros(len(sample.window), np.bool_)
    event[group.rows] = True
    return burst(grid, event, who, Stretches.late() if group.topic in sample.born else Stretches.short())


def _say(sample: Sample, group: Group, risen: Burst) -> Finding:
    born = group.topic in sample.born
    times = _times(risen)
    said = f"{times.estimate:.1f} times (95 %: {times.low:.1f} to {times.high:.1f}) what the traffic explains"
    if born:
        text = f"'{group.name}' is a new topic: since {moment(risen.start)} it has {said}"
    else:
        text = f"'{group.name}' burst between {moment(risen.start)} and {moment(risen.stop)}: {said}"
    return Finding(
        type="emerging",
        subject=group.subject,
        description=f"{text}, {len(risen.rows)} of {basis(sample, group.rows)}.",
        recommendation=_advice(group, born=born),
        p_value=risen.p_value,
        effect=times,
        strength=NEWS * strength(len(risen.rows) / len(sample.window)),
        evidence=clearest(sample, risen.rows, sample.signals.failure[risen.rows]),
        support=len(group.rows),
        users=persons(sample, group.rows),
    )


def _times(risen: Burst) -> Interval:
    """How many times the expected number, with Clopper and Pearson's exact interval (1934)."""
    exact = binomtest(risen.hits, risen.total).proportion_ci(0.95, method="exact")
    estimate = risen.hits / risen.total / risen.base
    return Interval(
        estimate=estimate, low=float(exact.low) / risen.base, high=float(exact.high) / risen.base, unit="times"
    )


def _advice(group: Group, *, born: bool) -> str:
    if born:
        return f"Decide whether the assistant should serve '{group.name}', and add knowledge before it grows."
    return f"Find what drove people to '{group.name}' at that time: an incident or a release may need its own answer."

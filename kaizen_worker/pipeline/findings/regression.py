"""regression: something that was settled got worse again.

What was confirmed as repaired is tested anew, with the same test, on what came after it was confirmed. The part of the
window before says nothing about it, and what it would still show is no news.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from kaizen_worker.pipeline.findings.independence import MIN_SUPPORT
from kaizen_worker.pipeline.findings.scan import moment
from kaizen_worker.pipeline.findings.statement import Tested, identity
from kaizen_worker.types import Coded, Finding, Sample, Signals, Window


def find(sample: Sample, finders: Sequence[Callable[[Sample], Tested]]) -> Tested:
    """Test each settled insight again on the interactions after it was settled.

    Args:
        sample: With `settled`: insight id -> microseconds since the epoch.
        finders: Of everything that can get worse.
    """
    settled: Mapping[str, float] = sample.settled or {}
    findings: list[Finding] = []
    for start, ids in sorted(_starts(sample, settled).items()):
        later = since(sample, start)
        worse = [finding for find in finders for finding in find(later).findings]
        findings += [_say(finding, settled) for finding in worse if identity(finding.type, finding.subject) in ids]
    return Tested(tuple(findings), len(settled))


def _starts(sample: Sample, settled: Mapping[str, float]) -> dict[int, set[str]]:
    """First row after each settling -> the ids settled there, where enough came after."""
    starts: dict[int, set[str]] = {}
    for insight, time in settled.items():
        row = int(np.searchsorted(sample.window.occurred_at, time, side="right"))
        if len(sample.window) - row >= MIN_SUPPORT:
            starts.setdefault(row, set()).add(insight)
    return starts


def _say(finding: Finding, settled: Mapping[str, float]) -> Finding:
    insight = identity(finding.type, finding.subject)
    return replace(
        finding,
        type="regression",
        subject={**finding.subject, "insight": insight},
        description=f"Settled at {moment(int(settled[insight]))}, and worse again since: {finding.description}",
        recommendation=f"Look at what changed after it was settled, and renew the fix. {finding.recommendation}",
    )


def since(sample: Sample, row: int) -> Sample:
    """The sample from that row on; texts and names stay as they are."""
    signals = sample.signals
    return replace(
        sample,
        window=_later(sample.window, row),
        topic=sample.topic[row:],
        signals=Signals(
            {name: flag[row:] for name, flag in signals.flags.items()},
            signals.failure[row:],
            signals.critics,
            signals.weights,
        ),
        born=frozenset(),
        settled=None,
    )


def _later(window: Window, row: int) -> Window:
    return replace(
        window,
        ids=window.ids[row:],
        occurred_at=window.occurred_at[row:],
        text=window.text[row:],
        session=_cut(window.session, row),
        user=_cut(window.user, row),
        response_time=window.response_time[row:],
        error=_cut(window.error, row),
        feedback=window.feedback[row:],
        level=window.level[row:],
        accepted=window.accepted[row:],
        critics={name: score[row:] for name, score in window.critics.items()},
        answers={sign: flag[row:] for sign, flag in window.answers.items()},
        model=_cut(window.model, row),
        tool=_cut(window.tool, row),
        entry_ids=window.entry_ids[row:],
    )


def _cut(column: Coded, row: int) -> Coded:
    return Coded(column.codes[row:], column.names)

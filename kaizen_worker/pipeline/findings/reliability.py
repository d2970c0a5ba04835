"""reliability: the error rate is over its threshold, overall or in one topic; so is the share of empty answers.

An answer that says nothing counts by the same threshold as an error. Where the interaction has an error as well, that
says why, and only the error is told.
"""

from dataclasses import replace

import numpy as np

from kaizen_worker.pipeline.findings.rates import Rate, rates
from kaizen_worker.pipeline.findings.statement import Tested, basis, percent, percents
from kaizen_worker.types import Coded, Finding, Sample


def find(sample: Sample) -> Tested:
    """Compare the shares of errors and of empty answers with the threshold, and each topic with the rest."""
    failed, limit = sample.window.error.codes >= 0, sample.thresholds.error_rate
    errors, hypotheses = rates(sample, failed, np.ones_like(failed), limit=limit)
    empty = sample.signals.flags["empty"] & ~failed
    hollow, more = rates(sample, empty, (sample.window.answers["given"] & ~failed) | empty, limit=limit)
    spoken = (*(_say(sample, rate) for rate in errors), *(_say_empty(sample, rate) for rate in hollow))
    return Tested(spoken, hypotheses + more)


def _say(sample: Sample, rate: Rate) -> Finding:
    rows, limit, error = rate.group.rows, sample.thresholds.error_rate, sample.window.error
    commonest, half = _commonest(error, rate)
    name = error.names[commonest]
    return rate.finding(
        sample,
        "reliability",
        description=(
            f"The error rate {rate.group.where} is {percents(rate.rate)},{rate.against} over the limit of "
            f"{percent(limit)}: {len(rate.hits)} errors in {basis(sample, rows)}, "
            f"{'mostly' if half else 'most often'} {name}."
        ),
        recommendation=_advice(rate),
        clarity=sample.signals.failure + (error.codes == commonest),
    )


def _commonest(error: Coded, rate: Rate) -> tuple[int, bool]:
    """Code of the commonest error, the first by name of equals, and whether more than half are of it."""
    counts = np.bincount(error.codes[rate.hits], minlength=len(error.names))
    code = min(range(len(counts)), key=lambda code: (-counts[code], error.names[code]))
    return code, bool(2 * counts[code] > len(rate.hits))


def _advice(rate: Rate) -> str:
    if rate.group.is_all:
        return "Errors are spread over all topics: check the service itself, its limits and its last change first."
    return (
        f"Replay the evidence of '{rate.group.name}' and fix what fails: the tool, the data source or the time-out "
        "that only this topic needs."
    )


def _say_empty(sample: Sample, rate: Rate) -> Finding:
    rows, limit = rate.group.rows, sample.thresholds.error_rate
    found = rate.finding(
        sample,
        "reliability",
        description=(
            f"Answers are empty in {percents(rate.rate)} of the cases {rate.group.where},{rate.against} over the limit "
            f"of {percent(limit)}: {len(rate.hits)} answers that say nothing in {basis(sample, rows)}."
        ),
        recommendation=_advice_empty(rate),
    )
    return replace(found, subject={**found.subject, "answer": "empty"})


def _advice_empty(rate: Rate) -> str:
    if rate.group.is_all:
        return (
            "Look at what the model returns before it is shown: a content filter, a limit on tokens or a stream that "
            "breaks off leaves nothing. If it is only the log that lacks the answers, leave `response` out."
        )
    return (
        f"Replay the evidence of '{rate.group.name}' and see where the text is lost: a content filter, a limit on "
        "tokens, or a tool whose result is never put into words."
    )

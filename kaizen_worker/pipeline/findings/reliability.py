"""reliability: the error rate is over its threshold, overall or in one topic."""

import numpy as np

from kaizen_worker.pipeline.findings.rates import Rate, rates
from kaizen_worker.pipeline.findings.statement import Tested, basis, clearest, percent, percents, persons, strength
from kaizen_worker.types import Finding, Sample


def find(sample: Sample) -> Tested:
    """Compare the share of interactions that end in an error with the threshold, and each topic with the rest."""
    failed = sample.window.error.codes >= 0
    found, hypotheses = rates(sample, failed, np.ones_like(failed), limit=sample.thresholds.error_rate)
    return Tested(tuple(_say(sample, rate) for rate in found), hypotheses)


def _say(sample: Sample, rate: Rate) -> Finding:
    rows, limit = rate.group.rows, sample.thresholds.error_rate
    return Finding(
        type="reliability",
        subject=rate.group.subject,
        description=(
            f"The error rate {rate.group.where} is {percents(rate.rate)},{rate.against} over the limit of "
            f"{percent(limit)}: {len(rate.hits)} errors in {basis(sample, rows)}, {_commonest(sample, rate)}."
        ),
        recommendation=_advice(rate),
        p_value=rate.p_value,
        effect=rate.effect,
        strength=strength(rate.effect.estimate * len(rows) / len(sample.window)),
        evidence=clearest(sample, rate.hits, sample.signals.failure[rate.hits]),
        support=len(rows),
        users=persons(sample, rows),
    )


def _commonest(sample: Sample, rate: Rate) -> str:
    error = sample.window.error
    counts = np.bincount(error.codes[rate.hits], minlength=len(error.names))
    count, name = min(zip(-counts, error.names, strict=True))
    return f"mostly {name}" if -2 * count > len(rate.hits) else f"most often {name}"


def _advice(rate: Rate) -> str:
    if rate.group.is_all:
        return "Errors are spread over all topics: check the service itself, its limits and its last change first."
    return (
        f"Replay the evidence of '{rate.group.name}' and fix what fails: the tool, the data source or the time-out "
        "that only this topic needs."
    )

"""clarity: the assistant asks back more often than it may, overall or in one topic."""

from kaizen_worker.pipeline.findings.rates import Rate, rates
from kaizen_worker.pipeline.findings.statement import Tested, basis, percent, percents
from kaizen_worker.types import Finding, Flags, Sample

LIMIT = 0.10
"""One answer in ten may ask back: some questions are unclear. More often, the question is not at fault."""


def find(sample: Sample) -> Tested:
    """Compare the share of answers that ask back with the limit, and each topic with the rest."""
    found, hypotheses = rates(sample, sample.signals.flags["clarification"], _answered(sample), limit=LIMIT)
    return Tested(tuple(_say(sample, rate) for rate in found), hypotheses)


def _answered(sample: Sample) -> Flags:
    """Questions whose answer is in the log, (n,)."""
    return sample.window.answers["given"] & ~sample.signals.flags["follow_up"]


def _say(sample: Sample, rate: Rate) -> Finding:
    rows = rate.group.rows
    return rate.finding(
        sample,
        "clarity",
        description=(
            f"The assistant asks back in {percents(rate.rate)} of the answers {rate.group.where},{rate.against} over "
            f"the limit of {percent(LIMIT)}: {len(rate.hits)} clarification requests in {basis(sample, rows)}."
        ),
        recommendation=_advice(rate),
    )


def _advice(rate: Rate) -> str:
    if rate.group.is_all:
        return "Let the assistant answer the likeliest reading first and offer the others, instead of asking back."
    return (
        f"Say what people mean in '{rate.group.name}': an entry that names the usual readings and answers "
        "each of them makes most of this asking back needless."
    )

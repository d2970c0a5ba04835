"""effectiveness: users repeat, rephrase or reject, so the answer did not help, overall or in one topic."""

import numpy as np

from kaizen_worker.pipeline.findings.rates import Rate, rates
from kaizen_worker.pipeline.findings.statement import Tested, basis, percent, percents
from kaizen_worker.types import Finding, Flags, Sample

LIMIT = 0.15
"""About one answer in seven is followed by the question in other words even where it helped: people refine."""

SIGNS = ("rephrase", "repeat", "negation")
"""What users do when an answer did not help."""


def find(sample: Sample) -> Tested:
    """Compare the share of questions that are asked again or rejected with the limit, and each topic with the rest.

    Only interactions of a session or a user count, because nothing can follow the others.
    """
    window, flags = sample.window, sample.signals.flags
    again: Flags = np.logical_or.reduce([flags[sign] for sign in SIGNS])
    usable = ((window.session.codes >= 0) | (window.user.codes >= 0)) & ~flags["follow_up"]
    found, hypotheses = rates(sample, again, usable, limit=LIMIT)
    return Tested(tuple(_say(sample, rate) for rate in found), hypotheses)


def _say(sample: Sample, rate: Rate) -> Finding:
    rows = rate.group.rows
    return rate.finding(
        sample,
        "effectiveness",
        description=(
            f"Users ask again or reject the answer in {percents(rate.rate)} of the questions {rate.group.where},"
            f"{rate.against} over the limit of {percent(LIMIT)}: {_split(sample, rate)} in {basis(sample, rows)}."
        ),
        recommendation=_advice(rate),
    )


def _split(sample: Sample, rate: Rate) -> str:
    words = {"rephrase": "rephrased", "repeat": "repeated", "negation": "rejected"}
    counts = [(int(sample.signals.flags[sign][rate.hits].sum()), word) for sign, word in words.items()]
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _advice(rate: Rate) -> str:
    if rate.group.is_all:
        return "Answers miss the question everywhere: review the prompt and what retrieval hands to the model."
    return (
        f"Read what users of '{rate.group.name}' wrote next: it says what the answer lacked. Add that to the knowledge "
        "base; the next analyses show whether they stop asking again."
    )

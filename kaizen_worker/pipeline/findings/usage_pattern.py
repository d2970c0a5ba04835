"""usage_pattern: a kind of request that dominates overall.

The kind is a matter of the wording, so one wording asked a hundred times is one witness, as one person is. And so is a
topic, in part: that questions lie with questions is how topics are found and no news, so topics are not compared.
"""

import numpy as np

from kaizen_worker.pipeline.findings.groups import everything
from kaizen_worker.pipeline.findings.independence import Rows, units
from kaizen_worker.pipeline.findings.intervals import beyond
from kaizen_worker.pipeline.findings.rates import Count, count
from kaizen_worker.pipeline.findings.statement import (
    NEWS,
    WORTH,
    Tested,
    basis,
    clearest,
    percents,
    persons,
    strength,
)
from kaizen_worker.types import Finding, Flags, Sample

DOMINANT = 0.5
"""A kind dominates when it is more than half of all requests."""

ADVICE = {
    "analysis": "bring a text or a figure to work on: test long inputs and show the steps of the result.",
    "command": "want something done: connect the tools that do it, and confirm what was done.",
    "creation": "want something made: offer templates, and keep what users settled on as examples.",
    "follow_up": "lean on the turn before: keep enough of the conversation in the context.",
    "question": "ask: coverage of the knowledge base decides on quality, so look at the gaps first.",
    "statement": "only state something: ask back for the aim, or act on the statement by default.",
}
"""What a dominant kind means for the assistant: most requests do so."""


def find(sample: Sample) -> Tested:
    """Test each kind's share of the questions against a half."""
    whole = everything(sample, ~sample.signals.flags["follow_up"])
    if sample.kinds is None or whole is None:
        return Tested((), 0)
    kinds = sample.kinds.codes[sample.window.text]
    found = [_find(sample, whole.rows, kinds == code, kind) for code, kind in enumerate(sample.kinds.names)]
    return Tested(tuple(one for one in found if one is not None), len(sample.kinds.names))


def _find(sample: Sample, rows: Rows, event: Flags, kind: str) -> Finding | None:
    """The kind dominates these rows, as far as both persons and wordings are witnesses."""
    hits = rows[event[rows]]
    if len(hits) <= DOMINANT * len(rows):
        return None
    share = max((count(event, unit, rows) for unit in (units(sample.window), sample.window.text)), key=_design)
    p_value = share.over(DOMINANT)
    if p_value > WORTH:
        return None
    return Finding(
        type="usage_pattern",
        subject={"kind": kind},
        description=(
            f"{percents(share.rate)} of the requests overall are of the kind '{kind}': "
            f"{len(hits)} of {basis(sample, rows)}."
        ),
        recommendation=f"Most requests {ADVICE[kind]}",
        p_value=p_value,
        effect=beyond(share.rate, DOMINANT),
        strength=NEWS * strength((share.rate.estimate - DOMINANT) * len(rows) / len(sample.window)),
        evidence=clearest(sample, hits, sample.window.occurred_at[hits].astype(np.float64)),
        support=len(rows),
        users=persons(sample, rows),
    )


def _design(share: Count) -> float:
    return share.design

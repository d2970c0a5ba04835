"""How many searches one person's questions may drive: a few accounts that ask for ever new things empty no quota.

A gap that no more than `CROWD` people ask about is charged to each of them, once a day (UTC). It is searched as long as
`MIN_PEOPLE` of them have driven less than `A_DAY` gaps that day, else on another day; the most pressing come first. A
person is a user, or a conversation where the log names no user. Repeating an analysis charges nothing twice.
"""

from collections.abc import Sequence

import numpy as np

from kaizen_api import voices
from kaizen_api.schema import Gap
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.pipeline.gaps import MIN_PEOPLE
from kaizen_worker.types import Sample

CROWD = 20
"""People up to which a gap is one of few: more are not one attacker's accounts, or he may have what he wants."""

_DAY = 86_400_000_000  # µs


def charge(tenant: Tenant, sample: Sample, gaps: Sequence[Gap], *, at: int) -> frozenset[str]:
    """Charge the gaps that are about to be searched to the people who ask.

    Args:
        tenant: Whose gaps.
        sample: The window that they were found in.
        gaps: Those that would be searched now, the most pressing first.
        at: When, us since the epoch.

    Returns:
        The ids of those that are not to be searched today.
    """
    asking = {gap.id: people(sample, gap.topic or "") for gap in gaps}
    few = {gap: names for gap, names in asking.items() if len(names) <= CROWD}
    return voices.charge(tenant.redis, tenant.name, few, day=at // _DAY, least=MIN_PEOPLE)


def people(sample: Sample, topic: str) -> list[str]:
    """Who asks about a topic, each once, sorted: names that stay the same from one analysis to the next."""
    if topic not in sample.topic_ids:
        return []
    questions = (sample.topic == sample.topic_ids.index(topic)) & ~sample.signals.flags["follow_up"]
    return sorted({_name(sample, row) for row in np.flatnonzero(questions).tolist()})


def _name(sample: Sample, row: int) -> str:
    window = sample.window
    for kind, who in (("u", window.user), ("s", window.session)):
        if who.codes[row] >= 0:
            return f"{kind}:{who.names[who.codes[row]]}"
    return f"i:{window.ids[row]}"

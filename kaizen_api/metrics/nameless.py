"""Metrics for whoever has no key: a count of one tenant, or a breaker named `tenant/source`, would tell who they are.

Guarantee: no label keeps the tenant's part; of the tenants' breakers of one source, changes are summed, and the worst
state stands for all. No exemplar is left, for each is of one tenant.
"""

from collections import Counter
from dataclasses import replace

from kaizen_api.metrics.reading import State
from kaizen_api.metrics.table import OTHER, field, labels_of

_WORSE = ("closed", "half_open", "open")


def without_tenants(state: State) -> State:
    """The same state, breakers named by their source alone."""
    counts = Counter[str]()
    for series, count in state.counts.items():
        counts[_nameless(series)] += count
    breakers = dict[str, str]()
    for name, present in state.breakers.items():
        source = _source(name)
        breakers[source] = max(present, breakers.get(source, present), key=_WORSE.index)
    return replace(state, counts=counts, breakers=breakers, exemplars={})


def _nameless(series: str) -> str:
    family, labels = labels_of(series)
    if "tenant" in labels:
        return field(family, **{**labels, "tenant": OTHER})
    return field(family, **{**labels, "breaker": _source(labels["breaker"])}) if "breaker" in labels else series


def _source(name: str) -> str:
    return name.rpartition("/")[2]

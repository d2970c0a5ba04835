"""Kinds of request and their ratios, as the last analysis of a tenant counted them, and in total over several."""

from collections.abc import Iterable, Mapping

import msgspec

from kaizen_api.schema import Cycle


class Kind(msgspec.Struct, kw_only=True, frozen=True):
    """One kind of request."""

    kind: str  # question, creation, analysis, command, statement or follow_up
    interactions: int
    share: float  # 0..1


class Kinds(msgspec.Struct, kw_only=True, frozen=True):
    """All kinds of request of a window, the most frequent first."""

    interactions: int
    kinds: list[Kind]
    analysed_at: int = 0  # µs since the epoch: the analysis that counted them, of several the latest


def kinds_of(analyses: Iterable[Cycle]) -> Kinds:
    """The kinds of request that these analyses, each of another tenant, counted together."""
    known = [cycle for cycle in analyses if cycle.kinds]
    counts: dict[str, int] = {}
    for cycle in known:
        for kind, count in cycle.kinds.items():
            counts[kind] = counts.get(kind, 0) + count
    return _shares(counts, at=max((cycle.requested_at for cycle in known), default=0))


def _shares(counts: Mapping[str, int], *, at: int) -> Kinds:
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    kinds = [Kind(kind=kind, interactions=count, share=round(count / total, 6)) for kind, count in ordered if count]
    return Kinds(interactions=total, kinds=kinds, analysed_at=at)

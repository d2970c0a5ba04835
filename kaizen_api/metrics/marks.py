"""High-water marks: a counter never goes back while the counts go on.

When Redis is killed it may lose its last second. A counter that reads 990 after 1000 is a restart from zero to
Prometheus, which then sees an increase of 990 that never was. So each exporter keeps the highest value it has served
and serves that until the count has passed it; once Redis has been emptied a new epoch begins, and so do the marks.
"""

from collections.abc import Mapping

from kaizen_api.metrics.table import METRICS

_RISING = frozenset(
    name
    for metric in METRICS
    if metric.type in {"counter", "histogram"} or metric.name == "kaizen_gapfill_triggers"
    for name in (metric.name, f"{metric.name}_sum", f"{metric.name}_count")
)


class HighWater:
    """The marks of one exporter."""

    def __init__(self) -> None:
        self._epoch = ""
        self._marks: dict[str, int] = {}

    def rise(self, epoch: str, counts: Mapping[str, int]) -> dict[str, int]:
        """The counts, those that only rise lifted to the highest that was seen in this epoch."""
        if epoch != self._epoch:
            self._epoch, self._marks = epoch, {}
        for series, count in counts.items():
            if series.split("|", maxsplit=1)[0] in _RISING:
                self._marks[series] = max(count, self._marks.get(series, 0))
        # who is none of the busiest any more is counted among the others
        kept = {series: mark for series, mark in self._marks.items() if series in counts or not _of_tenant(series)}
        return {**counts, **kept}


def _of_tenant(series: str) -> bool:
    return series.startswith("kaizen_tenant_interactions|")

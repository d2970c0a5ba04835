"""High-water marks: a counter never goes back while the counts go on.

When Redis is killed it may lose its last second. A counter that reads 990 after 1000 is a restart from zero to
Prometheus, which then sees an increase of 990 that never was. So each exporter keeps the highest value it has served
and serves that until the count has passed it; once Redis has been emptied a new epoch begins, and so do the marks.
Where it has a file for them, they outlast the exporter too; without one, or on a disk that takes nothing, they do not.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from kaizen_api.metrics.table import METRICS

_RISING = frozenset(
    name
    for metric in METRICS
    if metric.type in {"counter", "histogram", "untyped"}
    for name in (metric.name, f"{metric.name}_sum", f"{metric.name}_count")
)


class _Kept(msgspec.Struct, frozen=True):
    epoch: str = ""
    marks: dict[str, int] = {}


class HighWater:
    """The marks of one exporter.

    Args:
        file: Where they outlast it.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        kept = self._load()
        self._epoch, self._marks = kept.epoch, dict(kept.marks)

    def rise(self, epoch: str, counts: Mapping[str, int]) -> dict[str, int]:
        """The counts, those that only rise lifted to the highest that was seen in this epoch."""
        if epoch != self._epoch:
            self._epoch, self._marks = epoch, {}
        for series, count in counts.items():
            if series.split("|", maxsplit=1)[0] in _RISING:
                self._marks[series] = max(count, self._marks.get(series, 0))
        self._save()
        # who is none of the busiest any more is counted among the others
        kept = {series: mark for series, mark in self._marks.items() if series in counts or not _of_tenant(series)}
        return {**counts, **kept}

    def _load(self) -> _Kept:
        if self._file is not None:
            with suppress(OSError, msgspec.DecodeError):
                return msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        return _Kept()

    def _save(self) -> None:
        """Whole or not at all; a crash of the machine may cost the last ones."""
        if self._file is None:
            return
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            new.write_bytes(msgspec.json.encode(_Kept(self._epoch, self._marks)))
            new.replace(self._file)


def _of_tenant(series: str) -> bool:
    return series.startswith("kaizen_tenant_interactions|")

"""Bursts: is there a stretch of time in which an event is more frequent than the traffic explains?

A scan over all stretches of a fixed grid of bins (Kulldorff 1997, for a known baseline), with the binomial tail of the
worst stretch multiplied by their number, so that nothing is simulated. Each person counts once in a bin.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from kaizen_worker.pipeline.findings.independence import Rows
from kaizen_worker.types import Codes, Flags

BINS = 24
"""Equal stretches into which the window is cut: an hour each of a day, seven hours each of a week."""

LONGEST = BINS // 3
"""Bins of the longest burst: what fills more than a third of the window is a state, not a burst."""

SHORTEST = 3_600_000_000
"""Microseconds of the shortest window that is scanned: a log without times is read within less."""

MIN_HITS = 10
"""Counts that make a burst."""


@dataclass(frozen=True, slots=True)
class Stretches:
    """Which stretches are compared, and what counts: first and last bin of each, (s,)."""

    first: Rows
    last: Rows
    times: float  # how many times its expected number a stretch must have

    @classmethod
    def short(cls) -> "Stretches":
        """Anywhere, up to a third of the window, twice what is expected: an event that comes and goes."""
        first, last = np.triu_indices(BINS)
        brief = last - first < LONGEST
        return cls(first[brief], last[brief], 2.0)

    @classmethod
    def late(cls) -> "Stretches":
        """From anywhere to the end: something that was not there before."""
        first = np.arange(1, BINS)
        return cls(first, np.full_like(first, BINS - 1), 1.5)


@dataclass(frozen=True, slots=True)
class Burst:
    """The stretch in which an event was most in excess."""

    start: int  # microseconds since the epoch
    stop: int
    hits: int  # persons, each once a bin
    total: int  # the same in the whole window
    base: float  # share of the traffic that lies in the stretch
    p_value: float
    rows: Rows  # of the event, in the stretch


@dataclass(frozen=True, slots=True)
class Clock:
    """The grid of a window, and its traffic."""

    bins: Codes  # (n,) 0..BINS-1
    traffic: Codes  # (BINS,) persons, each once a bin
    start: int
    width: float  # microseconds

    def inside(self, found: "Burst") -> Flags:
        """Rows (n,) of a stretch, whatever they are."""
        middle = self.start + (self.bins + 0.5) * self.width
        return (middle > found.start) & (middle < found.stop)


def clock(occurred_at: NDArray[np.int64], unit: Codes) -> Clock | None:
    """Cut the window's time into bins; None where it is too short for any, as that of a log without times."""
    if len(occurred_at) == 0 or occurred_at[-1] - occurred_at[0] < SHORTEST:
        return None
    start, width = int(occurred_at[0]), (int(occurred_at[-1]) - int(occurred_at[0])) / BINS
    bins = np.minimum((occurred_at - start) / width, BINS - 1).astype(np.int32)
    return Clock(bins, _persons(bins, unit), start, width)


def burst(grid: Clock, event: Flags, unit: Codes, stretches: Stretches) -> Burst | None:
    """The most unlikely stretch of an event (n,), or None where no stretch has enough of it."""
    rows = np.flatnonzero(event)
    counts = _persons(grid.bins[rows], unit[rows])
    total, first, last = int(counts.sum()), stretches.first, stretches.last
    hits, base = _sums(counts, first, last), _sums(grid.traffic, first, last) / grid.traffic.sum()
    able = (hits >= MIN_HITS) & (hits >= stretches.times * total * base)
    if not able.any():
        return None
    tails = np.where(able, betainc(np.maximum(hits, 1), total - hits + 1, base), 1.0)
    worst = int(tails.argmin())
    inside = rows[(grid.bins[rows] >= first[worst]) & (grid.bins[rows] <= last[worst])]
    return Burst(
        start=int(grid.start + first[worst] * grid.width),
        stop=int(grid.start + (last[worst] + 1) * grid.width),
        hits=int(hits[worst]),
        total=total,
        base=float(base[worst]),
        p_value=float(min(1.0, tails[worst] * len(first))),
        rows=inside,
    )


def _sums(counts: Codes, first: Rows, last: Rows) -> Rows:
    running = np.concatenate(([0], np.cumsum(counts)))
    return running[last + 1] - running[first]


def _persons(bins: Codes, unit: Codes) -> Codes:
    pairs = np.unique(np.column_stack((bins, unit)), axis=0)
    return np.bincount(pairs[:, 0], minlength=BINS).astype(np.int32)


def moment(microseconds: int) -> str:
    """A time as people read it: "2026-03-01 14:00 UTC"."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")

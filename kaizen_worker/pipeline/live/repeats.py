"""One person counts once: who asks the same again is no further witness, and no further trial either.

The rule is the same in a window and while interactions arrive, whatever batches they come in.
"""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.types import Flags

WITHIN = 4096
"""Interactions to look back for the same person with the same topic, or with the same words where there is none."""

_SEPARATE = 0x9E3779B9  # so that a pair is not the text that both make together

Marks = NDArray[np.uint32]


def mark(text: str, after: int = 0) -> int:
    """A short name of a text, or of the pair of what has the short name `after` and it; the same in every process."""
    return crc32(text.encode(), after ^ _SEPARATE)


def marks(values: Sequence[int]) -> Marks:
    """Short names as a column."""
    return np.array(values, np.uint32)


def repeated(pairs: NDArray[np.generic], places: NDArray[np.intp] | None = None) -> Flags:
    """Whether each pair (n,) stands among the `WITHIN` before it; its place is its number, unless another is given."""
    order = np.argsort(pairs, kind="stable")
    at = order if places is None else places[order]
    again = np.zeros(len(pairs), np.bool_)
    again[order[1:][(pairs[order][1:] == pairs[order][:-1]) & (np.diff(at) <= WITHIN)]] = True
    return again


def follow(ring: Marks, pairs: Marks) -> tuple[Flags, Marks]:
    """Which of the pairs (n,) are repeated after those of the ring, and the ring that follows."""
    met = np.flatnonzero(np.isin(ring, pairs))
    places = np.concatenate((met, len(ring) + np.arange(len(pairs))))
    again = repeated(np.concatenate((ring[met], pairs)), places)[len(met) :]
    return again, np.concatenate((ring, pairs))[-WITHIN:]

"""Bottom-k: of things that may come often, those with the lowest hashes.

They are a fair sample of the distinct ones, and how low they lie tells how many there are (Bar-Yossef et al. 2002;
Beyer et al. 2007). The lowest of the lowest of parts are the lowest of the whole.
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

KEPT = 1024
"""Hashes kept to count with: fewer distinct things are counted exactly, more with a standard error of 3.2 %."""


def hashes(names: Iterable[str]) -> Hashes:
    """Give a random number for each of m names, (m,) uint64, the same everywhere and always: BLAKE2b."""
    digests = b"".join(blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def lowest(drawn: Hashes) -> Hashes:
    """Give the `KEPT` lowest distinct hashes, ascending."""
    return np.unique(drawn)[:KEPT]


def distinct(kept: Hashes) -> int:
    """Tell how many distinct ones there were of which these are the `lowest`.

    The unbiased estimate (k - 1) / U of Beyer et al., U the k-th lowest as a share of all hashes; its relative standard
    error is at most 1 / sqrt(k - 2).
    """
    if len(kept) < KEPT:
        return len(kept)
    return max(KEPT, round((KEPT - 1) * 2**64 / (int(kept[-1]) + 1)))

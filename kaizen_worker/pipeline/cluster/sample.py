"""Which texts are compared with each other, and how they are halved: by a hash of the text, nothing else.

So a text that is in the sample today is in it tomorrow, whatever came before, beside or after it, and two windows that
share most texts have most of their samples in common. Samples of parts, put together and drawn again, are the sample of
the whole.
"""

from collections.abc import Sequence
from hashlib import blake2b
from sys import byteorder

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


def hashes(texts: Sequence[str], *, seed: int) -> Hashes:
    """Give a random number for each of u texts, (u,) uint64: BLAKE2b keyed with the seed."""
    key = seed.to_bytes(8, "big", signed=True)
    digests = (blake2b(text.encode(), digest_size=8, key=key).digest() for text in texts)
    return np.fromiter((int.from_bytes(digest, byteorder) for digest in digests), np.uint64, len(texts))


def draw(drawn: Hashes, size: int) -> NDArray[np.int64]:
    """Give the places, ascending, of the `size` texts with the lowest hashes (bottom-k, Cohen and Kaplan 2007)."""
    return np.sort(np.argsort(drawn, kind="stable")[:size])


def halves(drawn: Hashes, split: int) -> NDArray[np.bool_]:
    """Tell which texts (u,) are in the first half of halving number `split`, 0..63: one bit of the hash."""
    return np.asarray((drawn >> np.uint64(split)) & np.uint64(1), dtype=np.bool_)


def reshuffled(drawn: Hashes, times: int) -> Hashes:
    """Give other random numbers (u,), one set a number: an order of the texts that one text more leaves as it is.

    The finaliser of SplitMix64 (Steele et al. 2014); different hashes stay different.
    """
    mixed = drawn + np.uint64((times + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)

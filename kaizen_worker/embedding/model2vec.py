"""Any static model that was saved to a folder by model2vec: as fast as the built-in one, in more languages."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kaizen_worker.embedding.embedder import settle
from kaizen_worker.embedding.parts import folder_digest, package, reading
from kaizen_worker.types import Vectors

EXTRA = "model2vec"


class Model2Vec:
    """A model of the library of that name.

    Args:
        folder: Where `StaticModel.save_pretrained(folder)` left it. Nothing is downloaded.

    Raises:
        Unavailable: The extra is not installed, or the folder holds no model.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._package = package("model2vec", extra=EXTRA)
        self.name = f"model2vec-{folder_digest(self._folder)}-1"

    @cached_property
    def dimension(self) -> int:
        """Length of the model's vectors."""
        return int(self._model.dim)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One text at a time: the library cuts tokens by the median length of a batch's words."""
        rows = np.empty((len(texts), self.dimension), dtype=np.float64)
        for row, text in enumerate(texts):
            rows[row] = self._model.encode(text)
        return settle(rows)

    @cached_property
    def _model(self) -> Any:
        with reading(self._folder):
            return self._package.StaticModel.from_pretrained(self._folder)

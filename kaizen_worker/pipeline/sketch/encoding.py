"""A sketch as bytes, a few kilobytes: a version byte, then MessagePack.

The same sketch has the same bytes on every machine. What is decoded may come from anywhere: only what `encode` could
have written is taken, so that merging it keeps its laws.
"""

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from kaizen_api.errors import Invalid
from kaizen_worker.pipeline.sketch.distinct import KEPT
from kaizen_worker.pipeline.sketch.sketch import EMPTY, EXEMPLARS, FINEST, LENGTH, MILLION, MOST, OUTCOMES, Sketch
from kaizen_worker.pipeline.sketch.times import BINS

VERSION = b"\x01"

_Count = Annotated[int, Meta(ge=0, le=MOST)]


class _Stored(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """The fields of `Sketch` in its order; bins that are 0 are left out."""

    interactions: _Count
    questions: _Count
    failure: Annotated[int, Meta(ge=0, le=MOST * MILLION)]
    first: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    last: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    outcomes: Annotated[list[_Count], Meta(min_length=len(OUTCOMES), max_length=len(OUTCOMES))]
    response_times: dict[Annotated[int, Meta(ge=0, lt=BINS)], _Count]
    total: bytes
    askers: Annotated[bytes, Meta(max_length=8 * KEPT)]
    exemplars: Annotated[
        list[tuple[Annotated[int, Meta(ge=0)], Annotated[str, Meta(max_length=LENGTH)]]], Meta(max_length=EXEMPLARS)
    ]


_DECODER = msgspec.msgpack.Decoder(_Stored)


def encode(sketch: Sketch) -> bytes:
    """Give the bytes of a sketch: 8 d, 8 for each asker kept, and some 2 kB for times and exemplars."""
    bins = np.flatnonzero(sketch.response_times)
    stored = _Stored(
        interactions=sketch.interactions,
        questions=sketch.questions,
        failure=sketch.failure,
        first=sketch.first,
        last=sketch.last,
        outcomes=sketch.outcomes.tolist(),
        response_times=dict(zip(bins.tolist(), sketch.response_times[bins].tolist(), strict=True)),
        total=sketch.total.astype("<f8").tobytes(),
        askers=sketch.askers.astype("<u8").tobytes(),
        exemplars=list(sketch.exemplars),
    )
    return VERSION + msgspec.msgpack.encode(stored)


def decode(encoded: bytes, *, dimension: int) -> Sketch:
    """Give the sketch back that was encoded.

    Args:
        encoded: From `encode`, or from a stranger.
        dimension: d of the vectors that are summed.

    Raises:
        Invalid: no sketch with such vectors has these bytes.
    """
    if encoded[:1] != VERSION:
        raise Invalid(f"no sketch of version {VERSION[0]}")
    try:
        stored = _DECODER.decode(encoded[1:])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"no sketch: {error}") from error
    if len(stored.total) != 8 * (dimension if stored.interactions else 0) or len(stored.askers) % 8:
        raise Invalid(f"no sketch of vectors of {dimension} dimensions")
    sketch = _sketch(stored)
    if not _possible(sketch) or encode(sketch) != encoded:
        raise Invalid("no sketch: its numbers contradict each other")
    return sketch


def _sketch(stored: _Stored) -> Sketch:
    times = EMPTY.response_times.copy()
    times[list(stored.response_times)] = list(stored.response_times.values())
    return Sketch(
        interactions=stored.interactions,
        questions=stored.questions,
        failure=stored.failure,
        first=stored.first,
        last=stored.last,
        outcomes=np.array(stored.outcomes, np.int64),
        response_times=times,
        total=np.frombuffer(stored.total, "<f8").astype(np.float64) + 0.0,  # no sum is a negative zero
        askers=np.frombuffer(stored.askers, "<u8").astype(np.uint64),
        exemplars=tuple(stored.exemplars),
    )


def _possible(sketch: Sketch) -> bool:
    """Whether some interactions add up to it; where there are none, whether it is the empty one."""
    most, steps = sketch.interactions, sketch.total / FINEST
    if not most:
        return encode(sketch) == encode(EMPTY)
    return bool(
        sketch.questions <= most
        and sketch.failure <= most * MILLION
        and sketch.first <= sketch.last
        and sketch.outcomes.max() <= most
        and sketch.response_times.sum() <= most
        and (np.abs(sketch.total) <= sketch.questions).all()
        and (steps == np.rint(steps)).all()
        and 1 <= len(sketch.askers) <= most
        and (sketch.askers[:-1] < sketch.askers[1:]).all()
        and len(sketch.exemplars) <= sketch.questions
        and bool(sketch.exemplars) == bool(sketch.questions)
        and all(one < other for one, other in zip(sketch.exemplars, sketch.exemplars[1:], strict=False))
    )

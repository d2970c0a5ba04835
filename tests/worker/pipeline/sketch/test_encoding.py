from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_api.errors import Invalid
from kaizen_worker.pipeline.sketch import EMPTY, OUTCOMES, decode, encode, merge
from kaizen_worker.pipeline.sketch.distinct import KEPT
from kaizen_worker.pipeline.sketch.sketch import EXEMPLARS, LENGTH, MOST
from kaizen_worker.pipeline.sketch.times import BINS


def test_what_was_encoded_comes_back(known):
    for sketch in (*known, EMPTY):
        again = decode(encode(sketch), dimension=16)
        assert encode(merge([again, sketch])) == encode(merge([sketch, sketch]))
        assert again.signs() == sketch.signs()
        assert encode(again) == encode(sketch)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("questions", lambda one: one.interactions + 1),
        ("failure", lambda one: one.interactions * 1_000_000 + 1),
        ("first", lambda one: one.last + 1),
        ("outcomes", lambda one: np.full(len(OUTCOMES), one.interactions + 1)),
        ("response_times", lambda one: one.response_times + one.interactions),
        ("total", lambda one: np.full(16, one.questions + 1.0)),
        ("askers", lambda one: one.askers[::-1]),
        ("exemplars", lambda one: one.exemplars[::-1]),
        ("interactions", lambda _: -1),
        ("interactions", lambda _: 0),
        ("interactions", lambda _: MOST + 1),
        ("failure", lambda _: -1),
        ("outcomes", lambda one: one.outcomes[1:]),
        ("outcomes", lambda one: one.outcomes - one.outcomes.max() - 1),
        ("total", lambda one: one.total[1:]),
        ("total", lambda one: one.total + 2.0**-25),
        ("total", lambda _: np.full(16, np.nan)),
        ("total", lambda _: np.full(16, np.inf)),
        ("total", lambda _: np.full(16, -0.0)),
        ("askers", lambda one: one.askers[:0]),
        ("askers", lambda _: np.arange(KEPT + 1, dtype=np.uint64)),
        ("askers", lambda _: np.zeros(2, np.uint64)),
        ("exemplars", lambda _: ()),
        ("exemplars", lambda one: one.exemplars[:1] * 2),
        ("exemplars", lambda _: tuple((n, "x") for n in range(EXEMPLARS + 1))),
        ("exemplars", lambda _: ((1, "x" * (LENGTH + 1)),)),
    ],
)
def test_what_no_interactions_add_up_to_is_refused(known, field, wrong):
    with pytest.raises(Invalid, match="no sketch"):
        decode(encode(replace(known[0], **{field: wrong(known[0])})), dimension=16)


def test_more_exemplars_than_questions_are_refused(known):
    with pytest.raises(Invalid, match="no sketch"):
        decode(encode(replace(known[0], questions=1, total=np.zeros(16))), dimension=16)


def test_no_interactions_add_up_to_nothing_else(known):
    for changed in ({"failure": 1}, {"questions": 1}, {"last": 1}, {"askers": known[0].askers}):
        with pytest.raises(Invalid, match="no sketch"):
            decode(encode(replace(EMPTY, **changed)), dimension=16)


def test_a_hash_that_is_cut_is_refused(known):
    fields = msgspec.msgpack.decode(encode(known[0])[1:], strict=False)
    fields[8] = fields[8][:-1]
    with pytest.raises(Invalid, match="no sketch"):
        decode(b"\x01" + msgspec.msgpack.encode(fields), dimension=16)


@pytest.mark.parametrize("bins", [{BINS: 1}, {-1: 1}, {3: 0}])
def test_bins_that_cannot_be_are_refused(known, bins):
    fields = msgspec.msgpack.decode(encode(known[0])[1:], strict=False)
    fields[6] = bins
    with pytest.raises(Invalid, match="no sketch"):
        decode(b"\x01" + msgspec.msgpack.encode(fields), dimension=16)


def test_another_version_another_dimension_and_too_much_or_too_little_are_refused(known):
    content = encode(known[0])
    longer = msgspec.msgpack.encode([*msgspec.msgpack.decode(content[1:], strict=False), 1])
    for wrong in (b"", b"\x02" + content[1:], content + b"\x00", content[:-1], b"\x01" + longer):
        with pytest.raises(Invalid, match="no sketch"):
            decode(wrong, dimension=16)
    with pytest.raises(Invalid, match="17 dimensions"):
        decode(content, dimension=17)


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
@settings(max_examples=500, deadline=None)
def test_a_changed_byte_is_refused_or_gives_another_sketch(known, place, change):
    content = bytearray(encode(known[0]))
    content[int(place * len(content))] ^= change
    try:
        sketch = decode(bytes(content), dimension=16)
    except Invalid:
        return
    assert encode(sketch) == bytes(content)
    assert encode(merge([sketch, known[0]])) == encode(merge([known[0], sketch]))

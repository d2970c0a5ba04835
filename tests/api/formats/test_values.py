"""Records cut out of JSON text, whatever the chunks."""

import io
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_api.formats import Refused, values
from kaizen_api.formats.source import MAX_RECORD_BYTES, Source

TEXT = st.text(st.characters(codec="utf-8"), max_size=8) | st.text('{}[]",:\\\n é', max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
RECORDS = st.lists(st.dictionaries(TEXT, JSON, max_size=4), max_size=5)


def cut(log: bytes, chunk: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "CHUNK_BYTES", chunk)
        return list(values.values(Source(io.BytesIO(log), name="log")))


@given(RECORDS, st.sampled_from([None, 0, 2]), st.booleans(), st.booleans(), st.integers(1, 40))
def test_an_array_comes_apart_at_its_elements(records, indent, ascii_only, marked, chunk):
    log = (b"\xef\xbb\xbf" if marked else b"") + json.dumps(records, indent=indent, ensure_ascii=ascii_only).encode()
    pieces = cut(log, max(chunk, 3))
    assert [msgspec.json.decode(piece.data) for piece in pieces] == records
    assert [piece.index for piece in pieces] == list(range(len(records)))
    assert all(log[piece.start : piece.end] == piece.data for piece in pieces)
    assert [piece.line for piece in pieces] == [log[: piece.start].count(b"\n") + 1 for piece in pieces]


@given(RECORDS, st.sampled_from([None, 2]), st.sampled_from(["", " ", "\n", ",\n"]), st.integers(1, 40))
def test_objects_side_by_side_come_apart(records, indent, between, chunk):
    log = between.join(json.dumps(record, indent=indent) for record in records).encode()
    assert [msgspec.json.decode(piece.data) for piece in cut(log, chunk)] == records


def test_a_bad_element_is_refused_alone(outcome):
    log = '[{"query": "a"}, {query: "b"}, {"query": NaN},\n{"query": "c",}, 7, ["x"], "text", {"query": "d"}\n]'
    assert [item if isinstance(item, str) else item[0] for item in outcome(log)] == ["a", 1, 1, 2, 2, 2, 2, "d"]


def test_the_place_names_the_element(reads):
    items = reads('[{"query": "a"}, {"query": 5},\n {"query": "b"}]')
    assert [item.place for item in items] == ["log:1[0]", "log:1[1]", "log:2[2]"]
    assert items[1].value == Refused("log:1[1]", "`query`: expected `str`, got `int`; give the text that was asked")


def test_an_array_in_the_array_is_no_record_wherever_reading_starts(outcome, reads):
    log = '[{"query": "a"}, [{"query": "b"}], {"query": "c"}]'
    assert [item if isinstance(item, str) else item[0] for item in outcome(log)] == ["a", 1, "c"]
    offset = reads(log)[0].offset
    assert [item if isinstance(item, str) else item[0] for item in outcome(log, start=offset)] == [1, "c"]


def test_mismatched_brackets_spoil_their_own_element(outcome):
    log = '[{"query": "a", "metadata": {"x": [1}}, {"query": "b"}, {"query": "c", "entry_ids": ["y"}, {"query": "d"}]'
    assert [item if isinstance(item, str) else item[0] for item in outcome(log)] == [1, "b", 1, "d"]


def test_after_a_bracket_that_is_never_closed_single_lines_are_read(outcome):
    log = '[\n{"query": "a"},\n{"query": {"b": 1},\n{"query": "c"},\n{"query":\n"d"},\n{"query": "e"}]\n'
    first, (line, reason), *rest = outcome(log)
    assert (first, line, rest) == ("a", 3, ["c", "e"])
    assert "a bracket is not closed" in reason


def test_single_lines_far_behind_are_read_too(outcome):
    log = '[\n{"query": {"b": 1},\n' + ",\n".join(json.dumps({"query": f"q{number}"}) for number in range(9000)) + "\n]"
    assert outcome(log)[1:] == [f"q{number}" for number in range(9000)]


def test_an_array_that_breaks_off_gives_what_came_before(outcome):
    *good, (line, reason) = outcome('[{"query": "a"},\n{"query": "b"},\n{"query": "c')
    assert (good, line) == (["a", "b"], 3)
    assert "not closed" in reason


def test_an_element_too_long_is_passed_over_unheld(outcome):
    long = json.dumps({"query": "x" * MAX_RECORD_BYTES})
    good, (line, reason), last = outcome(f'[{{"query": "a"}},\n{long},\n{{"query": "b"}}]')
    assert (good, line, last) == ("a", 2, "b")
    assert "longer than 4 MiB" in reason


@pytest.mark.parametrize("bracket", ["[", "{", '{"a":'])
def test_brackets_without_end_are_no_trouble(outcome, bracket):
    (first, *_) = outcome('[{"query": "a"},\n' + bracket * 300_000)
    assert first == "a"


def test_text_that_spans_lines_is_read_as_values(outcome):
    log = json.dumps({"query": "a"}, indent=2) + "\n" + json.dumps({"query": "b"}, indent=2)
    assert outcome(log) == ["a", "b"]

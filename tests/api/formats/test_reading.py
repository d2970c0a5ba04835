import gzip
import io
import sys

import pytest

from kaizen_api import formats
from kaizen_api.errors import Invalid
from kaizen_api.formats import MAX_RECORD_BYTES, Refused
from kaizen_api.schema import Interaction

LINES = b'{"query": "first"}\n{"query": "second"}\n'


class Pipe(io.RawIOBase):
    """Bytes that come once, a few at a time, and cannot be sought."""

    def __init__(self, data: bytes, at_once: int = 7) -> None:
        self._data = io.BytesIO(data)
        self._at_once = at_once

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self._data.read(min(len(buffer), self._at_once))
        buffer[: len(data)] = data
        return len(data)

    @property
    def consumed(self) -> int:
        return self._data.tell()


def queries(items):
    return [item.value.query for item in items]


def test_a_file_gives_its_interactions_with_their_places(log_file):
    path = log_file("chat.jsonl", LINES)
    first, second = formats.read(path)
    assert (first.place, first.line, first.offset) == (f"{path}:1", 1, 19)
    assert (second.place, second.line, second.offset) == (f"{path}:2", 2, len(LINES))
    assert isinstance(first.value, Interaction)
    assert queries([first, second]) == ["first", "second"]


@pytest.mark.parametrize("name", ["chat.jsonl.gz", "chat.jsonl"])
def test_gzip_is_told_by_its_bytes(log_file, name):
    assert queries(formats.read(str(log_file(name, gzip.compress(LINES))))) == ["first", "second"]


def test_members_of_a_gzip_are_one_log(log_file):
    path = log_file("chat.gz", gzip.compress(LINES) + gzip.compress(LINES))
    assert queries(formats.read(path)) == ["first", "second"] * 2


def test_a_gzip_that_breaks_off_gives_what_came_before(log_file):
    lines = b"".join(b'{"query": "question number %d"}\n' % number for number in range(20_000))
    items = list(formats.read(log_file("chat.gz", gzip.compress(lines)[:-20_000])))
    *good, last = items
    assert len(good) > 1000
    assert queries(good) == [f"question number {number}" for number in range(len(good))]
    assert isinstance(last.value, Refused)
    assert "copy the log again" in last.value.reason
    assert last.line == len(good) + 1


def test_a_gzip_of_nothing_but_its_beginning_says_so(log_file):
    with pytest.raises(Invalid, match="copy the log again"):
        list(formats.read(log_file("chat.gz", gzip.compress(LINES)[:12])))


def test_a_stream_is_read_from_where_it_stands_and_stays_open():
    stream = io.BytesIO(b"skip this\n" + LINES)
    stream.readline()
    items = list(formats.read_stream(stream, name="log"))
    assert queries(items) == ["first", "second"]
    assert [item.line for item in items] == [1, 2]
    assert not stream.closed


def test_a_dash_is_standard_input(monkeypatch):
    class Input:
        buffer = Pipe(LINES)

    monkeypatch.setattr(sys, "stdin", Input())
    items = list(formats.read("-"))
    assert queries(items) == ["first", "second"]
    assert items[0].place == "-:1"


@pytest.mark.parametrize("log", [LINES, gzip.compress(LINES, mtime=0), b"\n\n\n" + LINES, b"query\nfirst\nsecond\n"])
def test_a_pipe_is_read_as_a_file_is(log):
    assert queries(formats.read_stream(Pipe(log), name="log")) == ["first", "second"]


def test_a_pipe_need_not_end_before_its_first_line_is_read():
    pipe = Pipe(LINES * 10_000)
    next(formats.read_stream(pipe, name="log"))
    assert pipe.consumed < 1000


def test_what_is_joined_needs_a_stream_that_can_be_read_twice():
    with pytest.raises(Invalid, match="save it as a file first"):
        list(formats.read_stream(Pipe(b'{"id": "a", "trace_id": "t", "input": "q"}\n'), name="log"))


@pytest.mark.parametrize(
    ("name", "log", "reason"),
    [
        ("nothing.jsonl", b"", "is empty"),
        ("blank.jsonl", b" \n\r\n\t\n", "is empty"),
        ("bom.jsonl", b"\xef\xbb\xbf", "is empty"),
        ("nothing.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("data.parquet", b"PAR1\x00\x00", "write it as JSONL or CSV first"),
        ("data.zip", b"PK\x03\x04....", "unpack it first"),
        ("data.csv", "query\nhello".encode("utf-16"), "save it as UTF-8"),
        ("notes.txt", b"Dear diary,\n", "in no format that Kaizen knows"),
        ("data.csv", b"question,answer\na,b\n", "column names between commas, `query` among them"),
    ],
)
def test_what_is_no_log_says_so(log_file, name, log, reason):
    with pytest.raises(Invalid, match=reason):
        list(formats.read(log_file(name, log)))


@pytest.mark.parametrize("name", ["kaizen", "csv", "tsv", "otlp", "events"])
def test_an_empty_log_of_a_named_format_is_empty_too(reads, name):
    with pytest.raises(Invalid, match="is empty"):
        reads(b"\n", format=name)


def test_a_missing_file_a_folder_and_what_no_path_can_be(tmp_path):
    with pytest.raises(Invalid, match="does not exist: check the path"):
        list(formats.read(tmp_path / "none.jsonl"))
    with pytest.raises(Invalid, match="is a folder: name the files in it"):
        list(formats.read(tmp_path))
    with pytest.raises(Invalid, match="cannot be opened"):
        list(formats.read(tmp_path / ("x" * 300)))
    with pytest.raises(Invalid, match="cannot be opened"):
        list(formats.read("a\0b"))


def test_an_unknown_format_lists_the_known_ones(reads):
    with pytest.raises(Invalid, match="csv, events, kaizen, langfuse, lmsys, openai, otlp, sharegpt, tsv, wildchat"):
        reads(LINES, format="jsonl")


def test_a_log_without_any_interaction_says_so(reads):
    (item,) = reads(b"query,response\n")
    assert item.value == Refused("log", "there is no interaction in it: check that it is the right log, and whole")


def test_a_record_of_the_longest_length_is_read_and_a_longer_one_passed_over(reads):
    def line(length):
        return b'{"query": "' + b"x" * (length - 13) + b'"}\n'

    log = line(MAX_RECORD_BYTES) + line(MAX_RECORD_BYTES + 1) + line(30) + line(3 * MAX_RECORD_BYTES)[:-1]
    items = reads(log)
    assert [item.line for item in items] == [1, 2, 3, 4]
    assert [isinstance(item.value, Refused) for item in items] == [False, True, False, True]
    assert "longer than 4 MiB" in items[1].value.reason
    assert items[1].offset == 2 * MAX_RECORD_BYTES + 3
    assert items[3].offset == len(log)


RESUMED = {
    "kaizen": b'\xef\xbb\xbf{"query": "a"}\n\n{"query": 5}\n{"query": "b"}\r\n{"query": "c"}\n',
    "array": b'[{"query": "a"},\n {"query": 5}, {"query": "b"},\n\n{"query": "c"}]\n',
    "unclosed": b'[\n{"query": "a"},\n{"query": {"b": 1},\n{"query": "c"},\n{"query": "d"}\n]\n',
    "csv": b'query,response\na,1\n"b\nb",2\nbad\nc,3\n',
    "openai": b"".join(
        b'{"id": "%d", "messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}\n' % number
        for number in range(3)
    ),
    "events": b"".join(
        b'{"event": "daniel_query_received", "data": {"session_id": "s%d", "query": "q%d"}}\n' % (number % 2, number)
        for number in range(6)
    ),
    "one session": b"".join(
        b'{"event": "daniel_query_received", "data": {"query": "q%d"}}\n' % number for number in range(3)
    ),
    "langfuse": b'{"id": "s", "trace_id": "t2", "name": "tone", "value": 1}\n'
    + b"".join(b'{"id": "o%d", "trace_id": "t%d", "input": "q"}\n' % (number, number) for number in range(4)),
}


def said(item):
    """An item without the index in an array, which nobody knows who begins in the middle."""
    return item.line, item.value.reason if isinstance(item.value, Refused) else item.value


@pytest.mark.parametrize("log", RESUMED.values(), ids=RESUMED)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_reading_resumes_behind_any_item(reads, log, pack):
    whole = reads(pack(log))
    for number, item in enumerate(whole):
        again = [said(later) for later in reads(pack(log), start=item.offset)]
        missing = [said(later) for later in whole[number + 1 :]]
        assert [later for later in again if later in missing] == missing


def test_only_what_was_open_comes_again(reads):
    whole = reads(RESUMED["openai"])
    assert len(reads(RESUMED["openai"], start=whole[1].offset)) == len(whole) - 2
    assert len(reads(RESUMED["openai"], start=whole[2].offset)) == len(whole) - 2


def test_nothing_is_left_behind_the_end_and_a_shorter_log_is_another_one(reads):
    assert reads(LINES, start=len(LINES)) == []
    with pytest.raises(Invalid, match="start from 0"):
        reads(LINES, start=len(LINES) + 1)

"""A line that is too long for a record is refused alone, wherever it stands, also where the format is looked for."""

import gzip
import io
import tracemalloc

import pytest

from kaizen_api import formats
from kaizen_api.errors import Invalid
from kaizen_api.formats import MAX_RECORD_BYTES, Refused

GOOD = b'{"query": "good"}\n'
CHAT = b'{"messages": [{"role": "user", "content": "good"}]}\n'


def long(size=MAX_RECORD_BYTES + 1, *, end=b"\n", begin=b'{"query": "'):
    return begin + b"x" * (size - len(begin)) + end


LOGS = {
    "first": long() + GOOD + b"{bad\n" + GOOD,
    "much longer": long(3 * MAX_RECORD_BYTES + 17) + GOOD + GOOD,
    "with a mark": b"\xef\xbb\xbf" + long() + GOOD,
    "second": b"{bad\n" + long() + GOOD,
    "several": long() + b"\n" + long(2 * MAX_RECORD_BYTES) + GOOD,
    "behind many": b"{bad\n" * 30 + long() + GOOD,
    "last": GOOD + long(end=b""),
    "chat": long() + CHAT + CHAT,
    "braces": long(begin=b'{"messages": [{"a": [') + CHAT,
    "no JSON": long(begin=b"x" * 40) + GOOD,
}


def lines_of(log):
    return [line for line in log.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line]


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_it_alone_is_refused_and_the_rest_is_read(reads, log, pack):
    items = reads(pack(log))
    expected = ["long" if len(line) > MAX_RECORD_BYTES else line[:4] == b"{bad" for line in lines_of(log)]
    told = [
        ("long" if "longer than 4 MiB" in item.value.reason else True) if isinstance(item.value, Refused) else False
        for item in items
    ]
    assert told == expected
    assert [item.value.query for item in items if not isinstance(item.value, Refused)] == ["good"] * expected.count(
        False
    )
    assert items[-1].offset == len(log)
    numbers = [number for number, line in enumerate(log.split(b"\n"), start=1) if line]
    assert [item.line for item in items] == numbers


@pytest.mark.parametrize("name", ["first", "several", "behind many"])
def test_reading_resumes_behind_it(reads, name):
    log = LOGS[name]
    whole = reads(log)
    for item in whole:
        assert reads(log, start=item.offset) == [later for later in whole if later.offset > item.offset]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_pipe_too(pack):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    items = list(formats.read_stream(Pipe(pack(LOGS["first"])), name="log"))
    assert [isinstance(item.value, Refused) for item in items] == [True, False, True, False]


def test_with_its_format_named_it_is_refused_also_where_it_is_all(reads):
    (item,) = reads(long(), format="kaizen")
    assert "longer than 4 MiB" in item.value.reason


def test_a_log_of_nothing_else_says_so(reads):
    with pytest.raises(Invalid, match="its first line may be longer than 4 MiB: split it"):
        reads(long())


def test_an_array_on_one_long_line_is_read(reads):
    count = 100_000
    log = b"[" + b",".join(b'{"query": "question %07d of an array on one line"}' % n for n in range(count)) + b"]"
    assert len(log) > MAX_RECORD_BYTES
    assert sum(not isinstance(item.value, Refused) for item in reads(log)) == count


def test_it_is_not_held(log_file):
    path = log_file("log.jsonl", long(16 * MAX_RECORD_BYTES) + GOOD)
    tracemalloc.start()
    try:
        items = list(formats.read(path))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(items) == 2
    assert most < 6 * MAX_RECORD_BYTES

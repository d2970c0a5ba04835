"""Reading holds a bounded part of a log, however long it is."""

import json
import tracemalloc

import pytest

from kaizen_api import formats
from kaizen_api.formats import Refused

MIB = 1024 * 1024
TEXT = "Could you tell me how to get a new card? " * 250  # 10 KB, so that 50 MB are few records


def kaizen(number):
    return {"query": f"{TEXT}{number}", "response": TEXT}


def openai(number):
    asked, answered = {"role": "user", "content": f"{TEXT}{number}"}, {"role": "assistant", "content": TEXT}
    return {"id": f"c{number}", "messages": [asked, answered]}


def event(number):
    data = {"session_id": f"s{number}", "query": f"{TEXT}{number}", "response": TEXT}
    return {"event": "daniel_query_received", "data": data}


def observation(number):
    times = {"start_time": "2026-01-31 12:00:00.000000", "end_time": "2026-01-31 12:00:01.000000"}
    return {"id": f"o{number}", "trace_id": f"t{number}", "input": f"{TEXT}{number}", "output": TEXT, **times}


def lines(record, count):
    return (json.dumps(record(number)) + "\n" for number in range(count))


def array(record, count):
    yield "["
    for number in range(count):
        yield ("," if number else "") + json.dumps(record(number))
    yield "]"


def rows(count):
    yield "query,response\n"
    for number in range(count):
        yield f'"{TEXT}, {number}",{TEXT}\n'


COUNT = 2500
LOGS = {
    "kaizen": (lambda: lines(kaizen, COUNT), 1),
    "array on one line": (lambda: array(kaizen, COUNT), 20),  # its beginning is one line, looked at whole
    "csv": (lambda: rows(COUNT), 1),
    "openai": (lambda: lines(openai, COUNT), 1),
    "langfuse": (lambda: lines(observation, COUNT), 3),
    "events": (lambda: lines(event, COUNT), 70),
}


@pytest.mark.parametrize(("write", "limit"), LOGS.values(), ids=LOGS)
def test_fifty_megabytes_are_read_in_a_bounded_part_of_them(tmp_path, write, limit):
    path = tmp_path / "log"
    with path.open("w") as log:
        log.writelines(write())
    assert path.stat().st_size > 50_000_000
    next(formats.read(path))  # what is imported and compiled once is not the log's
    tracemalloc.start()
    try:
        refused = sum(isinstance(item.value, Refused) for item in formats.read(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused == 0
    assert peak < limit * MIB


def test_one_line_of_fifty_megabytes_is_passed_over(tmp_path):
    path = tmp_path / "log"
    with path.open("w") as log:
        log.write('{"query": "a"}\n{"query": "')
        log.writelines(TEXT for _ in range(5000))
        log.write('"}\n{"query": "b"}\n')
    tracemalloc.start()
    try:
        first, long, last = formats.read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [first.value.query, last.value.query] == ["a", "b"]
    assert isinstance(long.value, Refused)
    assert peak < 16 * MIB

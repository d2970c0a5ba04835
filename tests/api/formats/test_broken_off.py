"""A log that breaks off: what came before is kept, and one refusal says that it stands for the rest."""

import gzip
import json
import random

import pytest

from kaizen_api.formats import Refused

NOISE = random.Random(7)


def word():
    return "".join(NOISE.choices("abcdefghij", k=40))


def said(number):
    return {"role": "user", "content": f"{number} {word()}"}


RECORDS = {
    "kaizen": lambda number: {"query": f"{number} {word()}"},
    "openai": lambda number: {"messages": [said(number)]},
    "sharegpt": lambda number: {"id": str(number), "conversations": [{"from": "human", "value": f"{number} {word()}"}]},
    "lmsys": lambda number: {"conversation_id": str(number), "conversation": [said(number)]},
    "wildchat": lambda number: {"conversation_hash": str(number), "conversation": [said(number)]},
    "langfuse": lambda number: {"id": f"o{number}", "trace_id": f"t{number}", "input": f"{number} {word()}"},
    "events": lambda number: {
        "event": "daniel_query_received",
        "data": {"session_id": f"s{number}", "query": f"{number} {word()}"},
    },
}
LOGS = {
    **{name: "\n".join(json.dumps(record(n)) for n in range(3000)) for name, record in RECORDS.items()},
    "array": json.dumps([RECORDS["kaizen"](n) for n in range(3000)], indent=1),
    "csv": "query,response\n" + "".join(f"{n} {word()},b\n" for n in range(3000)),
}


@pytest.mark.parametrize("name", LOGS)
def test_a_truncated_gzip_keeps_what_came_before_and_says_that_the_rest_is_unread(reads, name):
    packed = gzip.compress(LOGS[name].encode())
    items = [item.value for item in reads(packed[: len(packed) // 2])]
    good = [value for value in items if not isinstance(value, Refused)]
    breaks = [value for value in items if isinstance(value, Refused) and value.breaks_off]
    assert len(good) > 500
    assert [value.query.split()[0] for value in good] == [str(number) for number in range(len(good))]
    assert len(breaks) == 1
    assert "copy the log again" in breaks[0].reason
    assert breaks[0].place.startswith("log:")


@pytest.mark.parametrize("name", LOGS)
def test_a_whole_one_does_not(reads, name):
    items = [item.value for item in reads(gzip.compress(LOGS[name].encode()))]
    assert not any(isinstance(value, Refused) for value in items)
    assert len(items) == 3000


def test_a_gzip_that_is_damaged_in_the_middle(reads):
    packed = bytearray(gzip.compress(LOGS["kaizen"].encode()))
    packed[len(packed) // 2 : len(packed) // 2 + 200] = bytes(200)
    *good, last = [item.value for item in reads(bytes(packed))]
    assert sum(not isinstance(value, Refused) for value in good) > 500
    assert last.breaks_off


def test_what_follows_a_gzip_and_is_none_is_unread(reads):
    items = [item.value for item in reads(gzip.compress(b'{"query": "a"}\n') + b"trailing junk")]
    assert [getattr(value, "breaks_off", "good") for value in items] == ["good", True]


def test_a_plain_log_that_ends_in_the_middle_of_a_line_has_one_bad_line(reads):
    items = [item.value for item in reads(b'{"query": "a"}\n{"query": "b')]
    assert isinstance(items[1], Refused)
    assert not items[1].breaks_off

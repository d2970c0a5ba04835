"""What is refused at this door is refused in the words of `kaizen push`, with the remedy, and alone."""

import io
import json

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.formats import Refused, read_stream
from kaizen_api.formats.source import MAX_RECORD_BYTES
from kaizen_api.schema import Record

NDJSON = {"Content-Type": "application/x-ndjson"}
TOO_LONG = "longer than 4 MiB: split it, or leave out what Kaizen does not read"
HALF = "a text holds half of a surrogate pair, which is no character: leave it out"
OBJECT = 'not an interaction: send each as a JSON object, like {"query": "How do I reset my PIN?"}'


def encoded(item):
    return item if isinstance(item, bytes) else json.dumps(item).encode()


async def as_lines(client, *items):
    return await client.post("/v1/interactions", content=b"\n".join(map(encoded, items)), headers=NDJSON)


async def as_array(client, *items):
    return await client.post("/v1/interactions", content=b"[" + b", ".join(map(encoded, items)) + b"]")


def queries(redis):
    stored = [msgspec.msgpack.decode(fields[b"r"], type=Record) for _, fields in redis.xrange(keys.stream("acme"))]
    return [record.query for record in stored]


FIELDS = [
    {"query": "x", "occurred_at": 5},
    {"query": "x", "occurred_at": "yesterday"},
    {"query": 5},
    {"query": "x", "id": ""},
    {"query": "x", "response_time": "fast"},
    {"query": "x", "response_time": -1},
    {"query": "x", "feedback": 1.5},
    {"query": "x", "critics": {"tone": 2}},
    {"query": "x", "accepted": "yes"},
    {"query": "x", "entry_ids": "e1"},
    {"query": "x", "metadata": [1]},
    {"query": " "},
    {"response": "x"},
]


@pytest.mark.parametrize("item", FIELDS, ids=str)
@pytest.mark.parametrize("send", [as_lines, as_array])
async def test_a_wrong_field_is_told_as_on_the_command_line(client, item, send):
    [read] = read_stream(io.BytesIO(encoded(item) + b"\n"), name="log", format="kaizen")
    assert isinstance(read.value, Refused)
    for others in ([], [{"query": "NaN", "feedback": 0}], [b'{"query": "y", "feedback": NaN}']):
        refused = (await send(client, item, *others)).json()["refused"]
        assert refused[0] == {"index": 0, "reason": read.value.reason}
    assert " - at `$" not in read.value.reason


async def test_the_remedy_of_a_time_is_an_example(client):
    [refused] = (await as_array(client, {"query": "x", "occurred_at": 5})).json()["refused"]
    assert refused["reason"].endswith("; give a time in RFC 3339, like 2026-01-31T09:30:00Z")


ODD = {
    "NaN": (b'{"query": "x", "feedback": NaN}', "not JSON: NaN is no JSON number; leave the field out"),
    "NaN in metadata": (b'{"query": "x", "metadata": {"a": [NaN]}}', "not JSON: NaN is no JSON number"),
    "an unknown infinity": (b'{"query": "x", "mine": -Infinity}', "not JSON: -Infinity is no JSON number"),
    "1e999": (b'{"query": "x", "response_time": 1e999}', "the number 1e999 is too large: give one of at most 1.8e308"),
    "a long integer": (b'{"query": "x", "feedback": ' + b"9" * 5000 + b"}", f"the number {'9' * 20}… is too large"),
    "both": (b'{"query": "\\ud800", "feedback": ' + b"9" * 5000 + b"}", f"the number {'9' * 20}… is too large"),
    "null": (b"null", OBJECT),
    "a number": (b"5", OBJECT),
    "a text": (b'"query"', OBJECT),
    "a list": (b'[{"query": "x"}]', OBJECT),
    "UTF-8": (b'{"query": "caf\xe9"}', "not UTF-8 at byte 14: send UTF-8"),
    "half a pair": (b'{"query": "\\ud800"}', HALF),
    "half a pair before more": (b'{"query": "\\uD83D and a longer text behind it"}', HALF),
    "a second half": (b'{"query": "\\udc00"}', HALF),
    "half a pair in a name": (b'{"query": "x", "\\ud800": 1}', HALF),
}


@pytest.mark.parametrize(("odd", "said"), ODD.values(), ids=ODD)
@pytest.mark.parametrize("send", [as_lines, as_array])
async def test_what_no_parser_takes_is_refused_alone(client, api_redis, odd, said, send):
    answer = await send(client, {"query": "before, [1]"}, odd, {"query": "after \N{GRINNING FACE}"})
    assert answer.status_code == 202, answer.text
    [refused] = answer.json()["refused"]
    assert (answer.json()["accepted"], refused["index"]) == (2, 1)
    assert refused["reason"].startswith(said)
    assert queries(api_redis) == ["before, [1]", "after \N{GRINNING FACE}"]


@pytest.mark.parametrize(
    "name", ["1e999", "a long integer", "both", "null", "a number", "half a pair", "a second half", "UTF-8"]
)
async def test_alone_it_is_an_item_too(client, name):
    odd, said = ODD[name]
    answer = await client.post("/v1/interactions", content=odd)
    assert answer.status_code == 422, answer.text
    [refused] = answer.json()["refused"]
    assert refused["index"] == 0
    assert refused["reason"].startswith(said)


async def test_a_whole_pair_is_a_character(client, api_redis):
    odd = b'{"query": "x", "feedback": NaN}'
    for send in (as_lines, as_array):
        assert (await send(client, b'{"query": "\\ud83d\\ude00"}', odd)).json()["refused"][0]["index"] == 1
    assert queries(api_redis) == ["\N{GRINNING FACE}"]


@pytest.mark.parametrize("array", [b'[{"query": NaN} {}]', b'[{"query": NaN},]', b"[NaN, {]", b"[NaN", b"[NaN] x"])
async def test_an_array_that_is_broken_is_no_batch(client, array):
    assert (await client.post("/v1/interactions", content=array)).status_code == 400


def of_length(length, name):
    item = {"query": name, "response": ""}
    item["response"] = "x" * (length - len(encoded(item)))
    assert len(encoded(item)) == length
    return item


def pushed(*items):
    """(index, reason) of what the command line refuses."""
    log = io.BytesIO(b"\n".join(map(encoded, items)))
    reads = enumerate(read_stream(log, name="log", format="kaizen"))
    return [(index, read.value.reason) for index, read in reads if isinstance(read.value, Refused)]


@pytest.mark.parametrize("send", [as_lines, as_array])
async def test_a_record_has_the_limit_of_the_command_line(client, api_redis, send):
    lengths = {"below": MAX_RECORD_BYTES - 1, "at": MAX_RECORD_BYTES, "above": MAX_RECORD_BYTES + 1, "small": 100}
    items = [of_length(length, name) for name, length in lengths.items()]
    answer = await send(client, *items)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 3)
    refused = [(each["index"], each["reason"]) for each in answer.json()["refused"]]
    assert refused == pushed(*items) == [(2, TOO_LONG)]
    assert queries(api_redis) == ["below", "at", "small"]


@pytest.mark.parametrize(("more", "status"), [(-1, 202), (0, 202), (1, 422)])
async def test_so_has_one_that_is_a_body_by_itself(client, more, status):
    answer = await client.post("/v1/interactions", content=encoded(of_length(MAX_RECORD_BYTES + more, "x")))
    assert answer.status_code == status
    assert status == 202 or answer.json()["refused"] == [{"index": 0, "reason": TOO_LONG}]


async def test_one_that_is_too_long_and_broken_is_refused_alone_too(client, api_redis):
    broken = b'{"query": NaN, "response": "' + b"x" * MAX_RECORD_BYTES + b'"}'
    for send in (as_lines, as_array):
        answer = await send(client, {"query": "a"}, broken, {"query": "b"})
        assert answer.json()["refused"] == [{"index": 1, "reason": TOO_LONG}]
    assert queries(api_redis) == ["a", "b"]

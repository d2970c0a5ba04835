import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import ResponseError

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.http import create_app
from kaizen_api.http.body import MAX_BODY
from kaizen_api.metrics import field
from kaizen_api.schema import MAX_TEXT_BYTES, Record

NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}
FUTURE = (datetime.now(UTC) + timedelta(days=2)).isoformat()


def problem_of(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]
    return answer.json()


def stored(redis, tenant="acme"):
    return [msgspec.msgpack.decode(fields[b"r"], type=Record) for _, fields in redis.xrange(keys.stream(tenant))]


def lines(*items):
    return b"\n".join(item if isinstance(item, bytes) else json.dumps(item).encode() for item in items)


async def push(client, content, **headers):
    return await client.post("/v1/interactions", content=content, headers={**JSON, **headers})


async def test_one_is_in_redis_before_the_answer(client, api_redis):
    answer = await client.post("/v1/interactions", json={"id": "a", "query": "how?", "response_time": 1.5})
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "duplicate": 0, "refused": []}
    assert [(record.id, record.query, record.response_time) for record in stored(api_redis)] == [("a", "how?", 1.5)]


async def test_an_array_and_lines_say_the_same(client, api_redis):
    items = [{"query": f"question {number}"} for number in range(5)]
    assert (await client.post("/v1/interactions", json=items)).json()["accepted"] == 5
    again = await client.post("/v1/interactions", content=lines(*items), headers=NDJSON)
    assert again.json() == {"accepted": 0, "duplicate": 5, "refused": []}
    undeclared = await client.post("/v1/interactions", content=lines(*items, {"query": "one more"}))
    assert undeclared.json() == {"accepted": 1, "duplicate": 5, "refused": []}
    assert len(stored(api_redis)) == 6


BAD = {
    "no object": b"5",
    "no JSON": b'{"query": ',
    "no query": {"response": "x"},
    "blank": {"query": " \t "},
    "a number for a text": {"query": 5},
    "a text for a number": {"query": "x", "response_time": "fast"},
    "NaN": b'{"query": "x", "response_time": NaN}',
    "infinite": b'{"query": "x", "response_time": 1e999}',
    "negative": {"query": "x", "response_time": -1},
    "out of range": {"query": "x", "feedback": 1.5},
    "far future": {"query": "x", "occurred_at": FUTURE},
    "no time": {"query": "x", "occurred_at": "yesterday"},
    "wrong UTF-8": b'{"query": "\xff\xfe"}',
    "half a surrogate pair": b'{"query": "\\ud800"}',
    "half a pair elsewhere": b'{"query": "x", "model": "\\ud800"}',
    "nested too deep": b'{"query": "x", "metadata": {"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
    "a null byte": b'{"query": "\x00"}',
    "a list for metadata": {"query": "x", "metadata": [1]},
    "a huge metadata": {"query": "x", "metadata": {"a": "y" * 40_000}},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_a_bad_line_is_refused_alone(client, api_redis, bad):
    content = lines({"query": "before"}, bad, {"query": "after"})
    answer = await client.post("/v1/interactions", content=content, headers=NDJSON)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["accepted"], [each["index"] for each in answer.json()["refused"]]) == (2, [1])
    assert answer.json()["refused"][0]["reason"]
    assert [record.query for record in stored(api_redis)] == ["before", "after"]


REMEDIES = {
    "NaN": (b'{"query": "NaN?", "response_time": NaN}', "not JSON: NaN is no JSON number; leave the field out"),
    "infinity": (
        b'{"query": "x", "feedback": -Infinity}',
        "not JSON: -Infinity is no JSON number; leave the field out",
    ),
    "UTF-8": (b'{"query": "caf\xe9"}', "not UTF-8 at byte 14: send UTF-8"),
    "cut off": (b'{"query": "x"', "send an object with double quotes, closed"),
    "single quotes": (b"{'query': 'x'}", "send an object with double quotes"),
}


@pytest.mark.parametrize(("bad", "remedy"), REMEDIES.values(), ids=REMEDIES)
async def test_what_is_no_json_is_told_with_its_remedy(client, bad, remedy):
    whole = problem_of(await push(client, bad), 422 if b"\xe9" in bad else 400)  # as one item of a good document
    assert remedy in whole["detail"]
    line = await client.post("/v1/interactions", content=lines({"query": "a"}, bad), headers=NDJSON)
    assert remedy in line.json()["refused"][0]["reason"]
    assert remedy in (await client.post("/v1/traces", content=bad, headers=JSON)).json()["detail"]


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_a_bad_item_alone_is_a_problem(client, api_redis, bad):
    answer = await push(client, lines(bad))
    assert answer.status_code in {400, 422}
    problem_of(answer, answer.status_code)
    assert stored(api_redis) == []


@pytest.mark.parametrize(
    "name", [name for name in BAD if name not in {"no JSON", "a null byte", "nested too deep"}], ids=str
)
async def test_a_bad_element_is_refused_alone(client, api_redis, name):
    content = b"[" + b",".join([b'{"query": "before"}', lines(BAD[name]), b'{"query": "after"}']) + b"]"
    answer = await push(client, content)
    assert answer.status_code == 202, answer.text
    assert [each["index"] for each in answer.json()["refused"]] == [1]
    assert [record.query for record in stored(api_redis)] == ["before", "after"]


async def test_where_all_are_refused_nothing_is_taken(client, api_redis):
    document = problem_of(await client.post("/v1/interactions", json=[{"query": ""}, {}]), 422)
    assert (document["accepted"], document["duplicate"]) == (0, 0)
    assert [each["index"] for each in document["refused"]] == [0, 1]
    assert stored(api_redis) == []
    refused = field("kaizen_ingested_total", result="refused")
    assert api_redis.hget(keys.ROLLUP, refused) == api_redis.hget(keys.metrics("acme"), refused) == b"2"


async def test_a_long_text_is_cut_and_those_around_it_are_kept(client, api_redis):
    content = lines({"query": "before"}, {"query": "long " * 600_000}, {"query": "after"})
    answer = await client.post("/v1/interactions", content=content, headers=NDJSON)
    assert answer.json() == {"accepted": 3, "duplicate": 0, "refused": []}
    before, long, after = stored(api_redis)
    assert (before.truncated, long.truncated, after.truncated) == (False, True, False)
    assert len(long.query.encode()) == MAX_TEXT_BYTES


@pytest.mark.parametrize(
    "content", [b"", b" \n\n ", b"\xef\xbb\xbf", b"{", b"[", b"[1,", b"hello", b"\xff\xfe\x00", b'[{"query":"x"}] x']
)
async def test_what_is_no_json_is_400(client, content):
    problem_of(await push(client, content), 400)


async def test_an_empty_array_is_nothing_and_no_error(client):
    assert (await push(client, b"[]")).json() == {"accepted": 0, "duplicate": 0, "refused": []}


async def test_too_long_is_413_whether_declared_or_not(client):
    async def chunks():
        for _ in range(33):
            yield b" " * 1024 * 1024

    problem_of(await push(client, b" " * (MAX_BODY + 1)), 413)
    problem_of(await push(client, chunks()), 413)


async def test_more_than_a_batch_goes_in_parts(client, api_redis):
    items = [{"query": f"q{number}"} for number in range(2_500)]
    answer = await client.post("/v1/interactions", json=[*items, *items[:10]])
    assert answer.json() == {"accepted": 2_500, "duplicate": 10, "refused": []}
    assert api_redis.xlen(keys.stream("acme")) == 2_500


async def test_a_full_stream_is_429(serve, api_server, tmp_path):
    config = KaizenConfig(redis_url=api_server, data_dir=tmp_path, stream_max_length=1000)
    client = await serve(config)
    items = [{"query": f"q{number}"} for number in range(1500)]
    answer = await client.post("/v1/interactions", json=items)
    assert "1000 of 1500" in problem_of(answer, 429)["detail"]
    assert int(answer.headers["retry-after"]) >= 1


async def test_without_redis_it_is_503(serve, unreachable_config, tmp_path):
    for config in (unreachable_config, KaizenConfig(data_dir=tmp_path)):
        client = await serve(config)
        answer = await client.post("/v1/interactions", json={"query": "x"})
        problem_of(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1


async def test_clients_at_once_share_calls_and_each_gets_its_own_answer(client, api_redis):
    api_redis.config_resetstat()
    answers = await asyncio.gather(
        *(client.post("/v1/interactions", json=[{"query": "same"}, {"query": f"q{number}"}]) for number in range(60))
    )
    counts = [answer.json() for answer in answers]
    assert sum(each["accepted"] for each in counts) == 61
    assert sum(each["duplicate"] for each in counts) == 59
    assert all(each["accepted"] + each["duplicate"] == 2 for each in counts)
    commands = api_redis.info("commandstats")
    calls = sum(commands.get(name, {"calls": 0})["calls"] for name in ("cmdstat_evalsha", "cmdstat_eval"))
    assert calls < 30


async def test_a_failure_reaches_everyone_who_waits(client, api_redis):
    api_redis.set(keys.stream("acme"), "no stream")
    answers = await asyncio.gather(*(client.post("/v1/interactions", json={"query": f"q{n}"}) for n in range(8)))
    for answer in answers:
        assert "WRONGTYPE" in problem_of(answer, 503)["detail"]  # a defect of ours, or of whoever wrote there
    with pytest.raises(ResponseError):
        api_redis.xlen(keys.stream("acme"))
    api_redis.delete(keys.stream("acme"))
    assert (await client.post("/v1/interactions", json={"query": "x"})).status_code == 202


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
fields = st.dictionaries(st.sampled_from([*Record.__struct_fields__, "user_id", "occurred_at", "x"]), json_values)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(items=st.lists(fields | json_values, max_size=5), junk=st.binary(max_size=30))
async def test_whatever_comes_in_never_fails_and_never_takes_the_good_along(serve, api_config, items, junk):
    client = await serve(api_config)
    good = {"query": "good"}
    encoded = [json.dumps(item).encode() for item in items]
    array = await push(client, b"[" + b",".join([*encoded, json.dumps(good).encode()]) + b"]")
    assert array.status_code == 202, array.text
    said = array.json()
    assert said["accepted"] + said["duplicate"] + len(said["refused"]) == len(items) + 1
    assert len(items) not in [each["index"] for each in said["refused"]]
    cut = lines(*encoded, junk.replace(b"\n", b""), good)
    assert (await client.post("/v1/interactions", content=cut, headers=NDJSON)).status_code == 202
    assert (await push(client, junk)).status_code in {202, 400, 422}


async def test_an_application_mounted_under_another_takes_by_its_own_route(engine, api_config, api_redis):
    outer, inner = FastAPI(), create_app(api_config, engine)
    outer.mount("/kaizen", inner)
    transport = httpx.ASGITransport(outer)
    async with (
        inner.router.lifespan_context(inner),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client,
    ):
        assert (await client.post("/v1/interactions", json={"query": "q", "id": "outside"})).status_code == 404
        assert (await client.post("/kaizen/v1/interactions", json={"query": "q", "id": "a"})).status_code == 202
        problem_of(await client.post("/kaizen/v1/interactions", json=[{}]), 422)
    assert [record.id for record in stored(api_redis)] == ["a"]


async def test_no_longer_path_is_taken_for_it(client, api_redis):
    assert (await client.post("/other/v1/interactions", json={"query": "q"})).status_code == 404
    assert stored(api_redis) == []


async def test_what_nobody_expects_is_an_error_on_our_side(engine, api_config):
    app = create_app(api_config, engine)
    app.state.service = None
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        answer = await client.post("/v1/interactions", json={"query": "q"})
    assert problem_of(answer, 500)["detail"] == "an error on our side; the server's log has it"

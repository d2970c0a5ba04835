import gzip
import zlib

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaizen_api import keys
from kaizen_api.http.body import MAX_BODY
from kaizen_api.schema import Record

ONE = b'{"query": "a"}'
PROTOBUF = "application/x-protobuf"


def deflated(content, wbits):
    packing = zlib.compressobj(wbits=wbits)
    return packing.compress(content) + packing.flush()


def zlibbed(content):
    return deflated(content, zlib.MAX_WBITS)


def raw(content):
    return deflated(content, -zlib.MAX_WBITS)


PACKED = {"gzip": ("gzip", gzip.compress), "zlib": ("deflate", zlibbed), "raw": ("deflate", raw)}
every_packing = pytest.mark.parametrize(("encoding", "pack"), PACKED.values(), ids=PACKED)


async def push(client, content, **headers):
    return await client.post(
        "/v1/interactions", content=content, headers={"Content-Type": "application/json", **headers}
    )


def detail_of(answer, status):
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    return answer.json()["detail"]


@every_packing
async def test_what_is_packed_is_unpacked(client, api_redis, encoding, pack):
    answer = await push(client, pack(ONE), **{"Content-Encoding": encoding})
    assert answer.json() == {"accepted": 1, "duplicate": 0, "refused": []}
    [(_, fields)] = api_redis.xrange(keys.stream("acme"))
    assert msgspec.msgpack.decode(fields[b"r"], type=Record).query == "a"


async def test_gzip_may_have_several_members(client, api_redis):
    content = gzip.compress(ONE) + gzip.compress(b'\n{"query": "b"}')
    assert (await push(client, content, **{"Content-Encoding": "gzip"})).json()["accepted"] == 2
    assert api_redis.xlen(keys.stream("acme")) == 2


@every_packing
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
async def test_exporters_may_pack(client, encoding, pack, path):
    headers = {"Content-Type": PROTOBUF, "Content-Encoding": encoding}
    assert (await client.post(path, content=pack(b""), headers=headers)).status_code == 200


@every_packing
@pytest.mark.parametrize(("more", "status"), [(-1, 202), (0, 202), (1, 413)])
async def test_the_limit_holds_for_what_is_unpacked(client, encoding, pack, more, status):
    packed = pack(ONE.ljust(MAX_BODY + more))
    assert len(packed) < MAX_BODY / 500
    answer = await push(client, packed, **{"Content-Encoding": encoding})
    assert answer.status_code == status
    assert status == 202 or "more than 32 MiB" in detail_of(answer, 413)


@every_packing
async def test_what_is_cut_off_or_no_such_packing_is_400(client, encoding, pack):
    whole = pack(ONE)
    for broken in (b"x", b"no packing", *(whole[:end] for end in range(1, len(whole)))):
        detail = detail_of(await push(client, broken, **{"Content-Encoding": encoding}), 400)
        assert detail == f"the body says it is {encoding} and is not, or it is cut off"


@pytest.mark.parametrize("pack", [zlibbed, raw])
async def test_deflate_with_more_behind_it_is_400(client, api_redis, pack):
    detail_of(await push(client, pack(ONE) + b"more", **{"Content-Encoding": "deflate"}), 400)
    assert api_redis.xlen(keys.stream("acme")) == 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1), level=st.integers(0, 9), wbits=st.integers(9, 15), bare=st.booleans())
async def test_deflate_of_any_level_and_window_is_read(client, text, level, wbits, bare):
    packing = zlib.compressobj(level, wbits=-wbits if bare else wbits)
    packed = packing.compress(msgspec.json.encode({"query": f"q{text}"})) + packing.flush()
    answer = await push(client, packed, **{"Content-Encoding": "deflate"})
    assert answer.status_code == 202, answer.text


REFUSED = {
    "type": ({"Content-Type": "text/csv"}, "the content type text/csv is not known: send application/json or "),
    "form": ({"Content-Type": "multipart/form-data; boundary=x"}, "the content type multipart/form-data is not known"),
    "charset": (
        {"Content-Type": "application/json; charset=utf-16"},
        "the charset utf-16 is not known: send the body in UTF-8",
    ),
    "charset alone": ({"Content-Type": "; charset=latin-1"}, "the charset latin-1 is not known"),
    "encoding": ({"Content-Encoding": "br"}, "the content encoding br is not known: use gzip, deflate or none"),
}


@pytest.mark.parametrize(("headers", "said"), REFUSED.values(), ids=REFUSED)
async def test_what_is_not_understood_is_415_in_plain_words(client, headers, said):
    assert detail_of(await push(client, ONE, **headers), 415).startswith(said)

import asyncio
import contextlib
import socket

import httpx
import pytest
import uvicorn

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.http import create_app
from kaizen_api.metrics import field


@pytest.fixture
async def keyed(serve, api_server, tmp_path):
    api_keys = {"acme": "key-of-acme", "globex": "key-of-globex", "initech": "key-of-globex"}
    config = KaizenConfig(redis_url=api_server, data_dir=tmp_path, tenant="acme", api_keys=api_keys)
    return await serve(config, base_url="http://kaizen.example")


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


OPERATIONS = [
    ("POST", "/v1/interactions"),
    ("POST", "/v1/traces"),
    ("POST", "/v1/logs"),
    ("GET", "/v1/topics"),
    ("GET", "/v1/insights"),
    ("GET", "/v1/gaps/g"),
    ("GET", "/v1/entries"),
    ("POST", "/v1/insights/i1/apply"),
    ("POST", "/v1/topics/t1/rename"),
    ("POST", "/v1/topics/t1/merge"),
    ("POST", "/v1/topics/t1/split"),
    ("GET", "/v1/topics/t1/history"),
    ("POST", "/v1/analyses"),
    ("GET", "/v1/analyses/y"),
    ("DELETE", "/v1/analyses/y"),
    ("GET", "/v1/knowledge?q=pin"),
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(""),
        bearer("key-of-acm"),
        bearer("key-of-acme2"),
        {"X-API-Key": "KEY-OF-ACME"},
        {"X-API-Key": "ké".encode("latin-1")},
        {"Authorization": "Basic key-of-acme"},
    ],
    ids=str,
)
async def test_without_a_valid_key_nothing_is_done(keyed, engine, method, path, headers):
    answer = await keyed.request(method, path, headers=headers, json={"query": "x"} if method == "POST" else None)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert engine.asked == []
    assert engine.insights["acme"].status == "proposed"


@pytest.mark.parametrize("headers", [bearer("key-of-acme"), {"X-API-Key": "key-of-acme"}])
async def test_a_key_opens_its_tenant_and_no_other(keyed, api_redis, headers):
    assert (await keyed.post("/v1/interactions", json={"query": "x"}, headers=headers)).status_code == 202
    assert api_redis.xlen(keys.stream("acme")) == 1
    assert (await keyed.get("/v1/topics", params={"tenant": "acme"}, headers=headers)).status_code == 200
    for other in ("globex", "nobody", "", "../acme"):
        answer = await keyed.get("/v1/topics", params={"tenant": other}, headers=headers)
        assert answer.status_code == 403, other


async def test_a_key_of_two_tenants_may_name_either(keyed, api_redis):
    headers = bearer("key-of-globex")
    for params in ({}, {"tenant": "initech"}):
        answer = await keyed.post("/v1/interactions", json={"query": "x"}, params=params, headers=headers)
        assert answer.status_code == 202
    assert [api_redis.xlen(keys.stream(tenant)) for tenant in ("acme", "globex", "initech")] == [0, 1, 1]
    assert (await keyed.get("/v1/topics", params={"tenant": "acme"}, headers=headers)).status_code == 403


async def test_tenants_see_their_own(keyed):
    for tenant in ("acme", "globex"):
        found = await keyed.get("/v1/knowledge", params={"q": "pin"}, headers=bearer(f"key-of-{tenant}"))
        assert [entry["text"] for entry in found.json()["entries"]] == [f"for {tenant}"]
        assert found.json()["guidance"] == [f"be kind to {tenant}"]
    answer = await keyed.post("/v1/insights/i1/apply", headers=bearer("key-of-globex"))
    assert answer.status_code == 404


async def test_without_keys_everyone_is_the_one_tenant(client, api_redis):
    assert (await client.post("/v1/interactions?tenant=acme", json={"query": "x"})).status_code == 202
    assert (await client.post("/v1/interactions?tenant=globex", json={"query": "x"})).status_code == 403
    assert api_redis.smembers(keys.TENANTS) == {b"acme"}


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080"])
async def test_without_keys_this_machine_is_served(serve, api_config, base_url):
    client = await serve(api_config, base_url=base_url)
    assert (await client.get("/v1/topics")).status_code == 200
    assert (await client.get("/v1/topics", headers={"Origin": base_url})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "10.0.0.5"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_without_keys_a_foreign_page_is_not_served(client, engine, headers):
    answer = await client.post("/v1/insights/i1/apply", headers=headers)
    assert answer.status_code == 403
    assert engine.insights["acme"].status == "proposed"


@pytest.mark.parametrize("headers", [{}, {"Host": "evil.example"}, {"Origin": "http://evil.example"}], ids=str)
async def test_operation_needs_no_key(keyed, headers):
    for path in ("/livez", "/readyz", "/kaizen/metrics", "/kaizen/health", "/", "/openapi.json"):
        assert (await keyed.get(path, headers=headers)).status_code == 200, path


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Host": ""}, {"Origin": "http://evil.example"}], ids=str
)
async def test_without_keys_a_foreign_page_sees_only_whether_it_works(client, headers, method):
    for path in ("/", "/kaizen/metrics"):
        assert (await client.request(method, path)).status_code == 200
        answer = await client.request(method, path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json"), path
        assert "kaizen_up" not in answer.text
    for path in ("/livez", "/readyz", "/kaizen/health"):
        assert (await client.request(method, path, headers=headers)).status_code == 200, path


@pytest.mark.parametrize("api_keys", [{}, {"acme": "a" * 40}])
async def test_with_keys_the_metrics_tell_no_tenants_name(serve, api_server, api_redis, tmp_path, api_keys):
    for tenant, state in (("acme", "open"), ("globex", "closed")):
        name = f"{tenant}/folder"
        api_redis.sadd(keys.BREAKERS, name)
        api_redis.hset(keys.breaker(name), "state", state)
        api_redis.hset(keys.ROLLUP, field("kaizen_breaker_transitions_total", breaker=name, state="open"), 2)
    config = KaizenConfig(redis_url=api_server, data_dir=tmp_path, tenant="acme", api_keys=api_keys)
    text = (await (await serve(config)).get("/kaizen/metrics")).text
    if not api_keys:
        assert 'breaker="globex/folder"' in text
        return
    assert "globex" not in text
    assert "acme" not in text
    assert 'kaizen_breaker_state{breaker="folder",state="open"} 1.0' in text
    assert 'kaizen_breaker_transitions_total{breaker="folder",state="open"} 4.0' in text


def _own_address():
    """An address of this machine that is not loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError as error:
            pytest.skip(f"this machine has no address but loopback: {error}")
        return probe.getsockname()[0]


@contextlib.asynccontextmanager
async def served_everywhere(app):
    """A real server on every address; yields its port."""
    with socket.create_server(("0.0.0.0", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        running = asyncio.create_task(server.serve([listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await running


async def test_without_keys_no_other_machine_is_served_whatever_it_calls_itself(api_config, engine):
    address = _own_address()
    async with served_everywhere(create_app(api_config, engine)) as port, httpx.AsyncClient() as client:
        for headers in (
            {"Host": "localhost"},
            {"Host": f"127.0.0.1:{port}"},
            {"Host": "localhost", "X-Forwarded-For": "127.0.0.1"},
        ):
            for path in ("/v1/topics", "/v1/insights", "/", "/kaizen/metrics"):
                answer = await client.get(f"http://{address}:{port}{path}", headers=headers)
                assert answer.status_code == 403
                assert "KAIZEN_API_KEYS" in answer.json()["detail"]
            push = await client.post(f"http://{address}:{port}/v1/interactions", json={"query": "x"}, headers=headers)
            assert push.status_code == 403
        assert (await client.get(f"http://127.0.0.1:{port}/v1/topics")).status_code == 200


async def test_with_keys_another_machine_is_served(api_server, tmp_path, engine):
    config = KaizenConfig(redis_url=api_server, data_dir=tmp_path, tenant="acme", api_keys={"acme": "key-of-acme"})
    address = _own_address()
    async with served_everywhere(create_app(config, engine)) as port, httpx.AsyncClient() as client:
        answer = await client.get(f"http://{address}:{port}/v1/topics", headers=bearer("key-of-acme"))
        assert answer.status_code == 200


async def test_a_broken_host_is_refused(client):
    assert (await client.get("/v1/topics", headers={"Host": "[::1"})).status_code == 403


async def test_no_label_of_the_metrics_is_a_tenant_even_after_it_was_served(keyed):
    for tenant in ("acme", "globex"):
        headers = bearer(f"key-of-{tenant}")
        assert (await keyed.post("/v1/interactions", json=[{"query": "x"}, {}], headers=headers)).status_code == 202
    for accept in ("text/plain", "application/openmetrics-text"):
        text = (await keyed.get("/kaizen/metrics", headers={"Accept": accept})).text
        assert 'kaizen_ingested_total{result="accepted"} 2.0' in text
        assert not [tenant for tenant in ("acme", "globex", "initech") if tenant in text]


@pytest.mark.parametrize("origin", ["http://[", "null", "", "http://", "://"])
async def test_an_origin_that_is_none_is_refused_and_no_more(client, origin):
    assert (await client.post("/v1/interactions", json={"query": "a"}, headers={"Origin": origin})).status_code == 403

"""HTTP ingest: requests a CPU second of the server, `kaizen api` against a default FastAPI application."""

import json

import pytest

from kaizen_api import keys

ROUNDS = 5
REQUESTS = {100: (120, ">= 5"), 1: (2_400, "")}
"""Events a request → requests of a round, bar."""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def servers(serve):
    """Name → (pid, port, path)."""
    peer = ("-m", "uvicorn", "peer_api:app", "--no-access-log")
    return {
        "ours": (*serve("api", "-m", "kaizen_api.cli", "api", path="/readyz"), "/v1/interactions"),
        "peer": (*serve("peer", *peer, path="/openapi.json"), "/events"),
    }


@pytest.mark.parametrize("size", [100, 1])
def test_requests_a_cpu_second(servers, redis, size, bench):
    requests, bar = REQUESTS[size]

    def run(name):
        pid, port, path = servers[name.rstrip("0123456789")]
        bodies = [
            json.dumps(bench.fields(f"{name}-{number}", size, first=number)).encode() for number in range(requests)
        ]
        redis.flushall()
        before = bench.cpu_seconds(pid)
        assert bench.post(port, path, iter(bodies)) == {202: requests}
        used = bench.cpu_seconds(pid) - before
        assert redis.xlen("peer" if path == "/events" else keys.stream("default")) == size * requests
        return (requests / used,)

    rates = bench.race(ROUNDS, ours=run, peer=run)
    what = f"HTTP, {size} events a request, server CPU"
    against = (
        f"default FastAPI, pydantic list, redis-py pipeline of {size} XADD, uvicorn --no-access-log; masks nothing"
    )
    bench.row(what, *rates["ours"], *rates["peer"], against, bar=bar)

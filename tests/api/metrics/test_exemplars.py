"""Exemplars: one a bucket, the last; no longer than the standard allows; in OpenMetrics alone, and nobody else's."""

from types import SimpleNamespace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict

from kaizen_api import keys
from kaizen_api.http import create_app
from kaizen_api.metrics import METRICS, create_metrics_app, observation
from kaizen_api.metrics.exemplars import MOST_CHARACTERS, Exemplar, exemplars, keep, read
from kaizen_api.metrics.table import field

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
NAME = "kaizen_job_duration_seconds"


def test_of_each_bucket_the_last_is_kept():
    kept = exemplars(
        NAME, [(0.02, {"job_id": "a"}), (0.03, {"job_id": "b"}), (9999, {"job_id": "c"})], task="kaizen.fill"
    )
    shown = read({series.encode(): value.encode() for series, value in kept.items()})
    assert {series: (one.ids, one.value) for series, one in shown.items()} == {
        field(NAME, task="kaizen.fill", le="0.1"): ({"job_id": "b"}, 0.03),
        field(NAME, task="kaizen.fill", le="+Inf"): ({"job_id": "c"}, 9999),
    }


ids = st.from_regex(r"[a-z0-9_.:/@+=-]{1,200}", fullmatch=True)


@given(st.floats(0, 4000), ids, ids | st.none())
def test_it_stands_in_the_bucket_that_was_counted_and_is_no_longer_than_the_standard_allows(seconds, first, second):
    kept = exemplars(NAME, [(seconds, {"trace_id": first, "job_id": second})], task="kaizen.fill")
    assert set(kept) <= set(observation(NAME, seconds, task="kaizen.fill"))
    for one in read({series.encode(): value.encode() for series, value in kept.items()}).values():
        assert sum(len(name) + len(value) for name, value in one.ids.items()) <= MOST_CHARACTERS
        assert set(one.ids.values()) <= {first, second}, "an id that is cut is another one"
    assert bool(kept) == (
        len(first) <= MOST_CHARACTERS - 8 or (second is not None and len(second) <= MOST_CHARACTERS - 6)
    )


@pytest.mark.parametrize("odd", ['a"b', "a\\b", "a\nb", "a b", "{a}", "ä", ""])
def test_ids_that_parsers_stumble_over_are_left_out(odd):
    kept = exemplars(NAME, [(0.3, {"job_id": odd, "trace_id": "t"})], task="kaizen.fill")
    assert [one.ids for one in read({b"x": "".join(kept.values()).encode()}).values()] == [{"trace_id": "t"}]


def test_what_a_later_version_keeps_otherwise_is_left_out():
    assert read({b"a": b"{}", b"b": b"[{}, 1, 2, 3]", b"c": b"\xff"}) == {"b": Exemplar({}, 1.0, 2.0)}


@pytest.fixture
def observe(api_redis):
    def observe(seconds, **ids):
        for series, count in observation(NAME, seconds, task="kaizen.fill").items():
            api_redis.hincrby(keys.ROLLUP, series, count)
        keep(api_redis, exemplars(NAME, [(seconds, ids)], task="kaizen.fill"))

    return observe


@pytest.fixture
async def scrape(api_config):
    app = create_metrics_app(SimpleNamespace(config=api_config))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://exporter") as client:

        async def get(**headers):
            return (await client.get("/kaizen/metrics", headers=headers)).text

        yield get


def shown(text):
    return [
        (family.name, one.labels["le"], one.exemplar.labels, one.exemplar.value)
        for family in strict(text)
        for one in family.samples
        if one.exemplar
    ]


async def test_openmetrics_has_it_and_the_text_format_has_none(scrape, observe):
    observe(0.3, trace_id="0a" * 16, job_id="j1")
    assert shown(await scrape(**OPENMETRICS)) == [(NAME, "0.5", {"trace_id": "0a" * 16, "job_id": "j1"}, 0.3)]
    assert "0a0a" not in await scrape()


async def test_it_is_bounded_by_the_buckets_there_are(observe, api_redis):
    for number in range(200):
        observe(number / 10, job_id=f"j{number}")
    buckets = next(metric.buckets for metric in METRICS if metric.name == NAME)
    assert api_redis.hlen(keys.EXEMPLARS) <= len(buckets) + 1


async def test_who_keeps_tenants_apart_by_keys_sees_nobodys(serve_api, observe):
    observe(0.3, job_id="j1")
    assert "j1" in await serve_api(keys=False)
    assert "j1" not in await serve_api(keys=True)


@pytest.fixture
def serve_api(api_config):
    async def get(*, keys):
        known = {api_config.tenant: "k" * 32} if keys else {}
        config = type(api_config)(**{**api_config.to_legacy_dict(), "api_keys": known})
        transport = httpx.ASGITransport(create_app(config, None))
        headers = {**OPENMETRICS, "Authorization": "Bearer " + "k" * 32}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            answer = await client.get("/kaizen/metrics", headers=headers)
        assert answer.status_code == 200
        return answer.text

    return get

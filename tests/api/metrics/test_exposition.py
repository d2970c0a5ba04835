import math
import shutil
import subprocess
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
from prometheus_client.parser import text_string_to_metric_families as lenient

from kaizen_api import keys
from kaizen_api.metrics import METRICS, create_metrics_app, field, observation
from kaizen_api.metrics.table import MILLION, RECENT
from kaizen_api.schema import INSIGHT_TYPES

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture
async def scrape(api_config):
    app = create_metrics_app(SimpleNamespace(config=api_config))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://exporter") as client:

        async def get(path="/kaizen/metrics", **headers):
            answer = await client.get(path, headers=headers)
            assert answer.status_code == 200
            return answer

        yield get


def samples(text, parse=lenient):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def fill(redis):
    redis.hset(
        keys.ROLLUP,
        mapping={
            field("kaizen_insights_total", insight_type="gap"): 3,
            field("kaizen_insights_applied"): 2,
            field("kaizen_gapfill_triggers"): 7,
            field("kaizen_knowledge_base_size"): 41,
            field("kaizen_interactions_total", outcome="error"): 5,
            **dict(zip(RECENT, (200, 5, 300 * MILLION, 150, 45 * MILLION, 100), strict=True)),
        },
    )
    for seconds in (0.05, 0.1, 4, 1000):
        for series, count in observation("kaizen_analysis_duration_seconds", seconds).items():
            redis.hincrby(keys.ROLLUP, series, count)


async def test_every_name_of_the_contract_is_served(scrape, api_redis):
    fill(api_redis)
    values = samples((await scrape()).text)
    assert values["kaizen_insights_total", (("insight_type", "gap"),)] == 3
    assert values["kaizen_insights_applied", ()] == 2
    assert values["kaizen_gapfill_triggers", ()] == 7
    assert values["kaizen_avg_response_time_seconds", ()] == 2.0
    assert values["kaizen_error_rate", ()] == 2.5
    assert values["kaizen_consciousness_level", ()] == pytest.approx(0.45)
    assert values["kaizen_knowledge_base_size", ()] == 41
    assert values["kaizen_interactions_total", (("outcome", "error"),)] == 5
    assert values["kaizen_up", ()] == 1


async def test_the_histogram_is_cumulative_only_when_served(scrape, api_redis):
    fill(api_redis)
    values = samples((await scrape()).text)
    buckets = [
        values["kaizen_analysis_duration_seconds_bucket", (("le", bound),)]
        for bound in ("0.1", "0.5", "1.0", "2.0", "5.0", "10.0", "30.0", "60.0", "120.0", "300.0", "+Inf")
    ]
    assert buckets == [2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4]
    assert values["kaizen_analysis_duration_seconds_count", ()] == 4
    assert values["kaizen_analysis_duration_seconds_sum", ()] == pytest.approx(1004.15)


async def test_closed_sets_start_at_zero_and_means_of_nothing_are_absent(scrape):
    values = samples((await scrape()).text)
    for insight_type in INSIGHT_TYPES:
        assert values["kaizen_insights_total", (("insight_type", insight_type),)] == 0
    assert values["kaizen_error_rate", ()] == 0
    assert ("kaizen_avg_response_time_seconds", ()) not in values
    assert ("kaizen_consciousness_level", ()) not in values
    assert not any(math.isnan(value) for value in values.values())


async def test_both_formats_say_the_same(scrape, api_redis):
    fill(api_redis)
    text, openmetrics = await scrape(), await scrape(**OPENMETRICS)
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    ages = {("kaizen_stream_oldest_age_seconds", ()), ("kaizen_redis_memory_bytes", ())}  # they move by themselves
    before, after = samples(text.text), samples(openmetrics.text, strict)
    assert {key: before[key] for key in before.keys() - ages} == {key: after[key] for key in after.keys() - ages}
    assert "# TYPE kaizen_insights_applied unknown" in openmetrics.text
    assert not any(name.endswith("_created") for name, _ in after)


def promtool(*arguments, text):
    path = shutil.which("promtool")
    if path is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    checked = subprocess.run([path, *arguments], input=text, capture_output=True, text=True, check=False, timeout=30)
    return checked.returncode, checked.stdout, checked.stderr


async def test_promtool_has_no_complaint(scrape, api_redis):
    fill(api_redis)
    api_redis.sadd(keys.BREAKERS, "acme/folder")
    assert promtool("check", "metrics", text=(await scrape()).text) == (0, "", "")


async def test_help_comes_from_the_table(scrape, api_redis):
    fill(api_redis)
    api_redis.sadd(keys.BREAKERS, "acme/folder")
    text = (await scrape(path="/metrics")).text
    for metric in METRICS:
        suffix = "_total" if metric.type == "counter" else ""
        assert f"# HELP {metric.name}{suffix} {metric.help}\n" in text


async def test_breakers_are_served_with_every_state(scrape, api_redis):
    api_redis.sadd(keys.BREAKERS, "acme/folder", "acme/other", "acme/forced")
    api_redis.hset(keys.breaker("acme/folder"), "state", "half_open")
    forced = {"state": "closed", "override": "open", "override_until": "9" * 16}
    api_redis.hset(keys.breaker("acme/forced"), mapping=forced)
    past = {"state": "closed", "override": "open", "override_until": "1000"}
    api_redis.hset(keys.breaker("acme/other"), mapping=past)
    api_redis.hset(keys.ROLLUP, field("kaizen_breaker_transitions_total", breaker="acme/folder", state="open"), 4)
    values = samples((await scrape()).text)

    def state(breaker):
        found = [dict(labels) for (name, labels), value in values.items() if name == "kaizen_breaker_state" and value]
        return [labels["state"] for labels in found if labels["breaker"] == breaker]

    assert state("acme/folder") == ["half_open"]
    assert state("acme/forced") == ["open"]
    assert state("acme/other") == ["closed"]
    transitions = "kaizen_breaker_transitions_total"
    assert values[transitions, (("breaker", "acme/folder"), ("state", "open"))] == 4
    assert values[transitions, (("breaker", "acme/other"), ("state", "open"))] == 0

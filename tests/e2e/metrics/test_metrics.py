"""Every metric against the log it counts: what was sent is known, so each served value is computed again from it."""

import shutil
import statistics
import subprocess
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kaizen_api.metrics import METRICS
from kaizen_api.metrics.table import (
    BREAKER_STATES,
    DURATION_BUCKETS,
    OUTCOMES,
    QUEUES,
    RUN_OUTCOMES,
    VERDICTS,
    WORKER_STATES,
)
from kaizen_api.schema import INSIGHT_TYPES

FIRST, SECOND, DOCUMENTS = 400, 60, 3


def steps(things, detail=""):
    return Counter(step["event"] for thing in things for step in thing["history"] if detail in step.get("detail", ""))


def test_every_family_is_there_with_its_type(text):
    types = {family.name: family.type for family in text_string_to_metric_families(text)}
    expected = {metric.name: metric.type.replace("untyped", "unknown") for metric in METRICS}
    assert {name: kind.replace("untyped", "unknown") for name, kind in types.items()} == expected


def test_promtool_finds_nothing_wrong(text):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on PATH: install Debian's package prometheus")
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_interactions_are_counted_once_by_outcome(sent, served):
    errors = len(sent.values("error"))
    assert len(sent.rows) == FIRST + SECOND
    assert errors > 10
    expected = {"error": errors, "ok": FIRST + SECOND - errors}
    assert {outcome: served("kaizen_interactions_total", outcome=outcome) for outcome in OUTCOMES} == expected


def test_whatever_came_in_by_any_door_is_counted(sent, served):
    expected = {"accepted": len(sent.rows), "duplicate": sent.repeated, "refused": sent.refused}
    assert expected["duplicate"] == 50 + 20 + 220
    assert {result: served("kaizen_ingested_total", result=result) for result in expected} == expected


def test_means_are_those_of_the_log(sent, served):
    errors = len(sent.values("error")) / len(sent.rows)
    assert served("kaizen_error_rate") == pytest.approx(100 * errors)
    time, level = statistics.mean(sent.values("response_time")), statistics.mean(sent.values("consciousness_level"))
    assert served("kaizen_avg_response_time_seconds") == pytest.approx(time, rel=1e-9)
    assert served("kaizen_consciousness_level") == pytest.approx(level, rel=1e-9)


def test_insights_are_those_that_the_api_lists(served, found):
    insights = found("insights")
    types = Counter(insight["type"] for insight in insights)
    assert {name: served("kaizen_insights_total", insight_type=name) for name in INSIGHT_TYPES} == {
        name: types[name] for name in INSIGHT_TYPES
    }
    assert {"performance", "error_pattern", "gap"} <= set(types)
    active = [insight for insight in insights if insight["status"] in {"proposed", "applied", "confirmed"}]
    assert served("kaizen_active_insights") == len(active) == len(insights) - 2
    assert served("kaizen_topics") == len(found("topics"))


def test_steps_of_insights_are_counted_once(served, found):
    happened = steps(found("insights"))
    assert happened["applied"] == 2
    assert served("kaizen_insights_applied") == served("kaizen_insight_applications_total") == 2
    assert happened["reverted"] == 1
    assert {verdict: served("kaizen_effects_total", verdict=verdict) for verdict in VERDICTS} == {
        verdict: happened[verdict] for verdict in VERDICTS
    }


def test_searches_are_those_in_the_histories_of_gaps(served, found):
    gaps = found("gaps")
    assert served("kaizen_gapfill_triggers") == steps(gaps)["searching"] > 0
    ended = steps(gaps, " entries")  # a gap is filled once more when its insight is applied
    assert {outcome: served("kaizen_gapfill_runs_total", outcome=outcome) for outcome in RUN_OUTCOMES} == {
        outcome: ended[outcome] for outcome in RUN_OUTCOMES
    }
    assert ended["filled"] > 0


def test_the_knowledge_base_has_its_active_entries(served, found):
    entries = found("entries")
    active = [entry for entry in entries if entry["state"] == "active"]
    imported = [entry for entry in active if entry["provenance"]["source"] == "import"]
    assert len(imported) == DOCUMENTS
    served_gaps = [gap for gap in found("gaps") if gap["status"] == "filled"]
    wanted = {entry for gap in served_gaps for entry in gap["entries"]} - {
        entry["id"] for entry in entries if entry["flags"]
    }
    assert wanted
    assert {entry["id"] for entry in active} == {entry["id"] for entry in imported} | wanted
    assert served("kaizen_knowledge_base_size") == len(active)


def test_analyses_are_counted_and_timed(served):
    assert served("kaizen_analysis_cycles_total") == 2
    assert served("kaizen_analysis_failures_total") == 0
    name = "kaizen_analysis_duration_seconds"
    total = served(f"{name}_sum")
    assert served(f"{name}_count") == 2
    buckets = [served(f"{name}_bucket", le=str(bound)) for bound in (*DURATION_BUCKETS, "+Inf")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 2
    assert buckets[0] * DURATION_BUCKETS[0] + (2 - buckets[-2]) * DURATION_BUCKETS[-1] <= total + 0.2
    assert 0 < total < 180


def test_nothing_waits_and_all_is_up(served):
    quiet = ("stream_depth", "stream_lag", "stream_oldest_age_seconds", "dead_letters")
    assert {name: served(f"kaizen_{name}") for name in quiet} == dict.fromkeys(quiet, 0)
    assert served("kaizen_up") == 1


def test_the_breaker_of_the_source_is_closed_and_never_moved(served, home):
    (breaker,) = home.run("breaker", "list")["items"]
    states = {state: served("kaizen_breaker_state", breaker=breaker["name"], state=state) for state in BREAKER_STATES}
    assert states == {"closed": 1, "open": 0, "half_open": 0}
    name = "kaizen_breaker_transitions_total"
    assert [served(name, breaker=breaker["name"], state=state) for state in BREAKER_STATES] == [0, 0, 0]


def test_the_four_queries_return_data_on_a_real_prometheus(sent, served, query, wait_until):
    del sent
    if query is None:
        pytest.skip("no prometheus on PATH: install Debian's package prometheus")

    def values(expression):
        return [float(row["value"][1]) for row in query(expression)]

    wait_until(lambda: values("kaizen_error_rate") == [pytest.approx(served("kaizen_error_rate"))])
    assert len(wait_until(lambda: values("rate(kaizen_insights_total[5m])"))) == len(INSIGHT_TYPES)
    assert sum(values("rate(kaizen_insights_total[5m])")) > 0
    (seconds,) = values("histogram_quantile(0.95, kaizen_analysis_duration_seconds_bucket)")
    assert 0 < seconds <= 300
    (searches,) = values("rate(kaizen_gapfill_triggers[5m])")
    assert searches > 0


def test_jobs_are_counted_with_their_waits(served):
    assert served("kaizen_jobs_total", task="kaizen.analyze", result="done") == 2
    assert served("kaizen_job_duration_seconds_count", task="kaizen.analyze") == 2
    assert served("kaizen_jobs_total", task="kaizen.consume", result="done") > 0
    for queue in QUEUES:
        assert served("kaizen_job_wait_seconds_count", queue=queue) > 0
    assert served("kaizen_ticks_total") > 0
    assert served("kaizen_workers", state="wedged") == 0
    assert sum(served("kaizen_workers", state=state) for state in WORKER_STATES) == 2


def test_response_times_are_those_of_the_log(sent, served):
    times = sent.values("response_time")
    name = "kaizen_response_time_seconds"
    assert served(f"{name}_count") == len(times)
    assert served(f"{name}_sum") == pytest.approx(sum(times), abs=1e-3)
    assert served(f"{name}_bucket", le="2.0") == sum(time <= 2 for time in times)


def test_the_tenants_have_their_counts(sent, served):
    assert served("kaizen_tenant_interactions_total", tenant="default") == len(sent.rows)
    assert served("kaizen_tenant_interactions_total", tenant="other") == 0

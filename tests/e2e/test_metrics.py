"""Every metric against the log it counts: what was sent is known, so each served value is computed again from it."""

import json
import random
import shutil
import statistics
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kaizen_api.metrics import METRICS
from kaizen_api.metrics.table import BREAKER_STATES, DURATION_BUCKETS, OUTCOMES, RUN_OUTCOMES, VERDICTS
from kaizen_api.schema import INSIGHT_TYPES
from kaizen_worker.helpdesk import load_subjects, load_turns

UNSERVED, FAULTY, SLOW, POOR = range(4)
FIRST, SECOND = 400, 60
BROKEN = ('{"query": ', '{"query": " "}', '{"query": "x", "response_time": -1}', '{"query": 7}')
DOCUMENTS = (
    {"id": "d1", "title": "Zip", "text": "zipfile.ZipFile packs and unpacks archives."},
    {"title": "Csv", "text": "csv.reader reads rows of a file."},
    {"title": "Json", "text": "json.loads reads a document from a string."},
)


def make_log(count, *, seed):
    """Interactions of twelve subjects: one unserved, one with errors, one slow, one poor, the others good."""
    draw, subjects, refusals = random.Random(seed), load_subjects()[:12], load_turns().refusals
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=count / 60 + seed)
    rows = []
    for number in range(count):
        subject = draw.randrange(len(subjects))
        row = {
            "id": f"log{seed}-{number}",
            "query": draw.choice(subjects[subject].asked),
            "occurred_at": (start + timedelta(minutes=number)).isoformat(),
            "session_id": f"session {seed}-{number}",
            "user_id": f"user {draw.randrange(150)}",
            "response": "It is done with the module that is named in the title.",
            "response_time": round(draw.uniform(0.2, 1.4), 4),
        }
        if number % 3:
            row["consciousness_level"] = round(draw.uniform(0.05, 0.2) if subject == POOR else draw.uniform(0.6, 1), 3)
        if number % 7 == 0:
            del row["response_time"]
        elif subject == SLOW:
            row["response_time"] = round(draw.uniform(5, 9), 4)
        if subject == FAULTY and draw.random() < 0.7:
            row |= {"error": "timeout", "response": None}
        if subject == UNSERVED:
            row |= {"response": draw.choice(refusals), "accepted": False, "feedback": -1}
        elif number % 5 == 0:
            row["feedback"] = 1
        rows.append(row)
    return rows


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def home(home_of, tmp_path_factory):
    """Of a user whose documents say nothing yet about most of what is asked."""
    documents = tmp_path_factory.mktemp("documents")
    subject = load_subjects()[UNSERVED]
    text = "\n\n".join(f"{question}\n\nUse {subject.answer[0]} for it." for question in subject.again)
    (documents / "missing.md").write_text(f"# {subject.title}\n\n{text}\n")
    return home_of(documents_path=documents, max_insights_per_cycle=50)


@pytest.fixture(scope="module")
def stack(home):
    with home.up("--no-flower", "--workers", "2") as (_, state):
        yield state


@pytest.fixture(scope="module")
def query(stack, ports, http, home):
    """Asks a real Prometheus that scrapes the exporter each second; None where there is none on this machine."""
    server = shutil.which("prometheus")
    if server is None:
        yield None
        return
    folder, (port,) = home.folder / "prometheus", ports(1)
    folder.mkdir()
    target = stack["exporter"].removeprefix("http://")
    scrape = f"{{job_name: kaizen, metrics_path: /kaizen/metrics, static_configs: [{{targets: ['{target}']}}]}}"
    (folder / "prometheus.yml").write_text(f"global: {{scrape_interval: 1s}}\nscrape_configs: [{scrape}]\n")
    paths = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    command = [server, *paths, f"--web.listen-address=127.0.0.1:{port}"]

    def ask(expression):
        path = expression.replace("+", "%2B").replace(" ", "%20")
        answer = http(f"http://127.0.0.1:{port}/api/v1/query?query={path}")
        return json.loads(answer[1])["data"]["result"] if answer and answer[0] == 200 else []

    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        yield ask
        process.terminate()


class Sent:
    """What was sent, kept by the sender: the other side of every count."""

    def __init__(self):
        self.rows, self.repeated, self.refused = {}, 0, 0

    def good(self, rows):
        for row in rows:
            self.repeated += row["id"] in self.rows
            self.rows[row["id"]] = row
        return rows

    def values(self, name):
        return [row[name] for row in self.rows.values() if row.get(name) is not None]


@pytest.fixture(scope="module")
def sent(stack, home, query, http, items, wait_until):
    """Two rounds of interactions by every door, an analysis after each; documents; steps in the life of insights."""
    sent, door = Sent(), stack["api"] + "/v1/interactions"
    if query is not None:  # only what rises between two scrapes has a rate
        wait_until(lambda: query("kaizen_up == 1"))
    log = make_log(FIRST, seed=1)

    status, receipt = http(door, [*sent.good(log[:150]), {"query": " "}, {"no": "query"}])
    assert (status, len(json.loads(receipt)["refused"])) == (202, 2)
    ndjson = lines(sent.good(log[100:200])) + BROKEN[0] + "\n"
    assert http(door, ndjson.encode(), kind="application/x-ndjson")[0] == 202
    assert http(door, {"query": ""})[0] == 422
    sent.refused += 4
    file = home.folder / "log.jsonl"
    file.write_text(lines(log[180:300]) + "\n".join(BROKEN) + "\n" + lines(log[300:]))
    for _ in range(2):
        pushed = home.run("push", file)
        sent.good(log[180:])
        sent.refused += len(BROKEN)
        assert pushed["refused"] == len(BROKEN)
    settle(stack, home, http, items, wait_until)

    documents = home.folder / "documents.jsonl"
    documents.write_text(lines([*DOCUMENTS, DOCUMENTS[1]]) + '{"title": "without text"}\n')
    assert home.run("kb", "add", documents)["refused"] == 1
    assert http(door, sent.good(make_log(SECOND, seed=2)))[0] == 202
    settle(stack, home, http, items, wait_until)
    live_through(stack, http, items)
    return sent


def settle(stack, home, http, items, wait_until):
    """Until all that was sent is analysed, and what is missing was searched for."""
    wait_until(lambda: json.loads(http(stack["exporter"] + "/kaizen/health")[1])["stream"]["depth"] == 0)
    assert home.run("analyze", "--wait")["status"] == "done"
    gaps = stack["api"] + "/v1/gaps"
    wait_until(lambda: not [gap for gap in items(gaps) if gap["status"] in {"open", "filling"}])


def live_through(stack, http, items):
    """One insight about a gap is applied, one reverted, one dismissed; each is asked for twice."""
    insights = stack["api"] + "/v1/insights"
    found = sorted(items(insights), key=lambda insight: insight["type"] != "gap")
    steps = [("apply",), ("apply", "revert"), ("dismiss",)]
    assert found[0]["type"] == "gap"
    for insight, actions in zip(found, steps, strict=False):
        for action in actions:
            assert [http(f"{insights}/{insight['id']}/{action}", b"")[0] for _ in range(2)] == [200, 200]


@pytest.fixture(scope="module")
def text(sent, stack, http):
    del sent
    return http(stack["exporter"] + "/kaizen/metrics")[1]


@pytest.fixture(scope="module")
def served(text):
    """Gives the value of a series by its name and labels."""
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return lambda name, **labels: samples[name, tuple(sorted(labels.items()))]


@pytest.fixture(scope="module")
def found(sent, stack, items):
    """Gives what the API lists."""
    del sent
    return lambda kind: items(f"{stack['api']}/v1/{kind}")


def steps(things):
    return Counter(step["event"] for thing in things for step in thing["history"])


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
    happened = steps(found("gaps"))
    assert served("kaizen_gapfill_triggers") == happened["searching"] > 0
    assert {outcome: served("kaizen_gapfill_runs_total", outcome=outcome) for outcome in RUN_OUTCOMES} == {
        outcome: happened[outcome] for outcome in RUN_OUTCOMES
    }
    assert happened["filled"] > 0


def test_the_knowledge_base_has_its_active_entries(served, found):
    entries = found("entries")
    active = [entry for entry in entries if entry["state"] == "active"]
    imported = [entry for entry in active if entry["provenance"]["source"] == "import"]
    assert len(imported) == len(DOCUMENTS)
    assert served("kaizen_knowledge_base_size") == len(active) > len(imported)


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

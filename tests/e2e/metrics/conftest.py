"""A stack that was sent a log with planted faults by every door, twice, with a Prometheus that looks on meanwhile."""

import json
import random
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kaizen_worker.helpdesk import load_subjects, load_turns

UNSERVED, FAULTY, SLOW, POOR, UNKNOWN = range(5)
FIRST, SECOND = 400, 60
BROKEN = ('{"query": ', '{"query": " "}', '{"query": "x", "response_time": -1}', '{"query": 7}')
DOCUMENTS = (
    {"id": "d1", "title": "Zip", "text": "zipfile.ZipFile packs and unpacks archives."},
    {"title": "Csv", "text": "csv.reader reads rows of a file."},
    {"title": "Json", "text": "json.loads reads a document from a string."},
)


def planted_subjects():
    """Twelve that are unlike each other: neighbours in the list are alike, and share topics."""
    return load_subjects()[::4][:12]


def make_log(count, *, seed):
    """Interactions of twelve subjects: two unserved, one with errors, one slow, one poor, the others good."""
    draw, subjects, refusals = random.Random(seed), planted_subjects(), load_turns().refusals
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
        if subject in {UNSERVED, UNKNOWN}:
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
    for missing in (UNSERVED, UNKNOWN):
        subject = planted_subjects()[missing]
        text = "\n\n".join(f"{question}\n\nUse {subject.answer[0]} for it." for question in subject.again)
        (documents / f"missing {missing}.md").write_text(f"# {subject.title}\n\n{text}\n")
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
def settle(stack, home, http, items, wait_until):
    """Waits until all that was sent is analysed, and what is missing was searched for."""

    def wait(number):
        metrics = stack["exporter"] + "/kaizen/metrics"
        wait_until(lambda: total(http(metrics)[1], "kaizen_interactions_total") == number)
        assert home.run("analyze", "--wait")["status"] == "done"
        gaps = stack["api"] + "/v1/gaps"
        wait_until(lambda: not [gap for gap in items(gaps) if gap["status"] in {"open", "filling"}])

    return wait


@pytest.fixture(scope="module")
def first(stack, home, query, http, wait_until):
    """A first round by every door: repeated, and with what is no interaction in between."""
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
        sent.good(log[180:])
        sent.refused += len(BROKEN)
        assert home.run("push", file)["refused"] == len(BROKEN)
    return sent


@pytest.fixture(scope="module")
def sent(first, stack, home, http, settle):
    """All of it: an analysis, documents, a second round, an analysis."""
    settle(len(first.rows))
    documents = home.folder / "documents.jsonl"
    documents.write_text(lines([*DOCUMENTS, DOCUMENTS[1]]) + '{"title": "without text"}\n')
    assert home.run("kb", "add", documents)["refused"] == 1
    assert http(stack["api"] + "/v1/interactions", first.good(make_log(SECOND, seed=2)))[0] == 202
    settle(len(first.rows))
    return first


@pytest.fixture(scope="module")
def found(sent, stack, http, items):
    """Gives what the API lists, after one insight about a gap was applied, one reverted, one dismissed, each twice."""
    del sent
    insights = stack["api"] + "/v1/insights"
    chosen = sorted(items(insights), key=lambda insight: insight["type"] != "gap")
    assert chosen[1]["type"] == "gap"
    for insight, actions in zip(chosen, [("apply",), ("apply", "revert"), ("dismiss",)], strict=False):
        for action in actions:
            assert [http(f"{insights}/{insight['id']}/{action}", b"")[0] for _ in range(2)] == [200, 200]
    return lambda kind: items(f"{stack['api']}/v1/{kind}")


def total(text, name):
    """Of a series over its labels."""
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == name)


@pytest.fixture(scope="module")
def text(found, stack, http, wait_until):
    del found

    def told():
        text = http(stack["exporter"] + "/kaizen/metrics")[1]
        return text if total(text, "kaizen_stream_depth") == 0 else None  # what waits is what a tick saw seconds ago

    return wait_until(told)


@pytest.fixture(scope="module")
def served(text):
    """Gives the value of a series by its name and labels."""
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return lambda name, **labels: samples[name, tuple(sorted(labels.items()))]

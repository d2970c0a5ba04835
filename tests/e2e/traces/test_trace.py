"""One trace from whoever asks for an analysis to the search for what was missing, and the ids that join what it found.

A whole installation with one worker: what assistants push, an analysis asked for over HTTP, and a search.
"""

import dataclasses
import json
import secrets
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from kaizen_api import jobs

ASKED = ["How do I freeze my stolen card?", "Card stolen, freeze it at once", "Freeze the card that was stolen please"]
SERVED = ["How do I change my address?", "Where can I update my street and city?", "I moved house, change my address"]
REFUSED = "Sorry, I don't have information about that."


def conversation(number):
    """Half about what is served, half about what is refused, and then denied by the user."""
    served = number % 2 == 0
    common = {"session_id": f"s{number}", "user_id": f"u{number}", "response_time": 0.3}
    query = (SERVED if served else ASKED)[number % 3]
    yield {"id": f"q{number}", "query": query, "response": "Open Profile." if served else REFUSED, **common}
    if not served:
        yield {"id": f"n{number}", "query": "no, that's not what I asked", **common}


class Caller:
    """Somebody whose own span the request is a part of."""

    def __init__(self, api):
        self._api = api
        self.trace, self.span = secrets.token_hex(16), secrets.token_hex(8)

    def send(self, path, body=None):
        headers = {"traceparent": f"00-{self.trace}-{self.span}-01", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self._api + path, content, headers), timeout=60) as reply:
            return json.loads(reply.read())


@pytest.fixture
def home(home_of, collector, tmp_path):
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "cards.md").write_text("# Stolen card\n\nTo freeze a stolen card, open Cards, then Freeze.\n")
    home = home_of(
        documents_path=documents,
        log_format="json",
        max_insights_per_cycle=50,
        confidence_threshold=0.5,
        gap_fill_max_retries=1,
    )
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    return dataclasses.replace(home, settings={**home.settings, **traced})


@pytest.mark.timeout(600)
def test_a_trace_goes_from_the_caller_to_the_search_and_ids_join_what_was_found(home, collector, wait_until):
    with home.up("--workers", "1", "--no-flower") as (_, state):
        pusher, analyst = Caller(state["api"]), Caller(state["api"])
        pusher.send("/v1/interactions", [one for number in range(120) for one in conversation(number)])
        wait_until(lambda: collector.named("commit"))
        cycle = analyst.send("/v1/analyses", {})["id"]
        analyst.send("/v1/knowledge?q=freeze+my+stolen+card&session_id=s1")
        wait_until(lambda: collector.named("search"))
        (filled,) = {span.parent for span in collector.named("search")}
        wait_until(lambda: any(span.id == filled for span in collector.named(jobs.FILL)))
        shown = home.run("interaction", "q1")
        gap = home.run("gaps", "show", shown["trail"]["gaps"][0])
        exposition = metrics(state["exporter"])
        lines = [json.loads(line) for line in Path(state["log"]).read_text().splitlines() if line.startswith("{")]

    check_pushed(collector, pusher)
    check_analysed(collector, analyst, cycle)
    check_joined(shown, gap, lines, cycle=cycle, traces={"pushed": pusher.trace, "analysed": analyst.trace})
    assert {"trace_id": analyst.trace, "cycle_id": cycle} in exemplars(exposition, "kaizen_analysis_duration_seconds")
    (answered,) = exemplars(exposition, "kaizen_response_time_seconds")
    assert answered["trace_id"] == pusher.trace
    assert answered["interaction_id"][0] in "qn"
    jobs_done = exemplars(exposition, "kaizen_job_duration_seconds")
    assert {span.attributes["kaizen.job_id"] for span in collector.named(jobs.FILL)} & {
        one["job_id"] for one in jobs_done
    }
    for said in (b"stolen", b"freeze", b"address", b"Sorry"):
        assert not any(said in body for body in collector.bodies), "no text of anybody"
    assert not collector.named(jobs.TICK), "what is done every few seconds is no trace"


def metrics(exporter):
    asked = urllib.request.Request(exporter + "/kaizen/metrics", headers={"Accept": "application/openmetrics-text"})
    with urllib.request.urlopen(asked, timeout=30) as reply:
        return reply.read().decode()


def exemplars(exposition, name):
    families = text_string_to_metric_families(exposition)
    return [one.exemplar.labels for family in families if family.name == name for one in family.samples if one.exemplar]


def check_pushed(collector, pusher):
    """The request within its caller's trace, and the commit with a link to it."""
    (request,) = collector.named("POST /v1/interactions")
    assert (request.trace, request.parent, request.service) == (pusher.trace, pusher.span, "kaizen-api")
    assert request.attributes["http.response.status_code"] == 202
    assert request.attributes["kaizen.tenant"] == "default"
    commits = collector.named("commit")
    assert {link for commit in commits for link in commit.links} == {f"{request.trace}-{request.id}"}
    consumed = {span.id: span for span in collector.named(jobs.CONSUME)}
    assert {consumed[commit.parent].service for commit in commits} == {"kaizen-worker"}
    assert {commit.trace for commit in commits}.isdisjoint({pusher.trace}), "many callers have one commit"


def check_analysed(collector, analyst, cycle):
    """Each span under the one that asked for it."""
    (request,) = collector.named("POST /v1/analyses")
    assert (request.trace, request.parent) == (analyst.trace, analyst.span)
    (analysis,) = collector.named(jobs.ANALYZE)
    assert (analysis.trace, analysis.parent, analysis.service) == (request.trace, request.id, "kaizen-worker")
    assert analysis.attributes["kaizen.cycle_id"] == cycle
    steps = [span for span in collector.seen if span.name.startswith("analysis ")]
    assert [step.name for step in steps][:2] == ["analysis read", "analysis embed"]
    assert {step.parent for step in steps} == {analysis.id}
    fills = {span.id: span for span in collector.named(jobs.FILL)}
    assert {fill.parent for fill in fills.values()} == {analysis.id}
    for search in collector.named("search"):
        assert search.trace == analyst.trace
        assert search.attributes["kaizen.source"] == "folder"
        assert search.attributes["kaizen.breaker"] == "default/folder"
        assert search.attributes["kaizen.gap_id"] == fills[search.parent].attributes["kaizen.gap_id"]
    (looked_up,) = collector.named("GET /v1/knowledge")
    assert looked_up.trace == analyst.trace


def check_joined(shown, gap, lines, *, cycle, traces):
    """From the interaction to its trace, analysis, insight, gap and entry, and the same in the log's lines."""
    trail = shown["trail"]
    assert (trail["trace"], trail["analysis"], trail["gaps"]) == (traces["pushed"], cycle, [gap["id"]])
    assert trail["entries"] == gap["entries"]
    assert gap["entries"]
    about = [line for line in lines if line.get("gap_id") == gap["id"]]
    found = next(line for line in about if "interaction_ids" in line)
    assert found["insight_id"] == gap["insight"]
    assert found["insight_id"] in {one["id"] for one in trail["insights"]}
    assert (found["cycle_id"], found["trace_id"]) == (cycle, traces["analysed"])
    (kept,) = [line for line in about if "entry_ids" in line]
    assert (kept["entry_ids"], kept["insight_id"]) == (gap["entries"], gap["insight"])
    assert kept["trace_id"] == traces["analysed"]

"""A gap's whole way through real workers, while the source of documents goes away and comes back.

The log shows that something cannot be answered; the search for it fails until the breaker opens; the source heals, the
breaker probes and closes; what is found is let in, and the assistant gets it. All of it can be seen in the metrics, in
Flower, and in the history of the gap.
"""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from kaizen_api import jobs

BREAKER = 'breaker="default/folder"'
ASKED = [
    "How do I freeze my stolen card?",
    "Card stolen, freeze it at once",
    "Freeze the card that was stolen please",
]
SERVED = ["How do I change my address?", "Where can I update my street and city?", "I moved house, change my address"]
ANSWER = "To freeze a stolen card, open the app, choose Cards, then Freeze."


def conversation(number):
    """Half about what is served, half about what is refused, and then denied by the user."""
    at = datetime.now(UTC) - timedelta(minutes=10 * (121 - number))
    common = {"session_id": f"s{number}", "user_id": f"u{number}"}
    served = number % 2 == 0
    query = (SERVED if served else ASKED)[number % 3]
    response = "Open Profile, then Address." if served else "Sorry, I don't have information about that."
    yield {"id": f"q{number}", "query": query, "response": response, "occurred_at": at.isoformat(), **common}
    if not served:
        later = (at + timedelta(seconds=20)).isoformat()
        yield {"id": f"n{number}", "query": "no, that's not what I asked", "occurred_at": later, **common}


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source") / "documents"
    folder.mkdir()
    (folder / "cards.md").write_text(f"# Stolen card\n\n{ANSWER}\n")
    return folder


@pytest.fixture(scope="module")
def home(home_of, documents):
    return home_of(
        documents_path=documents,
        gap_fill_max_retries=2,
        gap_fill_backoff_seconds=60,
        max_insights_per_cycle=50,
        confidence_threshold=0.5,
        hold_out=0,
    )


@pytest.mark.timeout(900)
def test_a_gap_becomes_an_entry_though_its_source_was_away(home, documents, http, wait_until):
    away = documents.rename(documents.with_name("away"))
    with home.up("--workers", "2") as (_, state):

        def said(line):
            return line in http(state["exporter"] + "/kaizen/metrics")[1]

        def shown(gap):
            return home.run("gaps", "show", gap, "--data-dir", home.data)

        def knows():
            url = f"{state['api']}/v1/knowledge?q={quote('freeze my stolen card')}&session_id=s1"
            return json.loads(http(url)[1])["entries"]

        log = home.folder / "log.jsonl"
        log.write_text("".join(json.dumps(one) + "\n" for number in range(120) for one in conversation(number)))
        home.run("push", log)
        assert home.run("analyze", "--wait")["gaps"] >= 1
        gaps = [gap["id"] for gap in home.run("gaps")["items"] if any("stolen" in query for query in gap["queries"])]
        (gap,) = gaps

        wait_until(lambda: said(f'kaizen_breaker_state{{{BREAKER},state="open"}} 1.0'))
        (breaker,) = [one for one in home.run("breaker", "list")["items"] if one["name"] == "default/folder"]
        assert breaker["state"] == "open"
        assert shown(gap)["status"] in {"open", "filling"}
        assert knows() == []

        away.rename(documents)
        wait_until(lambda: shown(gap)["status"] == "proposed")
        assert said(f'kaizen_breaker_state{{{BREAKER},state="closed"}} 1.0')
        for change in ("open", "half_open", "closed"):
            assert said(f'kaizen_breaker_transitions_total{{{BREAKER},state="{change}"}} 1.0')
        events = Counter(step["event"] for step in shown(gap)["history"])
        assert events["failed"] >= 2
        assert events["filled"] == 1
        assert said('kaizen_gapfill_runs_total{outcome="filled"} 1.0')
        assert knows() == [], "it waits for somebody's approval"

        home.run("insights", "apply", shown(gap)["insight"])
        (entry,) = wait_until(knows)
        assert ANSWER in entry["text"]
        assert (entry["provenance"]["gap"], entry["provenance"]["source"]) == (gap, "folder")
        assert shown(gap)["status"] == "filled"
        assert said("kaizen_knowledge_base_size 1.0")

        login = f"kaizen:{Path(state['flower_password']).read_text()}"
        tasks = json.loads(
            http(f"{state['flower']}/api/tasks?taskname={jobs.FILL}&limit=1000", login=login)[1]
        ).values()
        told = Counter(task["result"] for task in tasks if gap in task["kwargs"] and task["state"] == "SUCCESS")
        assert told["'failed'"] >= 2
        assert told["'filled'"] == 1

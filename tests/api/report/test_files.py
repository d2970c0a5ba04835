import dataclasses
import json
import re

import msgspec
import pytest
from msgspec import structs

from kaizen_api import keys
from kaizen_api.critic import Critic
from kaizen_api.feed import Tally
from kaizen_api.formats import Refused
from kaizen_api.queries import Queries
from kaizen_api.report import read_results, write_report
from kaizen_api.schema import Cycle, Gap, Insight, Interval, Step, Topic

AT = 1_700_000_000_000_000
EVIL = "gpj.exe\u202e\u2066\x1b[2J <script>alert('x')</script> & {{ 7 * 7 }}"


@pytest.fixture
def results(redis):
    """Of an analysis that left one of each kind."""
    topic = Topic(
        id="t1", name="card pin", size=3, failure_rate=0.5, exemplars=[EVIL], history=[Step(at=AT, event="born")]
    )
    insight = Insight(
        id="i1",
        type="gap",
        description=f"unserved {EVIL}",
        confidence=0.987,
        effect=Interval(estimate=0.25, low=0.2, high=0.3, unit="share"),
        evidence=["x1"],
        recommendation="write it down",
        topic="t1",
        history=[Step(at=AT, event="proposed")],
    )
    gap = Gap(id="g1", topic="t1", diagnosis="missing", users=4, queries=[EVIL], history=[Step(at=AT, event="opened")])
    gap = msgspec.structs.replace(gap, deficit=0.481, coverage=0.25)
    redis.hset(keys.snapshot("default"), "topics", msgspec.msgpack.encode([topic]))
    for kind, thing in (("insight", insight), ("gap", gap)):
        redis.hset(keys.objects("default", kind), thing.id, msgspec.msgpack.encode(thing))
        redis.zadd(keys.order("default", kind), {thing.id: 1})
    chunks = {"0": [("x1", "t1"), ("x2", None)], "1": [("x3", "t1")]}
    key = keys.assignments("default", "y1")
    redis.hset(key, mapping={name: msgspec.msgpack.encode(rows) for name, rows in chunks.items()})
    redis.expire(key, 1000)
    cycle = Cycle(id="y1", tenant="default", status="done", interactions=3, topics=1, noise=1, insights=1, gaps=1)
    cycle.kinds = {"question": 2, "follow_up": 1}
    tally = Tally(accepted=3, duplicate=1, refused=1, refusals=[Refused("log:7", EVIL)])
    return read_results(Queries(redis, tenant="default"), cycle, tally)


@pytest.fixture
def folder(results, tmp_path):
    write_report(results, tmp_path / "deep" / "out")
    return tmp_path / "deep" / "out"


def load(folder, name):
    return json.loads((folder / name).read_text())


def test_every_interaction_has_a_line_with_its_topic(folder):
    lines = (folder / "assignments.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": "x1", "topic": "t1"},
        {"id": "x2", "topic": None},
        {"id": "x3", "topic": "t1"},
    ]


def test_the_lists_hold_what_was_found(folder):
    assert [topic["id"] for topic in load(folder, "topics.json")] == ["t1"]
    assert load(folder, "insights.json")[0]["effect"]["estimate"] == 0.25
    assert load(folder, "gaps.json")[0]["queries"] == [EVIL]


def test_nothing_depends_on_when_it_ran(folder):
    for name in ("topics.json", "insights.json", "gaps.json", "report.json", "report.html"):
        text = (folder / name).read_text()
        assert "2023-11-14" not in text
        assert str(AT) not in text


def test_the_summary_counts_types_and_names_refusals(folder):
    summary = load(folder, "report.json")
    assert (summary["accepted"], summary["duplicate"], summary["refused"]) == (3, 1, 1)
    assert summary["refusals"] == [{"place": "log:7", "reason": EVIL}]
    assert summary["types"] == {"gap": 1}
    assert summary["cycle"]["status"] == "done"
    assert summary["findings"][0]["recommendation"] == "write it down"


def test_the_page_shows_all_of_it(folder):
    page = (folder / "report.html").read_text()
    for part in ("card pin", "write it down", "98.7% sure", "missing", "3 accepted, 1 duplicate, 1 refused", "log:7"):
        assert part in page


def told(results, tmp_path, **changed):
    """The page of results that have other insights or gaps, its text without line ends."""
    page = write_report(dataclasses.replace(results, **changed), tmp_path).read_text()
    return " ".join(page.split())


def test_a_difference_is_in_points_and_a_share_in_per_cent(results, tmp_path):
    [gap], [insight] = results.gaps, results.insights
    page = told(results, tmp_path)
    assert "<dt>Why</dt><dd>+25.0 points (95 % interval +20.0 to +30.0);" in page
    assert "<dt>Failures</dt><dd>+48.1 points against the other topics</dd>" in page
    assert "<dt>Coverage</dt><dd>25.0% of its queries" in page
    measured = {"estimate": 0.481, "low": -0.0125, "high": None, "unit": "share"}
    slow = {**insight, "effect": {"estimate": 2.345678, "low": None, "high": 12.0, "unit": "s"}}
    page = told(results, tmp_path, gaps=[{**gap, "deficit_interval": measured}], insights=[slow])
    assert "<dt>Failures</dt><dd>+48.1 points (95 % interval -1.2 to ?) against the other topics</dd>" in page
    assert "<dt>Why</dt><dd>2.35 s (95 % interval ? to 12);" in page


def test_response_times_have_a_column_where_there_are_any(results, tmp_path):
    [topic] = results.topics
    page = told(results, tmp_path)
    assert '<td class="right">50.0%</td> <td class="right">0.0%</td> <td>' in page
    assert "95 % within" not in page
    slow = {**topic, "id": "t2", "signs": {"error": 0.0416}, "response_time_p95": 2.345678}
    page = told(results, tmp_path, topics=[slow, topic])
    assert '<td class="right">4.2%</td> <td class="right">2.35 s</td>' in page
    assert '<td class="right">0.0%</td> <td class="right"></td>' in page
    assert page.count("95 % within") == 1


def test_scores_are_told_where_there_are_any(results, tmp_path):
    assert "<h2>Scores</h2>" not in told(results, tmp_path)
    useless = Critic(weight=0.0, auc=0.51, failed=30, succeeded=200, by="ratings")
    judged = structs.replace(results.cycle, critics={"polite": useless})
    page = told(results, tmp_path, cycle=judged)
    assert "<li>polite does not predict which answers fail: weight 0 (AUC 0.51, 30 failures" in page
    assert load(tmp_path, "report.json")["critics"]["polite"]["weight"] == 0.0


def test_what_users_wrote_is_escaped(folder):
    page = (folder / "report.html").read_text()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 5
    assert "{{ 7 * 7 }}" in page


def test_nothing_in_the_page_turns_round_what_is_read(folder):
    page = (folder / "report.html").read_text()
    assert "gpj.exe" in page
    assert not set(page) & set("\x1b\u202e\u2066")


def test_the_page_stands_alone(folder):
    page = (folder / "report.html").read_text()
    assert re.findall(r"(?:src|href|url\(|@import)\s*=?", page) == []


def test_a_page_without_findings_says_so(redis, tmp_path):
    cycle = Cycle(id="y1", tenant="default", status="insufficient_data", interactions=2)
    results = read_results(Queries(redis, tenant="default"), cycle, Tally(accepted=2))
    page = write_report(results, tmp_path).read_text()
    for part in ("too few interactions", "Nothing stands out.", "No topics.", "No topic is left unserved."):
        assert part in page
    assert load(tmp_path, "topics.json") == []
    assert (tmp_path / "assignments.jsonl").read_text() == ""


def test_the_kinds_of_request_have_counts_and_shares(folder):
    kinds = load(folder, "report.json")["kinds"]
    assert [(one["kind"], one["interactions"]) for one in kinds] == [("question", 2), ("follow_up", 1)]
    page = (folder / "report.html").read_text()
    assert '<td>follow-up</td><td class="right">1</td><td class="right">33.3%</td>' in page


def test_an_insight_says_how_sure_it_is_and_against_what(folder):
    page = (folder / "report.html").read_text()
    assert "of 100 findings as sure as this one, about 99 are real, and the rest is chance" in page
    assert "<dt>Against</dt><dd>its limit</dd>" in page

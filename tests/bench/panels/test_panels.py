"""Every panel's query on a live Prometheus that scraped a live Kaizen through the whole demo.

.venv/bin/python -m pytest -q -s tests/bench/panels

None errs, none is empty or infinite, legends name labels that are there, values fit their units, and what the demo
itself knows is what the panels show. A panel that shows zeros alone says here why.
"""

import json
import math
import re

import pytest
from redis import Redis

pytestmark = pytest.mark.timeout(900)

BOARD = "ops/grafana/dashboards/kaizen.json"
RATE = "1m"
"""What Grafana puts in for `$__rate_interval` where it is told to look at the last minutes: more than four scrapes."""

ZERO = {
    "Effects by verdict": "the demo ends before each single change is measured to its end",
    "Harm": "nothing that the demo applies does harm",
    "Live patterns": "the demo's days lie in the past: answers older than ten minutes at their commit do not count",
    "Failed analyses": "both analyses succeed",
    "Cancelled analyses": "nobody cancels one",
    "Breakers that are not closed": "its one source is a folder that is always there",
    "Changes of breakers": "its one source is a folder that is always there",
    "Rotations": "they are daily",
    "Jobs that began again": "no worker is lost",
    "Dead letters": "all that is asked can be processed",
    "New dead letters": "all that is asked can be processed",
    "Dead letters beyond the limit": "all that is asked can be processed",
    "Evictions": "Kaizen's Redis never evicts",
}


@pytest.fixture(scope="session")
def shown(looked, request):
    """Title → (unit, series as it is drawn: (labels, legend, values))."""
    board = json.loads((request.config.rootpath / BOARD).read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    titles = [panel["title"] for panel in panels]
    assert len(set(titles)) == len(titles)
    return {
        panel["title"]: (
            panel["fieldConfig"]["defaults"]["unit"],
            [row for target in panel["targets"] for row in drawn(looked, target, stat=panel["type"] == "stat")],
        )
        for panel in panels
    }


def drawn(looked, target, *, stat):
    """What Grafana draws of a query; a number shows the last value, a graph all of them."""
    whole = f"{math.ceil(looked.ended - looked.began)}s"
    expression = target["expr"].replace("$__rate_interval", RATE).replace("$__range", whole)
    expression = re.sub(r"\$\w+", ".+", expression)
    found = looked.now(expression) if stat else looked.range(expression)
    for series in found:
        values = [series["value"]] if stat else series["values"]
        yield series["metric"], target.get("legendFormat", ""), [float(value) for _, value in values]


def values(shown, title):
    """The numbers that it shows, without the times of which there are none."""
    return [value for _, _, found in shown[title][1] for value in found if not math.isnan(value)]


def test_none_is_empty(shown):
    lines = []
    for title, (unit, series) in shown.items():
        found = values(shown, title)
        span = f"{min(found):.6g} to {max(found):.6g}" if found else "EMPTY"
        lines.append(f"{title:32} {unit:12} {len(series):3} series  {span}{zero(title, found)}")
    print("\n" + "\n".join(lines))
    assert [title for title in shown if not values(shown, title)] == []


def zero(title, found):
    return f"  ({ZERO.get(title, 'NO REASON')})" if not any(found) else ""


def test_zeros_alone_have_a_reason(shown):
    assert {title for title in shown if not any(values(shown, title))} <= set(ZERO)


def test_none_is_infinite(shown):
    assert [title for title in shown if any(map(math.isinf, values(shown, title)))] == []


def test_legends_name_labels_that_are_there(shown):
    for title, (_, series) in shown.items():
        legends = [re.sub(r"\{\{(\w+)\}\}", lambda name: labels[name[1]], text) for labels, text, _ in series]  # noqa: B023  # called at once
        assert len(set(legends)) == len(legends), f"{title}: two series are called the same"


def test_values_fit_their_units(shown, looked):
    seconds = looked.ended - looked.began
    most = {"percentunit": 1, "percent": 100, "s": seconds, "reqps": 1_000}
    for title, (unit, _) in shown.items():
        found = values(shown, title)
        assert min(found) >= 0, title
        assert max(found) <= most.get(unit, math.inf), title
    assert max(values(shown, "Error rate")) > 1, "percent, not a share"
    assert max(values(shown, "Memory")) > 1_000_000, "bytes"


def test_they_show_what_the_demo_knows(shown, looked):
    """Counts that it printed and that its own Redis has."""
    interactions = sum(looked.told["interactions"])
    (counted,) = looked.now("sum(kaizen_interactions_total)")
    assert float(counted["value"][1]) == interactions
    assert looked.told["topics"] in values(shown, "Topics")
    assert sum(values(shown, "Analyses")) == pytest.approx(2, rel=0.2)
    rates = [sum(column) for column in zip(*(found for _, _, found in padded(shown, "Interactions")), strict=True)]
    seen = 2 * sum(rates)  # one at each two seconds; the last minute's are not over
    assert 0.9 * looked.told["interactions"][0] <= seen <= 1.1 * interactions
    with Redis.from_url(looked.told["running"]["redis"]) as redis:
        used = redis.info("memory")["used_memory"]
    assert max(values(shown, "Memory")) == pytest.approx(used, rel=0.5)


def padded(shown, title):
    """Its series, as long as the longest, which ends last."""
    series = shown[title][1]
    longest = max(len(found) for _, _, found in series)
    return [(labels, text, [0.0] * (longest - len(found)) + found) for labels, text, found in series]

"""The dashboard: made of the metric table, by Grafana's rules, and no panel is empty on a live Prometheus."""

import json
import math
import re
import runpy
import subprocess
import sys
from itertools import product

import pytest
import yaml

from kaizen_api import keys
from kaizen_api.metrics import METRICS, field, observation
from kaizen_api.metrics.table import RECENT

BREAKER = "acme/folder"
UNITS = {"short", "percent", "percentunit", "s", "bytes", "reqps"}


@pytest.fixture(scope="module")
def board(ops):
    return json.loads((ops / "grafana/dashboards/kaizen.json").read_text())


@pytest.fixture(scope="module")
def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


@pytest.fixture(scope="module")
def without(ops):
    return runpy.run_path(str(ops / "grafana/panels.py"))["WITHOUT"]


def targets(panels):
    return [(panel["title"], target["expr"]) for panel in panels for target in panel["targets"]]


def names(metric):
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(metric.type, ("",))
    return {metric.name + suffix for suffix in suffixes}


def test_the_file_is_what_the_code_builds(ops, tmp_path):
    code = f"import sys; sys.path.insert(0, {str(ops / 'grafana')!r}); import build; print(build.build(), end='')"
    built = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert (ops / "grafana/dashboards/kaizen.json").read_text() == built.stdout, "run `make docs`"


def test_every_metric_has_a_panel_or_a_reason(panels, without):
    shown = {name for _, expression in targets(panels) for name in re.findall(r"kaizen_\w+", expression)}
    bare = {metric.name for metric in METRICS if not names(metric) & shown}
    assert bare == set(without)
    assert shown <= set().union(*map(names, METRICS))


def test_variables_are_as_grafanas_rules_want_them(board):
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert [name for name, one in variables.items() if one["type"] == "datasource"] == ["datasource"]
    for name in ("job", "instance", "tenant"):
        one = variables[name]
        assert (one["multi"], one["includeAll"], one["allValue"]) == (True, True, ".+")
        assert one["datasource"]["uid"] == "${datasource}"


def test_panels_are_as_grafanas_rules_want_them(board, panels):
    assert board["editable"] is False
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    for panel in panels:
        assert panel["title"]
        assert panel["description"]
        assert panel["targets"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


def test_queries_are_as_grafanas_rules_want_them(panels):
    counters = set().union(*(names(metric) for metric in METRICS if metric.type in {"counter", "histogram"}))
    for title, expression in targets(panels):
        selectors = re.findall(r"(\w+)\{([^}]*)\}(\[[^]]*\])?", expression)
        assert selectors, title
        for name, labels, window in selectors:
            assert 'job=~"$job"' in labels
            assert 'instance=~"$instance"' in labels
            assert (name in counters) <= (window in {"[$__rate_interval]", "[$__range]"}), title
        assert len(re.findall(r"\b(?:rate|increase)\(\w+\{", expression)) == sum(bool(one[2]) for one in selectors)


def test_units_are_those_of_the_table(panels):
    units = {name: metric.unit for metric in METRICS for name in names(metric)}
    for panel in panels:
        for target in panel["targets"]:
            unit, (name, *_) = panel["fieldConfig"]["defaults"]["unit"], re.findall(r"\w+(?=\{)", target["expr"])
            if "/" in target["expr"]:
                assert unit == "percentunit"
            elif "rate(" in target["expr"] and "histogram_quantile" not in target["expr"]:
                assert unit == "reqps"
            elif name in units:
                assert unit == units[name], panel["title"]


def test_alerts_are_drawn_and_help_is_linked(board):
    (alerts,) = [one for one in board["annotations"]["list"] if one["name"] == "Alerts"]
    assert "ALERTS" in alerts["expr"]
    assert {link["title"] for link in board["links"]} == {"Runbooks", "Flower"}


def test_what_is_provisioned_is_where_it_is_looked_for(ops):
    provisioning = ops / "grafana/provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards/kaizen.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")


def happen(redis, step):
    """All that can be counted happens, by what the table says."""
    pipe = redis.pipeline()
    for metric in METRICS:
        closed = [(name, values or (BREAKER,)) for name, values in metric.labels if name != "tenant"]
        for values in product(*(values for _, values in closed)):
            labels = dict(zip([name for name, _ in closed], values, strict=True))
            if metric.type == "histogram":
                for series, count in observation(metric.name, 0.3 * step, **labels).items():
                    pipe.hincrby(keys.ROLLUP, series, count)
            else:
                pipe.hincrby(keys.ROLLUP, field(metric.name, **labels), step)
    for name in RECENT:
        pipe.hincrby(keys.ROLLUP, field(name), step)
    pipe.sadd(keys.BREAKERS, BREAKER)
    pipe.zincrby(keys.BUSIEST, step, "acme")
    pipe.incrby(keys.TICKS, step)
    pipe.execute()


@pytest.fixture(scope="module")
def live(exporter, prometheus):
    """A Prometheus that looks at a Kaizen in which all has happened."""
    target = f"static_configs: [{{targets: ['{exporter.address}']}}]"
    scrape = f"{{job_name: kaizen, metrics_path: /kaizen/metrics, {target}}}"
    server = prometheus(f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs: [{scrape}]\n")
    return server, exporter.redis


def test_no_panel_is_empty_on_a_live_prometheus(live, panels, wait_until):
    server, redis = live
    happen(redis, 1)
    wait_until(lambda: server.query("kaizen_up == 1"))

    def empty():
        happen(redis, 2)
        return [title for title, text in targets(panels) if all(map(math.isnan, asked(server, text)))]

    wait_until(lambda: not empty())
    assert [text for _, text in targets(panels) if any(map(math.isinf, asked(server, text)))] == []


def asked(server, expression):
    """The values of a panel's query, with all that Grafana puts in."""
    for name, value in (("__rate_interval", "1m"), ("__range", "1m")):
        expression = expression.replace(f"${name}", value)
    return [float(row["value"][1]) for row in server.query(re.sub(r"\$\w+", ".+", expression))]

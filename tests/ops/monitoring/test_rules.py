"""Rules and alerts: valid, each with a runbook, a case in which it fires and one in which it is silent."""

import re

import pytest
import yaml


@pytest.fixture(scope="session")
def alerts(ops):
    groups = yaml.safe_load((ops / "prometheus/alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


@pytest.fixture(scope="session")
def cases(ops):
    files = sorted((ops / "prometheus/tests").glob("*.yml"))
    return [case for file in files for case in yaml.safe_load(file.read_text())["tests"]]


def test_the_configuration_is_valid(promtool):
    done = promtool("check", "config", "--lint=all", "--lint-fatal", "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_valid(promtool):
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", "recording.yml", "alerts.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_does_what_its_cases_say(promtool, ops):
    files = sorted(path.name for path in (ops / "prometheus/tests").glob("*.yml"))
    done = promtool("test", "rules", *(f"tests/{file}" for file in files))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent(alerts, cases):
    fires, silent = set(), set()
    for case in cases:
        (expected,) = case["promql_expr_test"]
        (name,) = re.findall(r'alertname="(\w+)"', expected["expr"])
        assert case["name"].startswith(name)
        assert f'severity="{alerts[name]["labels"]["severity"]}"' in expected["expr"]
        (fires if expected["exp_samples"] else silent).add(name)
    assert fires == silent == set(alerts)


def test_every_alert_has_a_runbook_that_says_all_it_should(alerts, ops):
    runbooks = {path.stem: path.read_text() for path in (ops / "runbooks").glob("Kaizen*.md")}
    assert set(runbooks) == set(alerts)
    for name, text in runbooks.items():
        assert alerts[name]["annotations"]["runbook_url"] == f"ops/runbooks/{name}.md"
        assert re.findall(r"^#+ (.*)$", text, re.MULTILINE) == [name, "Look at", "Do", "It is over when"]


def test_every_alert_says_how_grave_it_is_and_what_is_wrong(alerts):
    for rule in alerts.values():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert {"summary", "description", "runbook_url"} == set(rule["annotations"])

"""Prometheus' own page of alerts in a real browser: what an operator sees when one of ours fires on a live pair."""

import re
import shutil
import subprocess

import pytest
import yaml
from selectolax.lexbor import LexborHTMLParser

from kaizen_api import keys


@pytest.fixture
def page(tmp_path):
    """Opens an address in a browser: what is to be read there."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium on PATH: install Debian's package chromium")
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    apart = [f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=10000", "--dump-dom"]

    def read(address):
        done = subprocess.run([browser, *quiet, *apart, address], capture_output=True, check=False, timeout=150)
        body = LexborHTMLParser(done.stdout.decode()).body
        return re.sub(r"\s+", " ", body.text(separator=" ")) if body else ""

    return read


@pytest.fixture
def looking(prometheus, exporter, ops, tmp_path):
    """A Prometheus with the rules as they are deployed, without their patience, that looks at Kaizen each second."""
    settings = yaml.safe_load((ops / "prometheus/prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    del settings["alerting"]
    settings["scrape_configs"][0]["static_configs"][0]["targets"] = [exporter.address]
    rules = yaml.safe_load((ops / "prometheus/alerts.yml").read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        rule.pop("for", None)
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(rules))
    settings["rule_files"] = [str(ops / "prometheus/recording.yml"), str(tmp_path / "alerts.yml")]
    return prometheus(yaml.safe_dump(settings))


def states(server):
    """Alert → what is the matter with it."""
    groups = (server.get("rules", type="alert") or {"groups": []})["groups"]
    return {rule["name"]: rule["state"] for group in groups for rule in group["rules"]}


def test_an_alert_that_fires_is_seen_there_with_what_is_wrong(looking, exporter, page, wait_until):
    wait_until(lambda: states(looking) and looking.query("kaizen_up == 1"))
    exporter.redis.sadd(keys.TENANTS, "acme")
    exporter.redis.xadd(keys.dead("acme"), {"r": b"x"})
    wait_until(lambda: states(looking)["KaizenDeadLetters"] == "firing")
    text = page(f"{looking.url}/classic/alerts")
    counted = {word: int(re.search(rf"{word} \((\d+)\)", text)[1]) for word in ("Inactive", "Pending", "Firing")}
    assert sum(counted.values()) == len(states(looking))
    assert counted["Firing"] >= 1
    shown = text[text.index("KaizenDeadLetters (1 active)") :].partition("KaizenLossBudgetFast")[0]
    assert "max without (instance) (kaizen_dead_letters) > 0" in shown
    assert "runbook_url: ops/runbooks/KaizenDeadLetters.md" in shown
    firing = r'alertname="KaizenDeadLetters" .*severity="warning" firing .* 1 interactions could not be processed'
    assert re.search(firing, shown)

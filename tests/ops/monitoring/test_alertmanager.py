"""Who hears of an alert: by the routes, and by one that travels from a real Prometheus to a real receiver."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from kaizen_api import keys


@pytest.fixture
def receiver():
    """Listens for messages: (path, what came)."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()
        serving.join()


def test_the_configuration_is_valid(amtool, ops):
    done = amtool("check-config", ops / "alertmanager/alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["severity=critical"], "critical"),
        (["severity=warning"], "warnings"),
        (["severity=warning", "tenant=acme"], "tenants"),
        (["severity=critical", "tenant=acme"], "critical"),
        ([], "warnings"),
    ],
)
def test_an_alert_reaches_whom_it_concerns(amtool, ops, labels, receiver):
    config = ops / "alertmanager/alertmanager.yml"
    done = amtool("config", "routes", "test", f"--config.file={config}", f"--verify.receivers={receiver}", *labels)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def alertmanager(start, tool, free_port, receiver, tmp_path):
    """Starts one with those routes, at once instead of in half a minute: its address."""

    def run(config):
        routes = yaml.safe_load(config.replace("http://notify:8000", receiver[0]))
        for route in (routes["route"], *routes["route"]["routes"]):
            route |= {"group_wait": "0s", "group_interval": "1s"}
        (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(routes))
        address = f"127.0.0.1:{free_port()}"
        paths = (f"--config.file={tmp_path / 'alertmanager.yml'}", f"--storage.path={tmp_path / 'data'}")
        path = tool("prometheus-alertmanager", "prometheus-alertmanager")
        start(path, *paths, f"--web.listen-address={address}", "--cluster.listen-address=")
        return address

    return run


@pytest.fixture
def watched(prometheus, alertmanager, exporter, ops, tmp_path):
    """The server that is watched with the files as they are deployed, but for addresses and intervals."""
    settings = yaml.safe_load((ops / "prometheus/prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    address = alertmanager((ops / "alertmanager/alertmanager.yml").read_text())
    settings["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [address]
    settings["scrape_configs"][0]["static_configs"][0]["targets"] = [exporter.address]
    rules = yaml.safe_load((ops / "prometheus/alerts.yml").read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        rule.pop("for", None)
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(rules))
    settings["rule_files"] = [str(ops / "prometheus/recording.yml"), str(tmp_path / "alerts.yml")]
    prometheus(yaml.safe_dump(settings))
    return exporter.redis


def test_one_travels_to_its_receiver_and_is_said_to_be_over(watched, receiver, wait_until):
    def told(status):
        return [
            (path, alert)
            for path, message in receiver[1]
            for alert in message["alerts"]
            if alert["labels"]["alertname"] == "KaizenDeadLetters" and alert["status"] == status
        ]

    watched.sadd(keys.TENANTS, "acme")
    watched.xadd(keys.dead("acme"), {"r": b"x"})
    path, alert = wait_until(lambda: told("firing"))[0]
    assert path == "/warnings"
    assert alert["annotations"]["summary"] == "1 interactions could not be processed."
    assert alert["annotations"]["runbook_url"] == "ops/runbooks/KaizenDeadLetters.md"
    watched.delete(keys.dead("acme"))
    wait_until(lambda: told("resolved"))

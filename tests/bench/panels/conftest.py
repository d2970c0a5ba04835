"""The demo, and a Prometheus with the rules as they are deployed that scrapes it from its beginning to its end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

OPS = Path(__file__).parents[3] / "ops"
SCRAPE = 2
"""Seconds between scrapes; deployed: 30, of which the demo would see three."""

_PATIENCE = 400


@dataclass(frozen=True, slots=True)
class Looked:
    """A demo that is over and still serves, and who looked at it.

    Attributes:
        told: What the demo printed, with `running`.
        began: Seconds since the epoch, as `ended`.
    """

    url: str
    told: dict
    began: float
    ended: float

    def range(self, expression):
        """The series of an expression over the whole demo; one that is refused is an error."""
        bounds = {"start": self.began, "end": self.ended, "step": SCRAPE}
        return self._ask("query_range", query=expression, **bounds)

    def now(self, expression):
        """Its series at the end."""
        return self._ask("query", query=expression, time=self.ended)

    def _ask(self, path, **query):
        query = urllib.parse.urlencode(query)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=60) as got:
            return json.load(got)["data"]["result"]


@pytest.fixture(scope="session")
def looked(tmp_path_factory):
    """All of it has happened."""
    tool = shutil.which("prometheus")
    if tool is None:
        pytest.skip("no prometheus on PATH: install Debian's package prometheus")
    folder = tmp_path_factory.mktemp("looked")
    with _demo(folder) as (process, exporter), _prometheus(tool, folder, exporter) as url:
        began = time.time()
        told = json.loads(process.stdout.readline())
        time.sleep(3 * SCRAPE)  # the last counts have been seen
        yield Looked(url, told, began, time.time())


@contextmanager
def _demo(folder):
    """Yields its process and its exporter, once that answers."""
    for part in ("home", "tmp"):
        (folder / part).mkdir()
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "kaizen_api.cli", "demo", "--stay", "--json"]
    with (
        (folder / "errors").open("w") as errors,
        subprocess.Popen(command, cwd=folder, env=own, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            (state,) = _wait(lambda: list((folder / "tmp").glob("kaizen-demo-*/up.json")))
            yield process, json.loads(state.read_text())["exporter"].removeprefix("http://")
        finally:
            process.send_signal(signal.SIGINT)


@contextmanager
def _prometheus(tool, folder, exporter):
    """Yields its address; scrape job and rules are those of `ops/prometheus`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = yaml.safe_load((OPS / "prometheus/prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": f"{SCRAPE}s", "scrape_timeout": f"{SCRAPE}s", "evaluation_interval": "2s"}
    settings["rule_files"] = [str(OPS / "prometheus" / name) for name in settings["rule_files"]]
    (scrape,) = settings["scrape_configs"]
    scrape["static_configs"] = [{"targets": [exporter]}]
    del settings["alerting"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    paths = (f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'series'}")
    command = [tool, *paths, f"--web.listen-address={address}", "--log.level=error"]
    with subprocess.Popen(command, cwd=folder) as process:
        try:
            _wait(lambda: _ready(address))
            yield f"http://{address}"
        finally:
            process.terminate()


def _ready(address):
    try:
        with urllib.request.urlopen(f"http://{address}/-/ready", timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


def _wait(condition):
    deadline = time.monotonic() + _PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
    return value

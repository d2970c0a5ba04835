"""A scrape beside celery-exporter's and Flower's, of the same two workers; and what each answers while Redis hangs.

    KAIZEN_CELERY_EXPORTER_PYTHON=... KAIZEN_CELERY_EXPORTER=... \\
        .venv/bin/python -m pytest -q -s tests/bench/capacity/test_beside_exporters.py

What the others learn from events costs them processor time between scrapes too, so both are told, and what a minute
costs with a scrape every 30 s. Nothing is asserted about time, for the machine may be busy.
"""

import base64
import http.client
import os
import signal
import statistics
import time
from contextlib import closing

import pytest

from kaizen_api.connection import broker_url
from kaizen_api.keys import BROKER_PREFIX
from kaizen_api.stack.services import Service, beat, flower

PEER = (os.environ.get("KAIZEN_CELERY_EXPORTER_PYTHON"), os.environ.get("KAIZEN_CELERY_EXPORTER"))
MISSING = """KAIZEN_CELERY_EXPORTER_PYTHON and KAIZEN_CELERY_EXPORTER name no celery-exporter. To have one:
    git clone https://github.com/danihodovic/celery-exporter
    python3 -m venv peer && peer/bin/pip install "celery>=5.6" "prometheus-client<0.24" "click>=8.3" pretty-errors \\
        loguru "redis>=7.1" packaging Flask waitress arrow timy"""
SCRAPES, IDLE = 30, 20
PATIENCE = 15
FORM = "{:<18} {:>11} {:>9} {:>12} {:>13} {:>9} {:>8}"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def rivals(installation, tmp_path):
    """The installation, and who is scraped: name → (port, path, login)."""
    made = installation(beat(), workers=2, embedder="static")
    shown = flower(made.config, tmp_path)
    made.start(shown)
    found = {
        "exporter": (made.config.prometheus_port, "/kaizen/metrics", ""),
        "flower": (made.config.flower_port, "/metrics", shown.variables["FLOWER_BASIC_AUTH"]),
    }
    if all(PEER):
        python, folder = map(str, PEER)
        port = made.config.flower_port + 1
        given = ("--broker-url", broker_url(made.config), "--broker-transport-option")
        where = ("--host", "127.0.0.1", "--port", str(port), "--retry-interval", "1")
        argv = (python, f"{folder}/cli.py", *given, f"global_keyprefix={BROKER_PREFIX}", *where)
        made.start(Service("celery-exporter", argv, variables={"PYTHONPATH": folder}))
        found["celery-exporter"] = (port, "/metrics", "")
    return made, found


def scrape(port, path, login):
    """(status, s, text); 0 where there was no answer."""
    began = time.perf_counter()
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()} if login else {}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        try:
            connection.request("GET", path, headers=headers)
            reply = connection.getresponse()
            return reply.status, time.perf_counter() - began, reply.read().decode()
        except OSError:
            return 0, time.perf_counter() - began, ""


def used(made, name, work):
    """Processor seconds of the process, and of Redis."""
    before = made.cpu(name), made.server()["cpu"]
    work()
    return made.cpu(name) - before[0], made.server()["cpu"] - before[1]


def lines(text):
    return len([line for line in text.splitlines() if line and not line.startswith("#")])


def test_a_scrape_beside_others(rivals, wait_until):
    made, found = rivals
    for name, place in found.items():
        wait_until(lambda place=place: scrape(*place)[0] == 200, seconds=60)
        assert lines(scrape(*place)[2]), name
    time.sleep(15)  # events of some ticks, and two heartbeats
    print("\n" + FORM.format("", "a scrape", "of Redis", "a s between", "a minute, two", "median", "series"))
    before = {}
    for name, place in found.items():
        between = used(made, name, lambda: time.sleep(IDLE))[0] / IDLE
        taken = []
        began = time.perf_counter()
        here, redis = used(
            made, name, lambda place=place, taken=taken: taken.extend(scrape(*place) for _ in range(SCRAPES))
        )
        here = max(0.0, here - between * (time.perf_counter() - began)) / SCRAPES
        before[name] = lines(taken[-1][2])
        cells = [f"{here * 1e3:.2f} ms", f"{redis / SCRAPES * 1e3:.2f} ms", f"{between * 1e3:.2f} ms",
                 f"{(2 * here + 60 * between) * 1e3:.0f} ms",
                 f"{statistics.median(one[1] for one in taken) * 1e3:.1f} ms"]  # fmt: skip
        print(FORM.format(name, *cells, before[name]))
    server = made.redis.info("server")["process_id"]
    os.kill(server, signal.SIGSTOP)
    try:
        time.sleep(5)
        for name, place in found.items():
            status, took, text = scrape(*place)
            blind = [line for line in text.splitlines() if line.startswith(("kaizen_up ", "celery_worker_up"))]
            series = f"{lines(text)} of {before[name]} series"
            print(f"Redis hangs: {name:16} {status or 'no answer'} after {took:.2f} s, {series}, says {blind[:2]}")
            assert name != "exporter" or (status, "kaizen_up 0" in text) == (200, True)
    finally:
        os.kill(server, signal.SIGCONT)

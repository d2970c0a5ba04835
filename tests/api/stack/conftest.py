"""Small services of our own: the stack does not care what it runs."""

import socket
import sys

import pytest

from kaizen_api.stack import Service

SERVE = """
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
"""

CELERY_APP = """
from celery import Celery
from kaizen_api import jobs
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import broker_url
app = Celery("small")
app.conf.update(jobs.settings(broker_url(KaizenConfig.from_env())))
"""


@pytest.fixture
def free_port():
    """Gives a port that is free now, another one each time."""

    def give():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return give


@pytest.fixture
def web(free_port):
    """Makes a service that answers over HTTP."""

    def make(name="api", *, health="/"):
        port = free_port()
        argv = (sys.executable, "-c", SERVE, str(port))
        return Service(name, argv, url=f"http://127.0.0.1:{port}", health=health)

    return make


@pytest.fixture
def small_worker(tmp_path):
    """Makes a real Celery worker that has no tasks."""
    (tmp_path / "small_app.py").write_text(CELERY_APP)

    def make(number):
        node = f"small{number}@{socket.gethostname()}"
        argv = (sys.executable, "-m", "celery", "-A", "small_app", "worker", "--concurrency", "1", "--hostname", node)
        return Service(f"worker{number}", argv, node=node, variables={"PYTHONPATH": str(tmp_path)})

    return make

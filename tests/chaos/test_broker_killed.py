"""Celery 5.7 under prefork loses its worker now and then when its broker is killed under load; ours does not.

Each trial starts a real worker, keeps it busy, kills the broker, starts it again, and sees whether jobs are done
afterwards. `plain` has our settings without the error that `kaizen_worker.app` counts among those of a connection: it
shows that the defect is still there, and its figure is only printed.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis, RedisError

from kaizen_api import jobs
from kaizen_api.server import server_binary

TRIALS = 8
PATIENCE = 30.0

APP = """
import time
from celery import Celery
from kaizen_api import jobs
{fix}
app = Celery("small", broker={url!r})
app.conf.update(jobs.settings({url!r}), task_acks_late=True, task_reject_on_worker_lost=True,
                worker_prefetch_multiplier=1)
@app.task(name="small.count")
def count():
    time.sleep(0.002)
    import redis
    redis.Redis.from_url({url!r}, socket_timeout=2).incr("done")
"""
FIXES = {"plain": "", "ours": "import kaizen_worker.app"}


@contextmanager
def process(argv, **more):
    with subprocess.Popen(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True, **more
    ) as one:
        try:
            yield one
        finally:
            with suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)


class Broker:
    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = Redis.from_url(self.url, socket_timeout=2)

    def start(self):
        argv = [server_binary(), "--port", str(self.port), "--dir", str(self.folder), "--appendonly", "yes"]
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        self.until(self.client.ping)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def until(self, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(RedisError):
                if what():
                    return True
            time.sleep(0.05)
        return False


def load(sender, done):
    """About 400 jobs a second, as long as the broker takes them."""
    while not done.is_set():
        with suppress(OperationalError, OSError, RedisError):
            for _ in range(20):
                sender.send_task("small.count")
        time.sleep(0.05)


def survives(folder, fix):
    """Whether a worker whose broker was killed under load does jobs afterwards."""
    folder.mkdir()
    broker = Broker(folder)
    (folder / "small_app.py").write_text(APP.format(fix=FIXES[fix], url=broker.url))
    broker.start()
    sender = Celery("sender", broker=broker.url, set_as_current=False)
    sender.conf.update(jobs.settings(broker.url))
    done = threading.Event()
    worker = [sys.executable, "-m", "celery", "-A", "small_app", "worker", "-c", "2", "-Q", jobs.WORK_QUEUE]
    loading = threading.Thread(target=load, args=(sender, done))
    try:
        with process(worker, cwd=folder):
            loading.start()
            assert broker.until(lambda: int(broker.client.get("done") or 0) > 50)
            broker.kill()
            time.sleep(0.5)
            broker.start()
            before = int(broker.client.get("done") or 0)
            return broker.until(lambda: int(broker.client.get("done") or 0) > before + 50)
    finally:
        done.set()
        loading.join()
        broker.kill()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fix", ["ours", "plain"])
def test_a_worker_survives_its_broker_killed_under_load(tmp_path, fix):
    lost = sum(not survives(tmp_path / str(trial), fix) for trial in range(TRIALS))
    print(f"\n{fix}: {lost} of {TRIALS} workers did nothing within {PATIENCE:.0f} s after their broker was back")
    assert fix == "plain" or lost == 0

"""What the benchmarks of the breaker share: a server, and processes that call through breakers of each make."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis

from kaizen_api.processes import Processes
from kaizen_api.server import start_server

PEER = os.environ.get("KAIZEN_BREAKERS_PYTHON")  # read before the tests drop our variables
MISSING = """KAIZEN_BREAKERS_PYTHON names no Python that has the peers. To make one:
    python3 -m venv breakers
    breakers/bin/pip install redis pybreaker typing_extensions purgatory-circuitbreaker \\
        nopanic-redis interlock-cb"""
OPTIONS = {"threshold": 3, "recovery": 1.0, "successes": 1, "lease": 1.0, "polls": True}


@pytest.fixture(scope="session", autouse=True)
def peers():
    if not PEER:
        pytest.skip(MISSING)


class Caller:
    """The process that runs caller.py."""

    def __init__(self, make, socket, environment=None):
        theirs = make.startswith("peer_")
        own = {"PYTHONPATH": "" if theirs else os.pathsep.join(filter(None, sys.path))}
        program = [PEER if theirs else sys.executable, Path(__file__).with_name("caller.py"), make, socket]
        self.process = subprocess.Popen(
            program,
            env={**(environment or os.environ), **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the peers log what they fall back to
            text=True,
        )

    def send(self, do, name, options=None, **arguments):
        line = {"do": do, "name": name, "options": {**OPTIONS, **(options or {})}, **arguments}
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def receive(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, do, name, options=None, **arguments):
        self.send(do, name, options, **arguments)
        return self.receive()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Field:
    """Processes of one make on a server of their own, whose breakers nobody has used."""

    def __init__(self, make, url, processes):
        self.make = make
        self.client = Redis.from_url(url)
        self.socket = url.removeprefix("unix://").partition("?")[0]
        self.pid = self.client.info("server")["process_id"]
        self.callers = []
        self._numbers = itertools.count()
        self.crowd = [self.start() for _ in range(processes)]

    def name(self, options=None):
        """Of a breaker that all processes of the crowd know."""
        name = f"{self.make}-{next(self._numbers)}"
        self.all("ready", name, options)
        return name

    def start(self, environment=None):
        self.callers.append(Caller(self.make, self.socket, environment))
        return self.callers[-1]

    def all(self, do, name, options=None, **arguments):
        """All at once, then all answers."""
        for caller in self.crowd:
            caller.send(do, name, options, **arguments)
        return [caller.receive() for caller in self.crowd]

    def recover(self, seconds=OPTIONS["recovery"] + 1.3):
        """Until its time is up, and whoever only polls for that has seen it."""
        time.sleep(seconds)

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

    def close(self):
        for caller in self.callers:
            caller.kill()
        self.client.close()


@pytest.fixture
def fields(tmp_path_factory):
    """Makes a field for each make that is named."""
    made = []
    with Processes() as processes:

        def make(*makes, crowd=8):
            folder = tmp_path_factory.mktemp("server")
            url = start_server(processes, folder, log=folder / "log", persistent=False)
            made.extend(Field(name, url, crowd) for name in makes)
            return {field.make: field for field in made}

        yield make
        for field in made:
            field.close()

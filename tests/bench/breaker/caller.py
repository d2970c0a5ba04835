"""A process that calls through breakers of one make: reads one command a line, answers each with one line of JSON.

    python caller.py MODULE SOCKET

The module says `make(client, name, chosen)`, with threshold, recovery, successes, lease, and polls
(whether it has been called before) chosen, and gets what puts a
function under the breaker. Whether a call was rejected is told by whether the function ran: what is raised differs from
make to make.
"""

import importlib
import json
import sys
import threading
import time
from contextlib import suppress
from types import SimpleNamespace

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT = 0.2


class Broken(Exception):
    pass


class Call:
    """One call that takes until it is told how to end."""

    def __init__(self, guard):
        self.entered = False
        self.started, self.told = threading.Event(), threading.Event()
        self.fail = False
        self.thread = threading.Thread(target=self.run, args=(guard,), daemon=True)
        self.thread.start()
        self.started.wait()

    def run(self, guard):
        with suppress(Exception):
            guard(self.work)()
        self.started.set()

    def work(self):
        self.entered = True
        self.started.set()
        self.told.wait()
        if self.fail:
            raise Broken

    def end(self, *, fail):
        self.fail = fail
        self.told.set()
        self.thread.join()


class Caller:
    def __init__(self, module, socket):
        self.make = importlib.import_module(module).make
        self.client = Redis(
            unix_socket_path=socket, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
        )
        self.guards = {}
        self.calls = {}

    def obey(self, do, name, options, **arguments):
        if name not in self.guards:
            self.guards[name] = self.make(self.client, name, SimpleNamespace(**options))
        return None if do == "ready" else getattr(self, do)(name, **arguments)

    def call(self, name, *, fail, times=1):
        """How many of the calls ran."""
        ran = 0

        def work():
            nonlocal ran
            ran += 1
            if fail:
                raise Broken

        guarded = self.guards[name](work)
        for _ in range(times):
            with suppress(Exception):
                guarded()
        return ran

    def begin(self, name):
        """Whether it runs."""
        self.calls[name] = Call(self.guards[name])
        return self.calls[name].entered

    def end(self, name, *, fail):
        self.calls.pop(name).end(fail=fail)

    def time(self, name, *, fail, times):
        """Length of each call in seconds."""

        def work():
            if fail:
                raise Broken

        guarded = self.guards[name](work)
        lengths = []
        for _ in range(times):
            start = time.perf_counter()
            with suppress(Exception):
                guarded()
            lengths.append(time.perf_counter() - start)
        return lengths


def main():
    caller = Caller(sys.argv[1], sys.argv[2])
    for line in sys.stdin:
        print(json.dumps(caller.obey(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

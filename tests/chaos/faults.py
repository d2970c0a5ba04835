"""The faults: drawn from a seed before anything runs, then done one after another while their effects overlap.

Again: `pytest tests/chaos --chaos-seeds 3`.
"""

import os
import random
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from redis import RedisError
from world import MEMORY, children_of, wait_until

KILLS = ("worker", "child", "beat", "api", "producer", "redis", "all")
"""`kill -9` of one of them, or of all at once."""

LASTING = {
    "freeze": (1.0, 6.0),  # SIGSTOP of the server
    "cut": (0.1, 2.0),  # connections broken, new ones refused
    "mute": (0.5, 3.0),  # what is asked is done, the answers vanish, then the connections break
    "delay": (1.0, 4.0),  # each answer comes late
    "full": (1.0, 5.0),  # maxmemory a little above what is used
}
"""Kind → range of seconds."""

KINDS = (*KILLS, *LASTING, "flush")
_INTERRUPTIONS = ("child", "worker", "redis", "freeze", "cut", "mute")
_PAUSE = (0.3, 2.2)
_ROOM = 60_000  # bytes
_LATE = (0.05, 0.4)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong.

    Attributes:
        kind: One of `KINDS`.
        after: Seconds since the one before.
        seconds: How long it lasts, 0 for what happens at once.
        pick: Which of several victims, or how much, 0..1.
    """

    kind: str
    after: float
    seconds: float
    pick: float


def plan(seed):
    """Every kind once and one more, in two acts of seven."""
    draw = random.Random(f"chaos/{seed}")
    kinds = [*KINDS, draw.choice(KINDS)]
    draw.shuffle(kinds)
    faults = [_drawn(kind, draw) for kind in kinds]
    return faults[:7], faults[7:]


def interruption(seed):
    """One fault in the middle of an analysis."""
    draw = random.Random(f"chaos/analysis/{seed}")
    return _drawn(draw.choice(_INTERRUPTIONS), draw)


def _drawn(kind, draw):
    low, high = LASTING.get(kind, (0.0, 0.0))
    return Fault(kind, draw.uniform(*_PAUSE), draw.uniform(low, high), draw.random())


class Harm:
    """Does faults to a world, and knows when the last one was over, in seconds since the epoch."""

    def __init__(self, world):
        self._world = world
        self._timers = []
        self.over_at = 0.0

    def do(self, faults):
        """One after another, each at its time; returns when the last effect is over."""
        for fault in faults:
            time.sleep(fault.after)
            undo = self._begin(fault)
            self.over_at = time.time()
            if undo is not None:
                timer = threading.Timer(fault.seconds, self._end, args=(undo,))
                timer.start()
                self._timers.append(timer)
        for timer in self._timers:
            timer.join()
        wait_until(self._world.answers)
        self.over_at = max(self.over_at, time.time())

    def _end(self, undo):
        undo()
        self.over_at = time.time()

    def _begin(self, fault):
        """Do it; returns how to undo it."""
        if fault.kind in KILLS:
            return self._kill(fault)
        return getattr(self, f"_{fault.kind}")(fault)

    def _kill(self, fault):
        for pid in wait_until(lambda: self._victims(fault)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _victims(self, fault):
        """Their pids; whoever is being started again is waited for."""
        pids = self._world.pids
        named = sorted(name for name in pids if name.startswith("worker"))
        if fault.kind == "all":
            return [*pids.values(), *(child for name in named for child in children_of(pids[name]))]
        if fault.kind in pids or not named:
            return [pids[fault.kind]] if fault.kind in pids else []
        worker = pids[named[int(fault.pick * len(named))]]
        if fault.kind == "child":
            return children_of(worker)[:1]
        return [worker] if fault.kind == "worker" else []

    def _freeze(self, _):
        pid = wait_until(lambda: self._world.pids.get("redis"))
        os.kill(pid, signal.SIGSTOP)

        def thaw():
            with suppress(ProcessLookupError):  # killed meanwhile
                os.kill(pid, signal.SIGCONT)

        return thaw

    def _cut(self, _):
        self._world.proxy.refusing = True
        self._world.proxy.cut()
        return lambda: setattr(self._world.proxy, "refusing", False)

    def _mute(self, _):
        self._world.proxy.mute = True

        return self._world.proxy.hear

    def _delay(self, fault):
        low, high = _LATE
        self._world.proxy.delay = low + fault.pick * (high - low)
        return lambda: setattr(self._world.proxy, "delay", 0.0)

    def _full(self, _):
        self._ask(lambda redis: redis.config_set("maxmemory", redis.info("memory")["used_memory"] + _ROOM))
        return lambda: self._ask(lambda redis: redis.config_set("maxmemory", MEMORY))

    def _flush(self, _):
        self._ask(lambda redis: redis.script_flush())

    def _ask(self, question):
        """Of a server that may be frozen, or starting again."""

        def answered():
            with suppress(RedisError):
                return question(self._world.redis)
            return False

        wait_until(answered)

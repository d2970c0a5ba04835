"""Two beats and three workers through 100 random kills: each due run is done, none twice.

Tenants have a job every `INTERVAL` seconds, evenly spread. All processes are real, all kills are SIGKILL of the process
with its children, or of a worker's child alone; who is killed, and when, is drawn from a seed: one of them, whether it
has come up or not, or all beats, all workers, or all of them at once. Each is started again at once, as a supervisor
does. Runs that nobody was there to fire, or to do, are done later: they would be caught up by the next one alone only
after `INTERVAL`, which is longer than it takes to come up.

A job leaves its process's id when it begins and when it has ended. Begun twice is only what was killed in between.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from kaizen_api import keys
from kaizen_api.stack.variables import variables

KILLS = 100
TENANTS = 72
INTERVAL = 60
SECOND = 1_000_000

APP = """
import os, time
from celery.signals import worker_ready
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect
from kaizen_worker import app
from kaizen_worker.schedule.beat import Beat
from kaizen_worker.schedule.rounds import Rounds, sender
from kaizen_worker.schedule.runs import Runs
from kaizen_worker.schedule.timetable import Job
from kaizen_worker.schedule.when import Every

config = KaizenConfig.from_env()
celery = app.create(config, tasks=False)
celery.conf.beat_scheduler = "beats_app:Often"

def ready(**_):
    with connect(config) as redis:
        redis.set("ready:" + os.environ["NAME"], os.getpid())

worker_ready.connect(ready)

class Often(Beat):
    def setup_schedule(self):
        job = Job("count", "count", Every(%d), "", None, each=True)
        self._rounds = Rounds(Runs(connect(config), resend=2), table=(job,), send=sender(config), look=0.5)

    def tick(self, *args, **kwargs):
        wait = super().tick()
        ready()
        return wait

@celery.task(name="count")
def count(tenant, due):
    with connect(config) as redis, Runs(redis, resend=2).carrying_out("count", tenant=tenant, due=int(due)) as ours:
        if ours:
            redis.rpush(f"begun:{tenant}:{due}", os.getpid())
            time.sleep(0.3)
            redis.rpush(f"ended:{tenant}:{due}", os.getpid())
"""


class Crew:
    """The beats and workers, started again when they were killed."""

    def __init__(self, folder, config, redis):
        self.redis = redis
        self.killed = set()
        self.running = {}
        (folder / "beats_app.py").write_text(APP % INTERVAL)
        self._folder = folder
        self._environment = {**os.environ, **variables(config)}
        for name in ("beat1", "beat2", "worker1", "worker2", "worker3"):
            self.start(name)

    def start(self, name):
        self.redis.delete(f"ready:{name}")
        kind = ["beat"] if name.startswith("beat") else ["worker", "-c", "1", "-n", f"{name}@%h", "--without-mingle"]
        with (self._folder / f"{name}.log").open("a") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "beats_app", *kind, "--loglevel", "WARNING"],
                cwd=self._folder,
                env={**self._environment, "NAME": name},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self, name):
        pid = self.redis.get(f"ready:{name}")
        return pid is not None and int(pid) == self.running[name].pid

    def kill(self, names):
        """All of them, before the first is started again."""
        for name in names:
            self.end(name)
        for name in names:
            self.start(name)

    def kill_child(self, name):
        """Whether it had one."""
        for pid in _children(self.running[name].pid)[:1]:
            self.killed.add(pid)
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def end(self, name):
        pid = self.running[name].pid
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGSTOP)  # no child is born between the look at them and their end
            self.killed.update([pid, *_children(pid)])
            os.killpg(pid, signal.SIGKILL)
        self.running[name].wait()

    def look(self, seconds, gaps):
        """Wait so long; note in `gaps`, by kind, when one was last ready and the longest time in which none was."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            for kind, (last, longest) in gaps.items():
                if any(self.ready(name) for name in self.running if name.startswith(kind)):
                    gaps[kind] = (now, longest)
                else:
                    gaps[kind] = (last, max(longest, now - last))
            time.sleep(0.05)


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def crew(tmp_path, config, redis):
    """Each tenant's last run lies `INTERVAL / TENANTS` seconds after the one of the tenant before."""
    names = [f"t{number:02}" for number in range(TENANTS)]
    redis.sadd(keys.TENANTS, *names)
    seconds, micros = redis.time()
    now = seconds * SECOND + micros
    for number, name in enumerate(names):
        redis.hset(keys.RUNS, f"count/{name}", now - (TENANTS - number) * INTERVAL * SECOND // TENANTS)
    crew = Crew(tmp_path, config, redis)
    yield crew
    for name in crew.running:
        crew.end(name)


def _pids(redis, what, tenant, due):
    return [int(pid) for pid in redis.lrange(f"{what}:{tenant}:{due}", 0, -1)]


def strike(crew, dice):
    """Draws who is killed, kills them: what it is called."""
    crowd = dice.choices(("one", "beats", "workers", "all"), weights=(14, 2, 2, 2))[0]
    if crowd != "one":
        crew.kill([name for name in crew.running if crowd in {"all", f"{name[:-1]}s"}])
        return {"beats": "both beats", "workers": "all workers", "all": "all of them"}[crowd]
    victim = dice.choice(sorted(crew.running))
    if victim.startswith("worker") and dice.random() < 0.3 and crew.kill_child(victim):
        return "a worker's child"
    crew.kill([victim])
    return f"a {victim[:-1]}"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("draw", [7])
def test_each_due_run_is_done_and_none_twice(crew, redis, wait_until, draw):
    dice = random.Random(draw)
    wait_until(lambda: all(map(crew.ready, crew.running)), seconds=300)
    began, struck = time.monotonic(), Counter()
    gaps = {"beat": (began, 0.0), "worker": (began, 0.0)}
    while struck.total() < KILLS:
        crew.look(dice.uniform(0.2, 4), gaps)
        struck[strike(crew, dice)] += 1
    took = time.monotonic() - began
    wait_until(lambda: all(map(crew.ready, crew.running)), seconds=300)
    redis.hset(keys.SCHEDULE, "count", "off")
    time.sleep(3)  # until all beats have seen it
    wait_until(lambda: not redis.zcard(keys.RUNS_OWED), seconds=300)
    dues, again = _dues(redis), 0
    for tenant, found in dues.items():
        for due in range(found[0], found[-1] + 1, INTERVAL * SECOND):
            begun, ended = (_pids(redis, what, tenant, due) for what in ("begun", "ended"))
            assert len(ended) == 1, f"{tenant} at {due}: begun by {begun}, ended by {ended}"
            assert ended[-1] == begun[-1]
            assert set(begun[:-1]) <= crew.killed, f"{tenant} at {due} was begun twice: {begun}"
            again += len(begun) - 1
        assert [due for due in found if (due - found[0]) % (INTERVAL * SECOND)] == []
    number = sum(map(len, dues.values()))
    whom = ", ".join(f"{who}: {count}" for who, count in struck.most_common())
    print(
        f"\nseed {draw}: {KILLS} kills in {took:.0f} s ({whom}); "
        f"no beat for {gaps['beat'][1]:.1f} s, no worker for {gaps['worker'][1]:.1f} s at the longest; {number} due "
        f"runs of {len(dues)} tenants, each done once; {again} begun again, for their worker was killed in the middle"
    )
    assert max(longest for _, longest in gaps.values()) > 0, "all of one kind were away together"
    assert len(dues) == TENANTS
    assert took < INTERVAL or number >= TENANTS * (took // INTERVAL)


def _dues(redis):
    """Tenant → the due times of its runs that were begun, in order."""
    found = {}
    for key in redis.scan_iter("begun:*", count=1000):
        _, tenant, due = key.decode().split(":")
        found.setdefault(tenant, []).append(int(due))
    return {tenant: sorted(dues) for tenant, dues in sorted(found.items())}

"""Two beats and three workers through 100 random kills: each due run is done, none twice.

Tenants have a job every `INTERVAL` seconds, evenly spread. All processes are real, all kills are SIGKILL of the process
with its children, or of a worker's child alone; who is killed, and when, is drawn from a seed. One of each kind is
always left to do the work, for a run that nobody was there to fire would be caught up with the next.

A job leaves its process's id when it begins and when it has ended. Begun twice is only what was killed in between.
"""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from kaizen_api import keys
from kaizen_api.stack.variables import variables

KILLS = 100
TENANTS = 24
INTERVAL = 20
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

    def spare(self):
        """Those who are ready and have a like who is ready too."""
        ready = [name for name in self.running if self.ready(name)]
        return [name for name in ready if sum(one[:4] == name[:4] for one in ready) > 1]

    def kill(self, name, *, whole):
        process = self.running[name]
        children = [int(pid) for pid in _children(process.pid)]
        if children and not whole:
            self.killed.add(children[0])
            os.kill(children[0], signal.SIGKILL)
            return
        self.killed.update([process.pid, *children])
        self.end(name)
        self.start(name)

    def end(self, name):
        with suppress(ProcessLookupError):
            os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running[name].wait()


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


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


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("draw", [7])
def test_each_due_run_is_done_and_none_twice(crew, redis, wait_until, draw):
    dice = random.Random(draw)
    wait_until(lambda: len(crew.spare()) == len(crew.running), seconds=300)
    began, drawn = time.monotonic(), []
    while len(drawn) < KILLS:
        time.sleep(dice.uniform(0.2, 2))
        victim = dice.choice(sorted(wait_until(crew.spare, seconds=300)))
        whole = victim.startswith("beat") or dice.random() < 0.7
        crew.kill(victim, whole=whole)
        drawn.append((victim, whole))
    took = time.monotonic() - began
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
    beats = sum(name.startswith("beat") for name, _ in drawn)
    alone = sum(not whole for _, whole in drawn)
    print(
        f"\nseed {draw}: {KILLS} kills in {took:.0f} s ({beats} of beats, {KILLS - beats - alone} of workers, {alone} "
        f"of workers' children); {number} due runs of {len(dues)} tenants, each done once; {again} begun again, for "
        "their worker was killed in the middle"
    )
    assert len(dues) == TENANTS
    assert took < INTERVAL or number >= TENANTS * (took // INTERVAL)


def _dues(redis):
    """Tenant → the due times of its runs that were begun, in order."""
    found = {}
    for key in redis.scan_iter("begun:*", count=1000):
        _, tenant, due = key.decode().split(":")
        found.setdefault(tenant, []).append(int(due))
    return {tenant: sorted(dues) for tenant, dues in sorted(found.items())}

"""Chaos: while a known log is pushed, processes are killed at random; nothing accepted is lost, nothing counted twice.

Each seed prints what it did and can be played again: the faults are drawn from it, though not the moment they hit.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis

from kaizen_api import Interaction, KaizenConfig, Producer, jobs, keys
from kaizen_api.connection import redis_url
from kaizen_api.errors import Unavailable
from kaizen_api.follow import draining, following
from kaizen_api.metrics import field
from kaizen_api.queries import Queries
from kaizen_api.stack import Stack, beat, workers
from kaizen_worker.store.log import read_log

NUMBER = 6_000
FAULTS = 12
BATCH = 50


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.timeout(900)
def test_killed_at_random_everything_counts_once(seed, tmp_path):
    config = KaizenConfig(
        data_dir=tmp_path / "data", embedder="hashed", claim_after=5, batch_size=100, user_key="chaos", workers=2
    )
    draw = random.Random(seed)
    with Stack(config, log=tmp_path / "log") as stack:
        stack.start()
        stack.launch([*workers(config), beat(config.data_dir)])
        stack.wait_ready()
        accepted, pushed = Counter(), threading.Event()
        pushing = threading.Thread(target=push, args=(stack.config, accepted, pushed))
        pushing.start()
        faults = harm(stack, draw, pushed)
        pushing.join()
        with Redis.from_url(redis_url(stack.config)) as client:
            queries = Queries(client, tenant="default")
            list(draining(queries, patience=120))
            seen = Counter(record.id for record in read_log(client, tenant="default"))
            counted = sum(
                int(client.hget(keys.ROLLUP, field("kaizen_interactions_total", outcome=outcome)) or 0)
                for outcome in ("ok", "error")
            )
            cycle = jobs.analyze(stack.config, tenant="default")
            *_, done = following(queries, cycle.id, seconds=300)
            assigned = Counter(one for one, _ in queries.assignments(done.id))
    print(f"\nseed {seed}: {NUMBER} pushed, {len(faults)} faults {dict(Counter(faults))}, counted {counted}")
    assert set(accepted) == set(seen) == set(assigned)
    assert set(seen.values()) == set(assigned.values()) == {1}
    assert counted == NUMBER
    assert done.interactions == NUMBER


def push(config, accepted, pushed):
    """Until all of it is accepted: after an error the same batch again, as any client would."""
    log = [
        Interaction(id=f"i{n}", query=f"question about {n % 40}", error="x" if n % 9 == 0 else None)
        for n in range(NUMBER)
    ]
    with Producer(config) as producer:
        for start in range(0, NUMBER, BATCH):
            batch = log[start : start + BATCH]
            while not taken(producer, batch):
                time.sleep(0.1)
            accepted.update(one.id for one in batch)
            time.sleep(0.05)
    pushed.set()


def taken(producer, batch):
    with suppress(Unavailable):
        producer.append(batch)
        return True
    return False


def harm(stack, draw, pushed):
    """Kill something now and then until all is pushed and the faults are used up; whoever dies is started again."""
    faults = []
    while len(faults) < FAULTS or not pushed.is_set():
        time.sleep(draw.uniform(0.5, 2.0))
        if len(faults) >= FAULTS:
            continue
        kind = draw.choice(["worker", "worker", "child", "redis", "beat"])
        if victim := find(stack, kind, draw):
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                faults.append(kind)
    return faults


def find(stack, kind, draw):
    pids = stack.pids
    if kind in {"worker", "child"}:
        worker = draw.choice(pids["workers"]) if pids["workers"] else None
        return child_of(worker) if kind == "child" and worker else worker
    return pids.get(kind)


def child_of(pid):
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else None
    return None

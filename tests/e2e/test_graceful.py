"""A worker told to end finishes the batch in its hands: nothing stays pending, nothing is done twice."""

import os
import signal

import pytest
from redis import Redis

from kaizen_api import Interaction, KaizenConfig, Producer, keys
from kaizen_api.connection import redis_url
from kaizen_api.metrics import field
from kaizen_api.stack import Stack, beat, worker
from kaizen_worker.store.log import read_log

NUMBER = 20_000


@pytest.mark.timeout(300)
def test_sigterm_in_the_middle_leaves_nothing_in_hand(tmp_path, wait_until):
    config = KaizenConfig(data_dir=tmp_path / "data", embedder="static", batch_size=50)
    with Stack(config, log=tmp_path / "log") as stack:
        stack.start()
        with Producer(stack.config) as producer:
            producer.append(Interaction(id=f"i{n}", query=f"question {n}") for n in range(NUMBER))
        stack.launch([worker(1), beat()])
        stack.wait_ready()
        with Redis.from_url(redis_url(stack.config)) as client:
            wait_until(lambda: client.xlen(keys.stream("default")) < NUMBER)
            [pid] = stack.pids["workers"]
            os.kill(stack.pids["beat"], signal.SIGSTOP)  # it would have the next worker go on
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: pid not in stack.pids["workers"])
            waiting = client.xlen(keys.stream("default"))
            pending = client.xpending(keys.stream("default"), keys.GROUP)["pending"]
            done = [record.id for record in read_log(client, tenant="default")]
            counted = int(client.hget(keys.ROLLUP, field("kaizen_interactions_total", outcome="ok")))
            os.kill(stack.pids["beat"], signal.SIGCONT)
    assert pending == 0
    assert len(done) == len(set(done)) == counted == NUMBER - waiting

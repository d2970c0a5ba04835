"""500 interactions a second through real workers for a minute, with patterns in them: when each can be read."""

import random
import threading
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from redis import Redis

from kaizen_api import Interaction, KaizenConfig, Producer, analyses, keys
from kaizen_api.connection import redis_url
from kaizen_api.queries import Queries
from kaizen_api.stack import Stack, beat, worker

RATE, PACE = 500, 0.1
SUBJECTS, OTHERS = 60, 6
USUAL = 20_000
LASTS, EVERY = 4.0, 5.0  # seconds of a pattern, and from one to the next
KINDS = ("burst", "error", "latency", "new_topic")
PATTERNS = 12

pytestmark = pytest.mark.timeout(900)


class Talk:
    def __init__(self):
        self.draw = random.Random(3)
        self.words = ["".join(self.draw.choices("abcdefghijklmnoprstuvw", k=9)) for _ in range(100 * (OTHERS + 2))]
        self.number = 0

    def ask(self, subject, *, ago=0.0, **fields):
        self.number += 1
        own = self.words[subject * (OTHERS + 2) :]
        usual = {
            "id": f"i{self.number}",
            "occurred_at": datetime.now(UTC) - timedelta(minutes=ago),
            "user_id": f"u{self.number}",
            "response_time": self.draw.lognormvariate(0, 0.4),
            "error": "timeout" if self.draw.random() < 0.02 else None,
        }
        query = f"{own[0]} {own[1]} {own[2 + self.draw.randrange(OTHERS)]}"
        return Interaction(query=query, response="It is done with the module in the title.", **usual | fields)

    def usual(self, **fields):
        return self.ask(self.draw.randrange(SUBJECTS), **fields)

    def planted(self, kind, subject):
        """A topic ten times as frequent; all its answers fail, or are eight times as slow; or 3 % about a new one."""
        if kind == "burst" and self.draw.random() < 0.15:
            return self.ask(subject)
        if kind == "new_topic" and self.draw.random() < 0.03:
            return self.ask(SUBJECTS + subject)
        one = self.draw.randrange(SUBJECTS)
        if one == subject and kind == "error":
            return self.ask(one, error="quota")
        return self.ask(one, **{"response_time": 9.0} if one == subject and kind == "latency" else {})


def test_from_append_to_insight(tmp_path, wait_until):
    config = KaizenConfig(data_dir=tmp_path / "data", embedder="static")
    talk = Talk()
    with Stack(config, log=tmp_path / "log") as stack:
        stack.start()
        with Producer(stack.config) as producer:
            producer.append(talk.usual(ago=talk.draw.uniform(11, 170)) for _ in range(USUAL))
        stack.launch([worker(1), worker(2), beat()])
        stack.wait_ready()
        with Redis.from_url(redis_url(stack.config)) as client:
            wait_until(lambda: client.xlen(keys.stream("default")) == 0)
            cycle = analyses.request(stack.config, tenant="default")
            queries = Queries(client, tenant="default")
            done = wait_until(lambda: (now := queries.get("cycle", cycle.id)).status == "done" and now, seconds=180)
            print(f"\n{done.topics} topics of {SUBJECTS} subjects")
            onsets, appended, read = minute(stack.config, client, queries, talk)
    report(onsets, appended, read)


def minute(config, client, queries, talk):
    """Feed at the rate; returns (time, kind) of each onset, time of each append, and each insight with its time."""
    read, over = {}, threading.Event()

    def look():
        while not over.wait(0.01):
            for one in queries.page("insight", where=lambda one: "pattern" in one.subject).items:
                read.setdefault(one.id, (time.time(), one))

    onsets, appended = [], {}
    looking = threading.Thread(target=look)
    looking.start()
    began = time.time()
    with Producer(config) as producer:
        for step in range(round((PATTERNS * EVERY + 5) / PACE)):
            time.sleep(max(0.0, began + step * PACE - time.time()))
            number, into = divmod(step * PACE, EVERY)
            active = number < PATTERNS and into < LASTS
            kind = KINDS[int(number) % len(KINDS)]
            if active and len(onsets) == number:
                onsets.append((time.time(), kind))
            pace = round(RATE * PACE)
            rows = [talk.planted(kind, int(number)) if active else talk.usual() for _ in range(pace)]
            producer.append(rows)
            appended.update((one.id, time.time()) for one in rows)
    time.sleep(3)
    over.set()
    looking.join()
    assert client.xlen(keys.stream("default")) == 0
    return onsets, appended, list(read.values())


def report(onsets, appended, read):
    delays = {"from the onset": [], "from the append of the last one it rests on": []}
    for at, kind in onsets:
        mine = [(seen, one) for seen, one in read if one.subject["pattern"] == kind and at - 1 < seen < at + LASTS + 2]
        print(kind, [f"{seen - at:.2f} s" for seen, _ in mine] or "not found")
        if mine:
            seen, one = min(mine, key=lambda pair: pair[0])
            delays["from the onset"].append(seen - at)
            delays["from the append of the last one it rests on"].append(seen - appended[one.evidence[0]])
    for what, values in delays.items():
        print(f"{what}: median {np.median(values):.2f} s, p99 {np.quantile(values, 0.99):.2f} s")
    print(f"{len(read)} insights for {len(onsets)} patterns, {len(appended)} interactions")
    assert len(read) >= 0.75 * len(onsets)

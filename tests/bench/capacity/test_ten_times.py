"""The capacity model at ten times the load of today, predicted and measured; the rest by simulation: ops/SCALING.md.

    OMP_NUM_THREADS=1 .venv/bin/python -m pytest -q -s tests/bench/capacity/test_ten_times.py

First the costs of each step by itself: one POST, one interaction and one batch of a worker, one job that finds nothing.
Then API, beat and workers stand idle, and then take `10 x TODAY` over HTTP, one interaction a POST, at random moments.
What they took beyond idling is compared with what the costs say, and what waited with what the simulation says.
"""

import dataclasses
import http.client
import random
import statistics
import time
from contextlib import closing

import msgspec
import pytest

from kaizen_api import Producer, keys
from kaizen_api.stack.services import beat
from kaizen_worker.engine import live
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.store.log import BEGINNING, read_after

TODAY = 100_000 / 86_400 * 3
"""Interactions a second at the peak of the day, three times the mean: as ops/SCALING.md defines it."""

SECONDS = 45
IDLE = 20
WORKERS = 2
SMALL, LARGE = 1, 250
TOGETHER = 100
"""Interactions of one POST where a producer groups them, as the simulation takes it."""

SERVER = ("cpu", "to Redis", "from Redis", "commands")
FORM = "{:<34} {:>12} {:>12} {:>7}"

pytestmark = pytest.mark.timeout(600)


@dataclasses.dataclass
class Spent:
    """What was used between two looks: processor seconds of the parts, and of Redis what `SERVER` names."""

    here: float
    redis: dict[str, float]

    def minus(self, other, times=1.0):
        return Spent(self.here - times * other.here, {k: v - times * other.redis[k] for k, v in self.redis.items()})

    def over(self, number):
        return Spent(self.here / number, {k: v / number for k, v in self.redis.items()})


def spent(made, work, cpu=time.process_time):
    """What a piece of work used, here by `cpu` and of Redis."""
    before = Spent(cpu(), made.server())
    work()
    return Spent(cpu(), made.server()).minus(before)


def post(connection, what):
    """One interaction, or an array of them."""
    connection.request("POST", "/v1/interactions", msgspec.json.encode(what), {"Content-Type": "application/json"})
    reply = connection.getresponse()
    reply.read()
    assert reply.status == 202


def calibrated(made, questions):
    """(a POST, one of many in a POST; an interaction, a batch, as a worker takes them), each by itself."""
    with closing(http.client.HTTPConnection("127.0.0.1", made.config.api_port)) as connection:
        texts = questions("post", 400)
        posted = spent(made, lambda: [post(connection, one) for one in texts], lambda: made.cpu("api")).over(400)
        arrays = [questions(f"post{part}", TOGETHER) for part in range(20)]
        grouped = spent(made, lambda: [post(connection, one) for one in arrays], lambda: made.cpu("api"))
    made.redis.delete(keys.stream(made.config.tenant))
    found = {}
    for size, batches in ((SMALL, 150), (LARGE, 4)):
        config = made.config.model_copy(update={"tenant": "bench", "batch_size": size})
        tenant = Runtime(config).tenant("bench")
        tenant.embedder.embed(["warm"])
        live.consume(tenant, place="0")
        with Producer(config, tenant="bench") as producer:
            producer.append(questions(f"size{size}", size * batches))

        def work(tenant=tenant):
            while live.consume(tenant, place="0"):
                pass

        found[size] = spent(made, work).over(batches)
    each = found[LARGE].minus(found[SMALL]).over(LARGE - SMALL)
    return posted, grouped.over(20 * TOGETHER), each, found[SMALL].minus(each, SMALL)


def load(made, texts, rate):
    """One POST each at random moments, so many a second on the mean, until all is committed: when each was sent."""
    draw, began, due, sent = random.Random(0), time.perf_counter(), 0.0, {}
    with closing(http.client.HTTPConnection("127.0.0.1", made.config.api_port)) as connection:
        for index, one in enumerate(texts):
            due += draw.expovariate(rate)
            time.sleep(max(0.0, began + due - time.perf_counter()))
            sent[f"i{index}"] = time.time()
            post(connection, msgspec.structs.replace(one, id=f"i{index}"))
    while made.waits(made.config.tenant):
        time.sleep(0.05)
    return sent


def waits(made, sent):
    """From sending to commit, s: median and 99th percentile; and how many batches there were."""
    batches, cursor, found = 0, BEGINNING, []
    while some := read_after(made.redis, cursor, tenant=made.config.tenant):
        batches, cursor = batches + len(some), some[-1].id
        found += [batch.at / 1000 - sent[record.id] for batch in some for record in batch.records]
    assert len(found) == len(sent)
    cuts = statistics.quantiles(found, n=100)
    return (cuts[49], cuts[98]), batches


def row(what, predicted, measured, form="{:,.1f}"):
    """One line: what the costs say, what was measured, and measured / predicted."""
    print(FORM.format(what, form.format(predicted), form.format(measured), f"{measured / predicted:.2f}"))


@pytest.mark.parametrize("embedder", ["minilm", "static"])
def test_ten_times_today(installation, questions, queueing, wait_until, embedder):
    made = installation(workers=WORKERS, embedder=embedder)
    posted, grouped, each, batch = calibrated(made, questions)
    made.start(beat())
    rate, everyone = 10 * TODAY, ("worker1", "worker2")
    texts = questions("load", round(rate * SECONDS))
    wait_until(lambda: int(made.redis.get(keys.TICKS) or 0) > 5)
    ticks = int(made.redis.get(keys.TICKS))
    api_idle = made.cpu("api")
    idle = spent(made, lambda: time.sleep(IDLE), lambda: sum(map(made.cpu, everyone))).over(IDLE)
    api_idle = (made.cpu("api") - api_idle) / IDLE
    a_tick = (int(made.redis.get(keys.TICKS)) - ticks) / IDLE
    api, began = made.cpu("api"), time.perf_counter()
    sent = {}
    used = spent(made, lambda: sent.update(load(made, texts, rate)), lambda: sum(map(made.cpu, everyone)))
    took, api = time.perf_counter() - began, made.cpu("api") - api
    seen, batches = waits(made, sent)
    measured, job = used.over(took).minus(idle), idle.over(a_tick)
    costs = queueing.Costs(each.here, batch.here, *(one.redis["cpu"] for one in (each, batch, posted)))
    foreseen = queueing.run(costs, rate=rate, workers=WORKERS, seconds=1000)
    said = {"POST": posted, "of 100 in one": grouped, "interaction": each, "batch": batch, "job": job}
    print(f"\n{embedder}, us of the process and of Redis, bytes to and from Redis, commands:")
    for name, one in said.items():
        cpu, into, out, commands = (one.redis[part] for part in SERVER)
        print(f"  {name:14} {one.here * 1e6:8.0f} {cpu * 1e6:6.0f} {into:7.0f} {out:7.0f} {commands:6.1f}")
    print(f"{rate:.1f} a second for {took:.0f} s, beyond idling ({idle.here * 1e3:.0f} ms a second of the workers)")
    print(FORM.format("a second", "predicted", "measured", "ratio"))
    row("API, ms", rate * posted.here * 1e3, (api / took - api_idle) * 1e3)
    row("batches", foreseen.batches, batches / took)
    parts = ((rate, each), (foreseen.batches, batch), (foreseen.jobs, job))
    row("workers, ms", sum(n * one.here for n, one in parts) * 1e3, measured.here * 1e3)
    for name in SERVER:
        scale = 1e3 if name == "cpu" else 1.0
        predicted = rate * posted.redis[name] + sum(n * one.redis[name] for n, one in parts)
        row(f"Redis, {'ms' if name == 'cpu' else name}", predicted * scale, measured.redis[name] * scale)
    row("waited, median, ms", foreseen.waited[0] * 1e3, seen[0] * 1e3)
    row("waited, 99th percentile, ms", foreseen.waited[1] * 1e3, seen[1] * 1e3)
    print(f"Redis is full at {1 / (costs.redis_push + costs.redis_each):,.0f} a second, one interaction a POST")
    simulated(queueing, dataclasses.replace(costs, redis_push=grouped.redis["cpu"]))


def simulated(queueing, costs):
    """The same costs at other loads, with as many workers as keep up."""
    print(
        f"simulated, one tenant, {TOGETHER} a POST: load, a second, workers, of them busy, Redis thread, waits s, left"
    )
    for times in (1, 10, 100, 1_000, 10_000):
        rate = times * TODAY
        for workers in (1, 2, 4, 8, 16, 32, 64):
            foreseen = queueing.run(costs, rate=rate, workers=workers, seconds=120)
            if foreseen.left < 5 * rate:
                break
        print(f"  {times:6,} x {rate:8,.0f} {workers:4} {foreseen.workers:7.2f} {foreseen.redis:7.1%} "
              f"{foreseen.waited[0]:6.2f} {foreseen.waited[1]:6.2f} {foreseen.left:10,}")  # fmt: skip
    full = 4 / (costs.each + costs.batch / queueing.BATCH)
    one, two = (queueing.run(costs, rate=full, workers=workers, seconds=200) for workers in (1, 2))
    print(f"two workers against one, both full: {two.batches / one.batches:.2f}")

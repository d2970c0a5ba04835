"""One event from the application to the worker and done with: through the stream, and as a Celery task each."""

import sys
from pathlib import Path

import pytest

from kaizen_api import Producer, keys

NUMBER = {"ours": 10_000, "peer": 1_000}
ROUNDS = 3

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def peer_task(server, start, monkeypatch, wait_until, redis):
    """The peer's task, with its worker at work."""
    del redis  # empty before the worker begins
    monkeypatch.setenv("KAIZEN_REDIS_URL", server)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import peer_celery  # noqa: PLC0415  # it reads the server's address as it is imported

    start("celery", "-m", "celery", "-A", "peer_celery", "worker", "--loglevel", "WARNING")
    wait_until(lambda: peer_celery.app.control.ping(timeout=1.0))
    yield peer_celery
    peer_celery.app.close()
    del sys.modules["peer_celery"]


def test_push_and_consume(config, redis, peer_task, wait_until, bench):
    def ours(name):
        events = bench.interactions(bench.fields(name, NUMBER["ours"]))
        redis.delete(*redis.keys("kz:*") or ["none"])

        def work():
            with Producer(config) as producer:
                producer.append(events)
            assert bench.drain(redis, config.tenant, batch=config.batch_size) == len(events)

        measured = bench.rate(len(events), work)
        assert redis.xlen(keys.stream(config.tenant)) == 0
        return (measured,)

    def peer(name):
        events = bench.fields(name, NUMBER["peer"])
        before = done(peer_task.app)

        def work():
            for event in events:
                peer_task.take.delay(event)
            wait_until(lambda: not redis.exists("celery", "unacked"))

        measured = bench.rate(len(events), work)
        assert done(peer_task.app) - before == len(events)
        return (measured,)

    rates = bench.race(ROUNDS, ours=ours, peer=peer)
    against = "celery worker as installed (prefork, one child a core), a task that does nothing, delay(event) for each"
    bench.row("push and consume", *rates["ours"], *rates["peer"], against, bar=">= 15")


def done(app):
    """Tasks that the worker has carried out since it began."""
    (stats,) = app.control.inspect(timeout=2.0).stats().values()
    return sum(stats["total"].values())

"""What breakers did is counted, and nobody waits for that."""

import pytest
from redis.exceptions import RedisError

from kaizen_worker.breaker.ledger import Ledger

HASH = "test:ledger"


@pytest.fixture
def counted(own_server):
    return lambda: {name.decode(): int(value) for name, value in own_server.client().hgetall(HASH).items()}


def test_counts_are_written_together(own_server, counted, wait_until):
    client = own_server.client()
    ledger = Ledger(lambda: client)
    for _ in range(50):
        ledger.add([(HASH, "a"), (HASH, "b")], 2)
    assert counted()["a"] < 100
    added = 50

    def written():
        nonlocal added
        added += 1
        ledger.add([(HASH, "a"), (HASH, "b")], 2)
        return counted()["a"] == counted()["b"] == 2 * added

    wait_until(written)


def test_what_is_urgent_takes_the_others_along(own_server, counted):
    client = own_server.client()
    ledger = Ledger(lambda: client)
    for _ in range(3):
        ledger.add([(HASH, "a")], 1)
    ledger.add([(HASH, "b")], 1, at_once=True)
    assert counted() == {"a": 3, "b": 1}


def test_while_the_store_is_away_nobody_asks_it(own_server, counted):
    client = own_server.client()
    ledger = Ledger(lambda: client)
    ledger.store_failed()
    ledger.add([(HASH, "a")], 1, at_once=True)
    assert not counted()


def test_what_could_not_be_written_is_kept(own_server, counted):
    client = own_server.client()
    ledger = Ledger(lambda: client)
    own_server.kill()
    with pytest.raises(RedisError):
        ledger.add([(HASH, "a")], 1)
    ledger.add([(HASH, "a")], 1)  # nobody is asked
    own_server.start()
    ledger._away = 0.0
    ledger.add([(HASH, "a")], 1, at_once=True)
    assert counted() == {"a": 3}

"""Turns at a source: one at a time over all processes, by Redis' clock, and nobody is kept out for ever."""

import threading

import pytest

from kaizen_api import keys
from kaizen_api.errors import Paced, Unavailable
from kaizen_worker.search.pace import Pace


@pytest.fixture
def pace(redis):
    return lambda **more: Pace(lambda: redis, "arxiv", **{"every": 30.0, **more})


def turn(pace, *, patience=0.0, longest=100.0):
    return pace.turn(patience=patience, longest=longest)


def test_the_next_turn_is_no_sooner_than_the_limit_for_anybody(pace, redis):
    with turn(pace()):
        pass
    with pytest.raises(Paced) as paced, turn(pace()):
        pass
    assert 29 < paced.value.retry_after <= 30
    assert 29_000 < redis.pttl(keys.pace("arxiv")) <= 30_000


def test_sources_do_not_wait_for_each_other(pace, redis):
    with turn(pace()), turn(Pace(lambda: redis, "brave", every=1.0)):
        pass


def test_whoever_is_alone_keeps_others_out_while_it_lasts_and_for_the_limit_after(pace, redis):
    with turn(pace(every=3.0, alone=True)):
        assert 99_000 < redis.pttl(keys.pace("arxiv")) <= 100_000
        with pytest.raises(Paced), turn(pace(every=3.0, alone=True), patience=0.3):
            pass
    assert 2_900 < redis.pttl(keys.pace("arxiv")) <= 3_000


def test_what_the_source_asked_for_holds_for_everybody(pace, redis):
    with pytest.raises(Unavailable), turn(pace(every=0.001)):
        raise Unavailable("busy", retry_after=500.0)
    assert 499_000 < redis.pttl(keys.pace("arxiv")) <= 500_000


def test_a_late_end_shortens_nobody_elses_turn(pace, redis):
    with turn(pace(every=1.0, alone=True), longest=100.0):
        redis.set(keys.pace("arxiv"), "somebody", px=50_000)  # ours ran out, and theirs began
    assert redis.get(keys.pace("arxiv")) == b"somebody"


def test_no_wait_is_longer_than_a_day(pace, redis):
    with pytest.raises(Unavailable), turn(pace()):
        raise Unavailable("busy", retry_after=1e12)
    assert redis.ttl(keys.pace("arxiv")) <= 86_400


def test_many_at_once_have_one_turn_after_the_other(pace):
    inside, most, done = [], [], []

    def work():
        for _ in range(5):
            with turn(pace(every=0.002, alone=True), patience=60.0):
                inside.append(1)
                most.append(len(inside))
                inside.pop()
        done.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), len(most), max(most)) == (4, 20, 1)

import pytest

from kaizen_api.errors import Unavailable
from kaizen_api.stack import supervision
from kaizen_api.stack.supervision import Supervision

pytestmark = pytest.mark.usefixtures("fast")


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(supervision, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(supervision, "LONGEST_DELAY", 0.04)


def test_delays_double_up_to_the_longest(wait_until):
    lines, restarted = [], []
    watch = Supervision(restarted.append, lines.append)
    watch.start()
    for count in range(1, 5):
        watch.ended("api", 1)
        wait_until(lambda count=count: len(restarted) == count)
    watch.close()
    assert [line.rpartition(" in ")[2] for line in lines] == ["0.01 s", "0.02 s", "0.04 s", "0.04 s"]
    assert watch.ends == {"api": 4}


def test_what_ran_long_enough_begins_anew(monkeypatch, wait_until):
    restarted = []
    monkeypatch.setattr(supervision, "STEADY", 0.0)
    watch = Supervision(restarted.append, lambda _: None)
    watch.start()
    for count in (1, 2, 3):
        watch.ended("api", 1)
        wait_until(lambda count=count: len(restarted) == count)
    watch.close()
    assert watch.ends == {"api": 1}


def test_a_start_that_fails_is_tried_again(wait_until):
    tries = []

    def restart(name):
        tries.append(name)
        if len(tries) == 1:
            raise Unavailable("no memory")

    lines = []
    watch = Supervision(restart, lines.append)
    watch.start()
    watch.ended("api", -9)
    wait_until(lambda: len(tries) == 2)
    watch.close()
    assert lines == ["api ended (signal 9): again in 0.01 s", "api could not be started: no memory"]


def test_after_closing_nothing_is_started():
    restarted = []
    watch = Supervision(restarted.append, lambda _: None)
    watch.start()
    watch.close()
    watch.ended("api", 1)
    assert restarted == []


def test_others_go_on_while_one_waits(monkeypatch, wait_until):
    monkeypatch.setattr(supervision, "LONGEST_DELAY", 600.0)
    restarted = []
    watch = Supervision(restarted.append, lambda _: None)
    watch.ends["api"] = 14
    watch.start()
    watch.ended("api", 1)
    watch.ended("beat", 1)
    wait_until(lambda: restarted == ["beat"])
    watch.close()

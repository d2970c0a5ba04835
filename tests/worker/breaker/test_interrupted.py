"""A signal, as a soft time limit sends it, strikes at each point where the interpreter looks for signals.

Those points are the entry of a Python function and the return from one in C; a profile function that raises there does
the same as a handler that raises.
"""

import sys
from collections.abc import Callable
from contextlib import suppress

import pytest
from billiard.exceptions import SoftTimeLimitExceeded

from kaizen_api import keys
from kaizen_worker.breaker import with_circuit_breaker


class Striking:
    """Raises at the so manieth point within the block; the first is number 0."""

    def __init__(self, point: int) -> None:
        self.left = point
        self.struck = False

    def __enter__(self) -> None:
        sys.setprofile(self.look)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def look(self, frame: object, event: str, argument: object) -> None:
        if event not in {"call", "c_return"} or argument is sys.setprofile or frame.f_code is self.__exit__.__code__:
            return
        self.left -= 1
        if self.left < 0 and not self.struck:
            self.struck = True
            sys.setprofile(None)
            raise SoftTimeLimitExceeded


def called(breaker, work):
    breaker.call(work)


def guarded(breaker, work):
    with breaker.guard():
        work()


def decorated(breaker, work):
    with_circuit_breaker(breaker)(work)()


def at_every_point(prepare: Callable[[], Callable[[], None]], check: Callable[[int], None]) -> int:
    """How many points there are."""
    point = 0
    while True:
        act = prepare()
        strike, came_out = Striking(point), True
        with suppress(SoftTimeLimitExceeded), strike:
            act()
            came_out = False
        assert came_out == strike.struck, point
        if not strike.struck:
            return point
        check(point)
        point += 1


@pytest.mark.parametrize("form", [called, guarded, decorated])
def test_a_probe_that_is_interrupted_anywhere_leaves_no_lease(make, client, name, advance, form):
    lost = []

    def prepare():
        client.delete(keys.breaker(name), keys.leases(name))
        breaker = make(1)
        breaker.call_failed()
        advance(300)
        return lambda: form(breaker, lambda: None)

    def check(point):
        if make(1).state().leases:
            lost.append(point)

    points = at_every_point(prepare, check)
    assert points > 50
    # As `__exit__` is entered nothing can be done: the lease then ends by itself.
    assert len(lost) <= (form is guarded)

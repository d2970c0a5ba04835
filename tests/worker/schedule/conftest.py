"""Beats that go round by a clock that the test moves, before a real Redis."""

import pytest

from kaizen_api import keys
from kaizen_worker.schedule.rounds import Rounds
from kaizen_worker.schedule.runs import Runs
from kaizen_worker.schedule.timetable import jobs_of

SECOND = 1_000_000
START = 1_793_836_800 * SECOND


class Beats:
    """Some beats with one clock; `sent` are the runs in the order in which they were sent.

    A worker does each at once, unless `working` is False.
    """

    def __init__(self, redis, config, number):
        self.now = START
        self.sent = []
        self.working = True
        self.runs = Runs(redis)
        self.rounds = [
            Rounds(self.runs, table=jobs_of(config), send=self.send, clock=lambda: self.now, look=0)
            for _ in range(number)
        ]

    def send(self, turn, due):
        self.sent.append((turn.name, due))
        if self.working and turn.job.each:
            assert self.done((turn.name, due))

    def done(self, run):
        """Whether a worker that takes this message does something."""
        job, _, tenant = run[0].partition("/")
        with self.runs.carrying_out(job, tenant=tenant, due=run[1]) as ours:
            return ours

    def go(self, seconds=0.0, *, step=None):
        """Moves the clock so far, step by step, and has every beat go round after each."""
        end = self.now + round(seconds * SECOND)
        while True:
            for rounds in self.rounds:
                rounds.go()
            if self.now >= end:
                return
            self.now = min(end, self.now + round((step or seconds) * SECOND))

    def of(self, name):
        """The due times of the runs of one job that were sent, in seconds from the start."""
        return [(due - START) / SECOND for sent, due in self.sent if sent == name]


@pytest.fixture
def make_beats(redis, config):
    """Gives beats of an installation with the tenants acme and berta."""
    redis.sadd(keys.TENANTS, "acme", "berta")
    return lambda number=1, **changes: Beats(redis, config.model_copy(update=changes), number)

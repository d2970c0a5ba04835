"""One run of the log through the installation, with each fault in its turn, or with none."""

import time
from dataclasses import dataclass, field
from itertools import pairwise

import story
from installation import Installation
from network import Network
from outcome import Outcome, drain, follow, outcome_of

from kaizen_api import analyses

_CUT, _HEALED, _WORKER_DIES, _MASTER_DIES = 15, 40, 60, 90
"""Batches of 40 before which each strikes."""

_PATIENCE = 1.0


@dataclass(slots=True)
class Played:
    """What is known of a run.

    Attributes:
        accepted: How many interactions the API said it has.
        costs: Fault → longest standstill after it of what was accepted and of what was committed, in seconds.
        held: Interactions that the worker whose host died had read and never committed.
        scraped: What the exporter said at the end.
    """

    accepted: int = 0
    outcome: Outcome = field(default_factory=Outcome)
    costs: dict = field(default_factory=dict)
    held: int = 0
    scraped: str = ""


def play(folder, *, disturbed):
    """All of it."""
    log = story.tell()
    with Network() as network:
        installed = Installation(network, folder)
        installed.start()
        struck, held = [], []
        installed.push(log, _faults(installed, struck, held) if disturbed else {})
        drain(installed)
        cycles = [follow(installed, analyses.request(installed.config, tenant="default"))]
        outcome, scraped = outcome_of(installed, cycles), installed.scrape()
        played = Played(len(installed.accepted), outcome, held=sum(held), scraped=scraped)
        installed.redis.close()
    over = installed.progress[-1][0]
    for (name, at), (_, end) in pairwise([*struck, ("over", over)]):
        played.costs[name] = tuple(installed.still(at, end, column) for column in (1, 2))
    return played


def _faults(installed, struck, held):
    first, second = installed.workers

    def heal():
        installed.wait_committed()  # the other has taken over what it held
        first.heal()

    def die_at_work():
        """As soon as it holds a batch; if it gets none within a second, before the next batch or the one after."""
        until = time.monotonic() + _PATIENCE
        while not held and time.monotonic() < until:
            if installed.held_by(second):
                fault("a worker's host dies at its work", second.die)()
                held.append(installed.held_by(second))

    def fault(name, strike):
        def strikes():
            struck.append((name, time.monotonic()))
            strike()

        return strikes

    return {
        _CUT: fault("a worker's host is cut off", first.cut),
        _HEALED: fault("it is back", heal),
        **dict.fromkeys(range(_WORKER_DIES, _MASTER_DIES), die_at_work),
        _MASTER_DIES: fault("the master's host dies", installed.stores[0].die),
    }

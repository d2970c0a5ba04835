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


@dataclass(slots=True)
class Played:
    """What is known of a run.

    Attributes:
        accepted: How many interactions the API said it has.
        costs: Fault → longest standstill after it of what was accepted and of what was committed, in seconds.
        scraped: What the exporter said at the end.
    """

    accepted: int = 0
    outcome: Outcome = field(default_factory=Outcome)
    costs: dict = field(default_factory=dict)
    scraped: str = ""


def play(folder, *, disturbed):
    """All of it."""
    log = story.tell()
    with Network() as network:
        installed = Installation(network, folder)
        installed.start()
        struck = []
        installed.push(log, _faults(installed, struck) if disturbed else {})
        drain(installed)
        cycles = [follow(installed, analyses.request(installed.config, tenant="default"))]
        played = Played(len(installed.accepted), outcome_of(installed, cycles), scraped=installed.scrape())
        installed.redis.close()
    over = installed.progress[-1][0]
    for (name, at), (_, end) in pairwise([*struck, ("over", over)]):
        played.costs[name] = tuple(installed.still(at, end, column) for column in (1, 2))
    return played


def _faults(installed, struck):
    first, second = installed.workers

    def heal():
        installed.wait_committed()  # the other has taken over what it held
        first.heal()

    def fault(name, strike):
        def strikes():
            struck.append((name, time.monotonic()))
            strike()

        return strikes

    return {
        _CUT: fault("a worker's host is cut off", first.cut),
        _HEALED: fault("it is back", heal),
        _WORKER_DIES: fault("a worker's host dies", second.die),
        _MASTER_DIES: fault("the master's host dies", installed.stores[0].die),
    }

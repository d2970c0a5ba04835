"""When a worker's last sign means that it lives on and does nothing.

Time alone condemns nobody: where Redis or beat is away there are no ticks, and a long job may take as long as its limit
allows. One that is idle while ticks go by it, or pile up, is wedged.
"""

from typing import Literal

import msgspec

TICKS_MISSED = 30
"""Ticks that may go by an idle worker, and three more for each worker that shares them."""

_IDLE_MICROS = 30_000_000


class Sign(msgspec.Struct, frozen=True, array_like=True):
    """What a worker last did.

    Attributes:
        job: What it does since then; empty where it ended one.
        at: us since the epoch.
        until: By when the job ends or is killed, us since the epoch; 0 where there is none.
        ticks: Ticks of beat that had been carried out by all workers.
    """

    job: str
    at: int
    until: int
    ticks: int


def ticks_allowed(workers: int) -> int:
    """How many may go by an idle worker that shares them with so many."""
    return TICKS_MISSED + 3 * workers


def judge(sign: Sign, *, now: int, passed: int, allowed: int) -> Literal["idle", "busy", "wedged"]:
    """What its worker does.

    Args:
        sign: The last one it left.
        now: us since the epoch.
        passed: Ticks that were carried out since, or jobs of theirs that wait now, whichever are more.
        allowed: How many of them are usual.
    """
    if sign.job:
        return "wedged" if now > sign.until + _IDLE_MICROS else "busy"
    return "wedged" if passed > allowed and now - sign.at > _IDLE_MICROS else "idle"

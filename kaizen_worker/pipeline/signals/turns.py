"""Which turns follow each other: what a user says next tells most about the answer before.

Conversations are runs of one session (of one user, where there is no session) without a pause of half an hour.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.types import Flags, Window

Rows = NDArray[np.intp]

PAUSE = 30 * 60 * 1_000_000
"""Microseconds without a turn that end a conversation; half an hour is the usual time-out of a web session."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The conversations of a window."""

    order: Rows  # (n,) rows sorted by conversation, then time
    thread: Rows  # (n,) dense conversation of the row at each place of `order`
    threaded: Flags  # (n,) by row: it has a session or a user, so that something could follow it

    def preceding(self, wanted: Flags) -> Rows:
        """By row (n,): the last wanted row before it in its conversation, -1 where there is none."""
        places = np.arange(len(self.order))
        latest = np.maximum.accumulate(np.where(wanted[self.order], places, -1))
        before = np.concatenate(([-1], latest[:-1]))[: len(places)]
        start = np.searchsorted(self.thread, self.thread)  # first place of the same conversation
        found = np.full(len(places), -1, np.intp)
        found[self.order] = np.where(before >= start, self.order[np.maximum(before, 0)], -1)
        return found

    def pairs(self, wanted: Flags, *, lag: int) -> tuple[Rows, Rows]:
        """Rows that are `lag` wanted turns apart in one conversation: the earlier and the later, (m,) each."""
        kept = wanted[self.order]
        rows, thread = self.order[kept], self.thread[kept]
        same = thread[:-lag] == thread[lag:]
        return rows[:-lag][same], rows[lag:][same]

    def last(self) -> Flags:
        """By row (n,): nothing follows it in its conversation."""
        ends = np.ones(len(self.order), np.bool_)
        ends[self.order[:-1]] = self.thread[:-1] != self.thread[1:]
        return ends


def turns(window: Window) -> Turns:
    """Cut a window into conversations."""
    row = np.arange(len(window), dtype=np.intp)
    offset = len(window.session.names)
    owner = np.where(window.session.codes >= 0, window.session.codes, window.user.codes + offset)
    threaded = (window.session.codes >= 0) | (window.user.codes >= 0)
    owner = np.where(threaded, owner, row + offset + len(window.user.names))
    order = np.lexsort((row, owner))
    times, owners = window.occurred_at[order], owner[order]
    starts = (np.diff(owners) != 0) | (np.diff(times) > PAUSE)
    thread = np.concatenate(([0], np.cumsum(starts)))[: len(order)].astype(np.intp)
    return Turns(order, thread, threaded)

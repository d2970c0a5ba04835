"""From a window's columns to the sketches of its topics, shard by shard.

A window is itself read in shards, so memory is bounded by one of them and the sketches.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kaizen_worker.pipeline.sketch.distinct import Hashes, hashes, lowest
from kaizen_worker.pipeline.sketch.sketch import EMPTY, EXEMPLARS, LENGTH, MILLION, OUTCOMES, Sketch, merge
from kaizen_worker.pipeline.sketch.times import count_times
from kaizen_worker.types import Codes, Floats, Signals, Window

SHARD = 1 << 17
"""Interactions sketched at a time."""

BLOCK = 4096
"""Vectors summed at a time."""

Rows = NDArray[np.int64]
Exemplars = tuple[tuple[int, str], ...]


def sketches(
    window: Window, marks: Signals, topics: Codes, *, count: int, rows: Rows | None = None
) -> tuple[Sketch, ...]:
    """Sketch each of k topics.

    Args:
        window: n interactions.
        marks: Their signals.
        topics: (n,) topic of each, -1 for noise.
        count: k.
        rows: (m,) the interactions of a shard, each once, in any order; all of them by default.

    Returns:
        k sketches. Those of shards, `merged`, are those of the window, to the bit.
    """
    chosen = np.arange(len(window)) if rows is None else rows
    whole = (EMPTY,) * count
    for start in range(0, len(chosen), SHARD):
        part = chosen[start : start + SHARD]
        whole = merged([whole, _shard(window, marks, topics, part[topics[part] >= 0], count)])
    return whole


def merged(shards: Iterable[tuple[Sketch, ...]]) -> tuple[Sketch, ...]:
    """Give the sketches of each topic over all shards, one at least; each shard has the same k topics."""
    return tuple(merge(parts) for parts in zip(*shards, strict=True))


def _shard(window: Window, marks: Signals, topics: Codes, rows: Rows, count: int) -> tuple[Sketch, ...]:
    """Sketch the topics of these rows, none of which is noise."""
    rows = rows[np.argsort(topics[rows], kind="stable")]
    totals = _totals(window, topics, _questions(marks, rows), count)
    members = np.split(rows, np.searchsorted(topics[rows], np.arange(count + 1)))[1:-1]
    return tuple(_sketch(window, marks, own, total) for own, total in zip(members, totals, strict=True))


def _sketch(window: Window, marks: Signals, own: Rows, total: Floats) -> Sketch:
    """Sketch one topic of which these are the rows."""
    if not len(own):
        return EMPTY
    questions = _questions(marks, own)
    return Sketch(
        interactions=len(own),
        questions=len(questions),
        failure=int(np.rint(marks.failure[own] * MILLION).astype(np.int64).sum()),
        first=int(window.occurred_at[own].min()),
        last=int(window.occurred_at[own].max()),
        outcomes=np.array([np.count_nonzero(marks.flags[name][own]) for name in OUTCOMES], np.int64),
        response_times=count_times(window.response_time[own]),
        total=total,
        askers=lowest(_askers(window, own)),
        exemplars=_exemplars(window, questions),
    )


def _questions(marks: Signals, rows: Rows) -> Rows:
    """Choose the rows that ask something themselves: "still doesn't work" tells nothing about its topic's place."""
    return rows[~marks.flags["follow_up"][rows]]


def _askers(window: Window, rows: Rows) -> Hashes:
    """Hash who asked, (m,): the user, else the session, else the interaction as one of its own."""
    users, sessions = window.user, window.session
    codes = zip(rows.tolist(), users.codes[rows].tolist(), sessions.codes[rows].tolist(), strict=True)
    return hashes(
        f"u{users.names[user]}"
        if user >= 0
        else f"s{sessions.names[session]}"
        if session >= 0
        else f"i{window.ids[row]}"
        for row, user, session in codes
    )


def _totals(window: Window, topics: Codes, rows: Rows, count: int) -> Floats:
    """Sum the vectors of each topic, (k, d); float16 rows sum without rounding, so no order of them is another sum."""
    totals = np.zeros((count, window.vectors.shape[1]))
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        ones = (np.ones(len(part)), (topics[part], np.arange(len(part))))
        totals += sparse.csr_matrix(ones, (count, len(part))) @ window.vectors[window.text[part]].astype(np.float64)
    return totals


def _exemplars(window: Window, questions: Rows) -> Exemplars:
    """Choose the texts with the lowest hashes, each once."""
    texts = np.unique(window.text[questions])
    hashed = hashes(window.texts[text] for text in texts.tolist())
    chosen = np.argsort(hashed, kind="stable")[:EXEMPLARS]
    return tuple((int(hashed[i]), window.texts[texts[i]][:LENGTH]) for i in chosen.tolist())

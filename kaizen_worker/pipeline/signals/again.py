"""Asking again: the same words (repeat), or the same question in other words (rephrase).

No fixed cosine means "the same" in every space, so the bar is taken from the window itself: what pairs of turns of
different conversations hardly ever reach.
"""

import numpy as np

from kaizen_worker.pipeline.signals.phrases import content, plain
from kaizen_worker.pipeline.signals.sayings import Queries
from kaizen_worker.pipeline.signals.turns import Rows, Turns
from kaizen_worker.types import Flags, Floats, Window

REACH = 2
"""Questions ahead that are compared: people try once or twice more."""

UNRELATED = 0.98
"""Quantile of the cosines of unrelated pairs that a rephrased question must exceed."""

BAR = (0.45, 0.80)
"""Lowest and highest bar: below, nothing means the same; above, hardly any rephrasing is found."""

OVERLAP = 0.2
"""Least Jaccard overlap of the content words, unless the cosine is clearly over the bar."""

CLEAR = 0.15
"""How far over the bar a cosine stands for itself."""

REFERENCE_PAIRS = 20_000
"""Unrelated pairs that are looked at."""

BLOCK = 8_192
"""Pairs whose vectors are held at a time."""


def asked_again(window: Window, queries: Queries, turns: Turns, question: Flags) -> tuple[Flags, Flags]:
    """Which turns are asked again later in their conversation: repeated, rephrased; (n,) bool each.

    Args:
        window: n interactions over u texts.
        queries: What the u texts say.
        turns: The conversations.
        question: (n,) the turns that carry a question of their own.
    """
    repeat, rephrase = np.zeros(len(window), np.bool_), np.zeros(len(window), np.bool_)
    bar = _bar(window, turns, question)
    for lag in range(1, REACH + 1):
        early, late = turns.pairs(question, lag=lag)
        same = queries.said[window.text[early]] == queries.said[window.text[late]]
        near = _cosines(window, early, late)
        alike = near >= bar + CLEAR
        doubtful = np.flatnonzero((near >= bar) & ~alike & ~same)
        alike[doubtful] = [_shared(window, early[pair], late[pair]) >= OVERLAP for pair in doubtful]
        repeat[early[same]] = True
        rephrase[early[alike & ~same]] = True
    return repeat, rephrase & ~repeat


def _bar(window: Window, turns: Turns, question: Flags) -> float:
    """The cosine that unrelated questions hardly reach: pairs of different owners and texts, half a window apart."""
    kept = question[turns.order]
    rows, threads = turns.order[kept], turns.thread[kept]
    step = max(1, len(rows) // REFERENCE_PAIRS)
    early, late = rows[::step], np.roll(rows, len(rows) // 2)[::step]
    apart = threads[::step] != np.roll(threads, len(rows) // 2)[::step]
    apart &= window.text[early] != window.text[late]
    if not apart.any():
        return BAR[1]
    return float(np.clip(np.quantile(_cosines(window, early[apart], late[apart]), UNRELATED), *BAR))


def _cosines(window: Window, early: Rows, late: Rows) -> Floats:
    found = np.empty(len(early), np.float64)
    for start in range(0, len(early), BLOCK):
        span = slice(start, start + BLOCK)
        left, right = (window.vectors[window.text[side[span]]].astype(np.float32) for side in (early, late))
        found[span] = np.einsum("ij,ij->i", left, right, dtype=np.float64)
    return found


def _shared(window: Window, early: int, late: int) -> float:
    """Jaccard overlap of the content words of two turns."""
    left, right = (content(plain(window.texts[window.text[row]])) for row in (early, late))
    together = len(left | right)
    return len(left & right) / together if together else 0.0

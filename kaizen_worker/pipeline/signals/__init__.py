"""Signs of failure in each interaction, and the probability that they add up to; deterministic and without a model.

What the next turn says counts for the turn that failed. A turn that carries no question of its own ("still doesn't
work", "thanks") has the flag `follow_up`, so that it is no topic; what it says is credited to the question before it.

Retrieval coverage is no part of the probability: what the knowledge base holds says what could be answered, not what
was. `gaps/unserved.py` joins the two, so here it would count twice.
"""

from dataclasses import replace

import numpy as np
from scipy.special import expit, logit

from kaizen_worker.pipeline.signals.again import asked_again
from kaizen_worker.pipeline.signals.failure import failures, ratings
from kaizen_worker.pipeline.signals.sayings import Queries, read_queries, read_responses
from kaizen_worker.pipeline.signals.scores import ACCEPTED, LEVEL, predictors
from kaizen_worker.pipeline.signals.slow import slow_for_topic, usual_at_most
from kaizen_worker.pipeline.signals.turns import PAUSE, Rows, Turns, turns
from kaizen_worker.types import Codes, Flags, Floats, Signals, Thresholds, Window

__all__ = ["in_topics", "read_responses", "signals"]

OWN = ("error", "empty", "refusal", "clarification", "slow")
"""Signs in the turn itself: one of them, and then silence, is an abandonment."""

SAID = ("empty", "refusal", "clarification")
"""Signs that the response itself is."""

NEXT = ("negation", "rephrase", "repeat", "escalation")
"""Signs in what the user does next."""


def signals(window: Window, thresholds: Thresholds) -> Signals:
    """Find the signs in every interaction of the window.

    Flags, (n,) bool each: error, empty (an answer that says nothing, `sayings.is_empty`), slow, low_level, rejected,
    negative_feedback, refusal, clarification, negation, rephrase, repeat, escalation, abandonment; thanked, the one
    sign of success; and follow_up. Scores are weighed by what users said, else by what they did next, never by the
    judges' own verdict.
    """
    asked = turns(window)
    flags = _plain_signs(window, thresholds) | {sign: window.answers[sign] for sign in SAID}
    flags |= _next_signs(window, asked, read_queries(window.texts), asks=window.answers["asks"])
    flags["abandonment"] = _abandoned(window, asked, flags)
    scores = {**window.critics, LEVEL: window.level, ACCEPTED: window.accepted}
    said = ratings(window.feedback)
    critics = predictors(scores, said, _next_outcome(asked, flags))
    return Signals(flags, *failures(flags, said, scores, critics))


def in_topics(window: Window, marks: Signals, topic: Codes, thresholds: Thresholds) -> Signals:
    """The signals once topics are known: slow is also what stands out from its topic's own history.

    Args:
        window: n interactions.
        marks: Their `signals`.
        topic: (n,) topic of each, -1 for none.
        thresholds: As for `signals`.
    """
    flags = {**marks.flags, "slow": marks.flags["slow"] | slow_for_topic(window, topic, thresholds)}
    flags["abandonment"] = _abandoned(window, turns(window), flags)
    line = logit(marks.failure)  # what is certain stays so
    for name in ("slow", "abandonment"):
        line += marks.weights[name] * (flags[name].astype(np.float64) - marks.flags[name])
    return replace(marks, flags=flags, failure=expit(line))


def _plain_signs(window: Window, thresholds: Thresholds) -> dict[str, Flags]:
    time = window.response_time
    return {
        "error": window.error.codes >= 0,
        "slow": time > max(thresholds.response_time, usual_at_most(time)),
        "low_level": window.level < thresholds.level,
        "rejected": window.accepted == 0,
        "negative_feedback": window.feedback < 0,
    }


def _next_signs(window: Window, asked: Turns, queries: Queries, *, asks: Flags) -> dict[str, Flags]:
    """Credit what follows to the question before it."""
    everything = np.ones(len(window), np.bool_)
    before = asked.preceding(everything)
    follow_up = queries.empty[window.text] | (queries.empty_call[window.text] & (before >= 0))
    answers_back = (before >= 0) & asks[before]
    rejects = queries.rejects | (queries.bare & queries.empty)
    rejecting = rejects[window.text] | (queries.opens[window.text] & ~answers_back)
    cause = asked.preceding(~follow_up)
    calling = queries.escalates[window.text]
    repeat, rephrase = asked_again(window, queries, asked, ~follow_up)
    return {
        "follow_up": follow_up,
        "negation": _credited(rejecting, cause),
        "escalation": _credited(calling, cause) | (calling & (cause < 0)),
        "repeat": repeat,
        "rephrase": rephrase,
        "thanked": _credited(queries.thanks[window.text], cause),
    }


def _credited(sign: Flags, cause: Rows) -> Flags:
    found = np.zeros(len(sign), np.bool_)
    found[cause[sign & (cause >= 0)]] = True
    return found


def _abandoned(window: Window, asked: Turns, flags: dict[str, Flags]) -> Flags:
    """The conversation ends at a turn with another sign; not where the window ends too early to know."""
    if not len(window):
        return np.zeros(0, np.bool_)
    known = window.occurred_at + PAUSE <= window.occurred_at[-1]
    own: Flags = np.logical_or.reduce([flags[name] for name in OWN])
    found: Flags = asked.last() & asked.threaded & known & own & ~flags["follow_up"]
    return found


def _next_outcome(asked: Turns, flags: dict[str, Flags]) -> Floats:
    """What the next turn tells, where there is one: 1 failed, 0 went well, NaN unknown."""
    failed = np.logical_or.reduce([flags[name] for name in NEXT])
    return np.where(asked.last() | flags["follow_up"], np.nan, failed.astype(np.float64))

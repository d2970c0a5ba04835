"""The users: what they say next, how they rate, and how long they take."""

from collections.abc import Mapping
from random import Random
from typing import Literal

from kaizen_worker.simulate.assistant import Outcome
from kaizen_worker.simulate.rates import Rates

Kind = Literal["question", "negation", "thanks"]
"""What a user's turn is; every question but the first of a session is a rephrasing."""


def next_kind(kind: Kind, outcome: Outcome | None, rates: Rates, chance: Random) -> Kind | None:
    """What the user says after a turn; None to leave."""
    draw = chance.random()
    for move, probability in _moves(kind, outcome, rates).items():
        if draw < probability:
            return move
        draw -= probability
    return None


def _moves(kind: Kind, outcome: Outcome | None, rates: Rates) -> Mapping[Kind, float]:
    if kind != "question":
        return {"question": rates.rephrase_after_negation} if kind == "negation" else {}
    if outcome == "answered":
        return {
            "negation": rates.negation_after_good,
            "question": rates.rephrase_after_good,
            "thanks": rates.thanks_after_good,
        }
    negation = rates.negation_after_wrong if outcome == "wrong" else rates.negation_after_none
    return {"negation": negation, "question": rates.rephrase_after_failure}


def feedback(outcome: Outcome, rates: Rates, chance: Random) -> float | None:
    """Thumbs up (1) or down (−1); None for most."""
    good = outcome == "answered"
    given = chance.random() < (rates.feedback_after_good if good else rates.feedback_after_failure)
    mistaken = chance.random() < rates.feedback_mistaken
    if not given:
        return None
    return 1.0 if good != mistaken else -1.0


def pause(rates: Rates, chance: Random) -> float:
    """Seconds until the next answer, to the millisecond."""
    drawn = rates.pause_median * chance.lognormvariate(0, rates.pause_sigma)
    return round(min(drawn, rates.pause_most), 3)

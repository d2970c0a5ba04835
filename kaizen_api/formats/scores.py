"""Scores that other tools give an answer, mapped to feedback (−1..1), critics (0..1) and `accepted`.

| what is given | feedback | critic |
| --- | --- | --- |
| a word: up, like, good, yes, pass … / down, bad, no, fail … / neutral | 1 / −1 / 0 | 1 / 0 / 0.5 |
| true / false | 1 / −1 | 1 / 0 |
| numbers of one name, some below 0, none over 1 (−1..1) | as it is | (v + 1) / 2 |
| numbers 0..1, thumbs as 0 and 1 among them | 2v − 1 | as it is |
| numbers 1..5, or any name with `star` or `csat` in it | (v − 3) / 2 | (v − 1) / 4 |
| numbers 0..5, 0..10, 0..100 | 2v / top − 1 | v / top |

A number alone does not tell its scale, so the scale of a name is read from the least and the greatest number that the
log gives under it. Names in `_FEEDBACK` are what a user said; every other name is a critic. Several scores of one name
count with their mean. What fits no scale stays readable under `metadata`, as `score.NAME`.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

_WORDS = {
    **dict.fromkeys(("up", "thumbs_up", "thumb_up", "thumbsup", "like", "liked", "upvote", "positive", "good"), 1.0),
    **dict.fromkeys(("yes", "true", "pass", "passed", "correct", "helpful", "satisfied", "accepted", "👍"), 1.0),
    **dict.fromkeys(("down", "thumbs_down", "thumb_down", "thumbsdown", "dislike", "disliked", "downvote"), 0.0),
    **dict.fromkeys(("negative", "bad", "no", "false", "fail", "failed", "incorrect", "unhelpful", "rejected"), 0.0),
    **dict.fromkeys(("not_helpful", "dissatisfied", "unsatisfied", "👎"), 0.0),
    **dict.fromkeys(("neutral", "mixed", "partial", "partially_correct"), 0.5),
}
_FEEDBACK = frozenset(
    {"feedback", "user_feedback", "userfeedback", "human_feedback", "rating", "user_rating", "star_rating", "stars"}
    | {"thumbs", "thumb", "thumbs_up", "thumbsup", "like", "vote", "csat", "satisfaction", "user_satisfaction"}
)
_AGAINST = frozenset({"thumbs_down", "thumbsdown", "dislike", "downvote"})
"""Names under which a yes is a complaint, and a no says nothing."""
_STARS = re.compile("star|csat")
_SCALES = ((0.0, 1.0), (-1.0, 1.0), (1.0, 5.0), (0.0, 5.0), (0.0, 10.0), (0.0, 100.0))
_STAR_SCALES = ((1.0, 5.0), *_SCALES)
_ACCEPTED = "accepted"
_LEVEL = "consciousness_level"


@dataclass(frozen=True, slots=True)
class Score:
    """One score: a number (booleans as 0 and 1), a word, or both."""

    name: str
    value: float | None = None
    label: str | None = None


Bounds = tuple[float, float]
"""The least and the greatest number that a log gives under one name."""


def plain(name: str) -> str:
    """A name or a word as it is compared: lower case, `_` between words."""
    return re.sub(r"[\s_.:-]+", "_", name.strip().lower()).strip("_")


def finite(value: Any) -> float | None:
    """A number, or the number that a text or a boolean stands for; None for everything else."""
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def word(label: str | None) -> float | None:
    """What a word says, 0..1; None for a word that says nothing here."""
    return _WORDS.get(plain(label)) if label else None


def unit(value: float, bounds: Bounds, name: str) -> float | None:
    """A number on 0..1, by the scale of its name; None where no scale fits all that the log gives under it."""
    least, greatest = bounds
    fitting = (low_high for low_high in _scales(name) if low_high[0] <= least and greatest <= low_high[1])
    low, high = next(fitting, (math.nan, math.nan))
    return None if math.isnan(low) else (value - low) / (high - low)


def _scales(name: str) -> tuple[Bounds, ...]:
    """The scales of the table above, the likeliest first."""
    return _STAR_SCALES if _STARS.search(plain(name)) else _SCALES


def fields_of(scores: Iterable[Score], bounds: Callable[[str], Bounds]) -> dict[str, Any]:
    """The fields of an interaction that its scores set.

    Args:
        scores: All of one interaction.
        bounds: Gives the bounds of a name.
    """
    feedback: list[float] = []
    named: dict[str, list[float]] = {}
    unread: dict[str, Any] = {}
    for score in scores:
        value = _unit(score, bounds)
        name = plain(score.name)
        if value is None:
            unread[f"score.{score.name}"] = score.value if score.label is None else score.label
        elif name in _AGAINST:
            feedback += [-1.0] if value else []
        elif name in _FEEDBACK:
            feedback.append(2 * value - 1)
        else:
            named.setdefault(score.name, []).append(value)
    return _joined(feedback, {name: fmean(values) for name, values in named.items()}, unread)


def _unit(score: Score, bounds: Callable[[str], Bounds]) -> float | None:
    said = word(score.label)
    if said is None and score.value is not None:
        return unit(score.value, bounds(score.name), score.name)
    return said


def _joined(feedback: list[float], named: dict[str, float], unread: dict[str, Any]) -> dict[str, Any]:
    accepted = named.pop(_ACCEPTED, None)
    return {
        "feedback": fmean(feedback) if feedback else None,
        "accepted": None if accepted is None else accepted > 0.5,  # noqa: PLR2004 - the middle between no and yes
        "consciousness_level": named.pop(_LEVEL, None),
        "critics": named or None,
        "metadata": unread or None,
    }

"""How numbers are said: a share in per cent, a difference of shares in points, as everywhere.

What is not finite has become None on its way here, and is said as "?".
"""

from collections.abc import Mapping
from typing import Any


def percent(share: float) -> str:
    """A share, 0..1: "60.0%"."""
    return f"{share:.1%}"


def points(difference: float | None) -> str:
    """One share less another, -1..1: "+12.5 points"."""
    return f"{_hundredfold(difference)} points"


def seconds(time: float) -> str:
    """A time: "0.312 s"."""
    return f"{time:.3g} s"


def interval(of: Mapping[str, Any]) -> str:
    """An estimate with its 95 % interval; every one that Kaizen stores in unit "share" is a difference of shares."""
    say, unit = (_hundredfold, "points") if of["unit"] == "share" else (_plain, of["unit"])
    return f"{say(of['estimate'])} {unit} (95 % interval {say(of['low'])} to {say(of['high'])})"


FEW = 5
"""Scores of which too little is known that are named one by one."""


def critic(name: str, of: Mapping[str, Any]) -> str:
    """Whether a score predicts failures: "polite does not predict which answers fail: weight 0 (AUC 0.51, …)"."""
    known = f"{of['failed']} failures and {of['succeeded']} successes"
    known += " by ratings" if of["by"] == "ratings" else " by what users did next"
    if of["auc"] is None:
        return f"{name}: too few outcomes are known to say whether it predicts which answers fail ({known})"
    verdict = "predicts" if of["weight"] else "does not predict"
    return f"{name} {verdict} which answers fail: weight {of['weight']:.2g} (AUC {of['auc']:.2f}, {known})"


def critics(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each score of which enough is known, and one for the others together if they are many."""
    known = [critic(name, of) for name, of in scores.items() if of["auc"] is not None]
    others = [critic(name, of) for name, of in scores.items() if of["auc"] is None]
    if len(others) > FEW:
        others = [
            f"{len(others)} more scores: too few outcomes are known to say whether they predict which answers fail"
        ]
    return known + others


def _hundredfold(difference: float | None) -> str:
    return "?" if difference is None else f"{100 * difference:+.1f}"


def _plain(number: float | None) -> str:
    return "?" if number is None else f"{number:.3g}"

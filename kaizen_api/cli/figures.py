"""How numbers are said: a share in per cent, a difference of shares in points, an estimate with its interval."""

from collections.abc import Mapping
from typing import Any


def percent(share: float) -> str:
    """A share, 0..1: "60.0%"."""
    return f"{share:.1%}"


def points(difference: float) -> str:
    """One share less another, -1..1: "+12.5 points"."""
    return f"{100 * difference:+.1f} points"


def interval(value: Mapping[str, Any]) -> str:
    """An estimate with its 95 % interval; every one that Kaizen stores in unit "share" is a difference of shares."""
    numbers = [value[name] for name in ("estimate", "low", "high")]
    if value["unit"] == "share":
        estimate, low, high = ("?" if number is None else f"{100 * number:+.1f}" for number in numbers)
        unit = "points"
    else:
        estimate, low, high = ("?" if number is None else f"{number:.3g}" for number in numbers)
        unit = value["unit"]
    return f"{estimate} {unit} (95 % interval {low} to {high})"

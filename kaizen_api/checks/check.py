"""What one look at one part gives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One part as it was found.

    Attributes:
        ok: Whether it works; one that works may have a remedy all the same, which then is advice.
        detail: What was seen.
        remedy: What to do, empty where there is nothing to do.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""

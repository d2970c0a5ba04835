"""Times as people read them at a terminal: to the second, where they are, with the zone's name."""

from datetime import datetime


def local(moment: str | None) -> str | None:
    """A rendered time in the zone of this machine: "2026-03-01 14:00:05 CET"; None of none."""
    if moment is None:
        return None
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")

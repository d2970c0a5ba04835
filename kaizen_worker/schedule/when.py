"""When a job is due: every so many seconds, or daily at a time of some zone. Pure; times are µs since the epoch.

A day has one due time in any zone: where the clock is put forward over it, as long after midnight as on other days;
where it is put back over it, the first of the two.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from kaizen_api.errors import Invalid

_MICRO = 1_000_000
_DAY = 86_400 * _MICRO
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
_EVERY = re.compile(r"every (\d+(?:\.\d+)?) ?([smh]?)")
_DAILY = re.compile(r"daily (?:at )?(\d\d?):(\d\d)(?: (\S+))?")


class When(Protocol):
    """A rule; its text reads like what `parse` takes."""

    def next(self, last: int) -> int:
        """The first due time after `last`."""
        ...

    def latest(self, last: int, now: int) -> int:
        """The last due time after `last` that is not after `now`; `last` itself where there is none."""
        ...

    def astray(self, last: int, now: int) -> bool:
        """Whether `last` lies so far ahead that the clock it is from was wrong."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """Every so many seconds, counted from the run before."""

    seconds: float

    def next(self, last: int) -> int:
        """One interval later."""
        return last + self._micros

    def latest(self, last: int, now: int) -> int:
        """Whole intervals later: what was missed in between is caught up once."""
        return last + max(0, now - last) // self._micros * self._micros

    def astray(self, last: int, now: int) -> bool:
        """At once: a clock that was put back an hour must not keep the jobs waiting for an hour."""
        return last > now

    @property
    def _micros(self) -> int:
        return round(self.seconds * _MICRO)

    def __str__(self) -> str:
        return f"every {self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a day of a zone, at a time of its clocks."""

    hour: int
    minute: int
    zone: str

    def next(self, last: int) -> int:
        """On that day or the next."""
        return next(due for days in range(-1, 3) if (due := self._due(last, days)) > last)

    def latest(self, last: int, now: int) -> int:
        """Today's or yesterday's."""
        return max(last, next(due for days in range(1, -3, -1) if (due := self._due(now, days)) <= now))

    def astray(self, last: int, now: int) -> bool:
        """By more than a day: of a clock that was put back an hour the day's run stays done."""
        return last > now + _DAY

    def _due(self, moment: int, days: int) -> int:
        zone = ZoneInfo(self.zone)
        day = (_EPOCH + timedelta(microseconds=moment)).astimezone(zone).date() + timedelta(days=days)
        at = datetime(day.year, day.month, day.day, self.hour, self.minute, tzinfo=zone)
        return (at - _EPOCH) // timedelta(microseconds=1)

    def __str__(self) -> str:
        return f"daily at {self.hour:02}:{self.minute:02} {self.zone}"


def parse(text: str, *, zone: str) -> Every | Daily | None:
    """A rule from `every 30m`, `daily 02:30 Europe/Berlin` or `off` (None); `zone` is meant where none is named.

    Raises:
        Invalid: it is none of them; the text says what is.
    """
    if text == "off":
        return None
    if match := _EVERY.fullmatch(text):
        return Every(float(match[1]) * _UNITS[match[2]])
    match = _DAILY.fullmatch(text)
    if match is None or int(match[1]) >= 24 or int(match[2]) >= 60:  # noqa: PLR2004  # hours and minutes
        raise Invalid(f"{text!r} is no time: write `every 30m` (s, m, h), `daily 02:30 Europe/Berlin`, or `off`")
    return Daily(int(match[1]), int(match[2]), _zone(match[3] or zone))


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise Invalid(f"{name!r} is no time zone: write one like Europe/Berlin") from None

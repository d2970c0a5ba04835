"""What became of topics: the life of each as it is stored, and the history that is shown."""

import msgspec

from kaizen_api.schema import Step, Topic


class Point(msgspec.Struct, kw_only=True, frozen=True):
    """A topic as one cycle saw it."""

    at: int  # µs since the epoch
    size: int  # interactions of the window
    failure_rate: float  # 0..1


class Life(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What analyses saw of one topic since its birth; kept for a while after its end."""

    id: str
    name: str  # the automatic one
    history: list[Step] = msgspec.field(default_factory=list)
    series: list[Point] = msgspec.field(default_factory=list)
    exemplars: list[str] = msgspec.field(default_factory=list)
    into: str | None = None  # the topic it merged into by itself
    ended_at: int = 0  # µs since the epoch, 0 while it lives


class Event(msgspec.Struct, kw_only=True, frozen=True):
    """One event in a topic's history, by analyses or people."""

    at: int  # µs since the epoch
    event: str
    detail: str = ""
    topic: str | None = None  # the relative
    topic_name: str | None = None


class History(msgspec.Struct, kw_only=True):
    """A topic with all that happened to it, and its series with what merged into it."""

    topic: Topic
    events: list[Event]  # the oldest first
    series: list[Point]  # the oldest first

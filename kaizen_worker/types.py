"""Values that never leave the worker: frozen, slotted, columns rather than rows.

Codes point into the tuple of names beside them; -1 stands for none. Absent numbers are NaN. n is the number of
interactions, u of distinct texts, k of topics, d the dimension of the vectors.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from kaizen_api.critic import Critic
from kaizen_api.schema import InsightType, Interval

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]
Vectors = NDArray[np.float32]
Halves = NDArray[np.float16]
"""Vectors as they are kept: embedders round through float16, so the float32 of these are the very ones computed."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some rows of vectors, taken when they are looked at: a copy of them might be as large as all the rest."""

    rows: Halves  # (u, d)
    places: NDArray[np.int64]  # (m,) into the rows

    @property
    def shape(self) -> tuple[int, int]:
        """(m, d)."""
        return len(self.places), self.rows.shape[1]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, which: "slice | NDArray[np.int64]") -> Halves:
        return self.rows[self.places[which]]


Rows = Vectors | Halves | Chosen
"""Vectors of which blocks are looked at."""


class Strings(Sequence[str]):
    """Strings in one piece of memory, about a third of what a tuple of them takes; a slice shares it.

    Args:
        encoded: All of them in UTF-8, one after the other.
        bounds: (m + 1,) where each begins, and the last one ends.
    """

    __slots__ = ("bounds", "encoded")

    def __init__(self, encoded: bytes, bounds: NDArray[np.int64]) -> None:
        self.encoded, self.bounds = encoded, bounds

    @classmethod
    def of(cls, strings: Iterable[str]) -> "Strings":
        """These strings."""
        encoded = [one.encode() for one in strings]
        return cls(b"".join(encoded), np.fromiter(accumulate(map(len, encoded), initial=0), np.int64))

    @classmethod
    def joined(cls, parts: Sequence["Strings"]) -> "Strings":
        """Those of whole parts, one part behind the other."""
        lengths = [np.diff(part.bounds) for part in parts]
        bounds = np.concatenate(([0], np.cumsum(np.concatenate([*lengths, np.empty(0, np.int64)]))))
        return cls(b"".join(part.encoded for part in parts), bounds.astype(np.int64))

    def take(self, rows: NDArray[np.int64]) -> "Strings":
        """Those at some places, in that order."""
        starts, stops = self.bounds[rows], self.bounds[rows + 1]
        pairs = zip(starts.tolist(), stops.tolist(), strict=True)
        bounds = np.concatenate(([0], np.cumsum(stops - starts)))
        return Strings(b"".join(self.encoded[start:stop] for start, stop in pairs), bounds.astype(np.int64))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> "Strings": ...
    def __getitem__(self, place: int | slice) -> "str | Strings":
        if isinstance(place, slice):
            start, stop, _ = place.indices(len(self))
            return Strings(self.encoded, self.bounds[start : max(start, stop) + 1])
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        row = place % len(self)
        return self.encoded[self.bounds[row] : self.bounds[row + 1]].decode()

    def __iter__(self) -> Iterator[str]:
        return (self[row] for row in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(str.__eq__, self, other))

    def __hash__(self) -> int:
        return hash(tuple(self))


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of names: codes (n,) int32 into `names`, -1 for none."""

    codes: Codes
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The interactions that a cycle looks at, sorted by time and id; rows of every column agree."""

    ids: Sequence[str]  # n
    occurred_at: NDArray[np.int64]  # (n,) microseconds since the epoch
    text: Codes  # (n,) into texts, never -1
    texts: tuple[str, ...]  # u distinct queries, sorted
    vectors: Halves  # (u, d), unit length, one row a text; (u, 0) until they are known
    session: Coded
    user: Coded
    response_time: Floats  # (n,) seconds
    error: Coded
    feedback: Floats  # (n,) -1..1
    level: Floats  # (n,) 0..1, the consciousness level
    accepted: Floats  # (n,) 1 accepted, 0 rejected
    critics: Mapping[str, Floats]  # each (n,) 0..1
    answers: Mapping[str, Flags]  # what the responses say, (n,) bool by sign; the responses themselves are kept nowhere
    model: Coded
    tool: Coded
    entry_ids: tuple[tuple[str, ...], ...]  # n
    left_out: int = 0  # older interactions, beyond the most that are looked at

    def __len__(self) -> int:
        return len(self.ids)

    def people(self) -> Codes:
        """Who asked, a code for each person, (n,) int32: the user, else the session, else the row as one of its own."""
        users, sessions = len(self.user.names), len(self.session.names)
        rows = np.arange(len(self), dtype=np.int32) + users + sessions
        session = np.where(self.session.codes >= 0, self.session.codes + users, rows)
        return np.where(self.user.codes >= 0, self.user.codes, session).astype(np.int32)

    def told_apart(self) -> Flags:
        """Rows (n,) that count as somebody: those with a user or a session; all, where no row has either.

        In a log that has ids, lines without any could all be one person's. A log without ids has nothing but its lines.
        """
        known = (self.user.codes >= 0) | (self.session.codes >= 0)
        return known if known.any() else np.ones_like(known)


@dataclass(frozen=True, slots=True)
class Clusters:
    """What clustering found: a flat default level over the texts, and what is above it."""

    labels: Codes  # (u,) cluster of each text, -1 for noise
    centroids: Vectors  # (k, d) unit length
    parents: Codes  # (k,) group of each cluster one level up, -1 where there is none
    threshold: float  # cosine below which a live query is no member of its nearest cluster
    held: Codes | None = None  # (k,) the last topic that each goes on with, -1 for none; None where that is not known


@dataclass(frozen=True, slots=True)
class Signals:
    """Signs of failure, one column each, and the probability they add up to."""

    flags: Mapping[str, Flags]  # name -> (n,) bool
    failure: Floats  # (n,) 0..1, calibrated probability that the interaction failed
    critics: Mapping[str, Critic]  # critic (and "consciousness_level", "accepted") -> whether it predicts failures
    weights: Mapping[str, float] = field(default_factory=dict)  # sign -> log odds it adds to `failure`, as learned


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The settings that findings need."""

    response_time: float = 2.0  # s
    error_rate: float = 0.05  # 0..1
    level: float = 0.4  # 0..1
    confidence: float = 0.7  # 0..1
    max_insights: int = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """A window with its topics and signals: what every finding looks at."""

    window: Window
    topic: Codes  # (n,) into topic_ids, -1 for noise
    topic_ids: tuple[str, ...]  # k permanent ids
    topic_names: tuple[str, ...]  # k
    signals: Signals
    thresholds: Thresholds
    born: frozenset[str] = frozenset()  # topic ids born in this cycle, empty in a first cycle
    settled: Mapping[str, float] | None = None  # insight id -> time (us) at which it was confirmed, for regressions
    kinds: Coded | None = None  # (u,) kind of request of each distinct text, for usage patterns
    groups: tuple[str, ...] = ()  # k groups that the topics are in, each named by one of its topics; empty if not known


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement about the sample with the test behind it, before multiplicity is controlled."""

    type: InsightType
    subject: Mapping[str, str]  # what it is about; with the type it makes the id: {"topic": ...}, {"model": ...}
    description: str
    recommendation: str
    p_value: float  # 0..1, of "there is nothing"
    effect: Interval
    strength: float  # 0..1, orders the findings of one cycle: size of the effect times its reach
    evidence: tuple[str, ...]  # interaction ids, at most 20, the clearest first
    support: int  # interactions it rests on
    users: int  # distinct users (sessions where there is none)


@dataclass(frozen=True, slots=True)
class Served:
    """How well the knowledge base covers each distinct text of the window, before any answer."""

    bm25: Floats  # (u,) top score / upper bound of the query, 0..1
    idf: Floats  # (u,) share of the query's idf mass found in the best entries, 0..1
    cosine: Floats  # (u,) best entry's cosine, -1..1
    margin: Floats  # (u,) bm25 of the first less that of the third, 0..1


@dataclass(frozen=True, slots=True)
class Passage:
    """One result of a search source, before it is screened."""

    source: str
    title: str
    text: str
    url: str
    score: float  # the source's own, higher is better
    trust: float = 0.5
    licence: str | None = None
    flags: tuple[str, ...] = ()  # what screening saw


PatternKind = Literal["burst", "error", "latency", "new_topic"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """What changed while interactions arrived, with those that show it."""

    kind: PatternKind
    topic: str | None  # id; None for everything, or for what is in no topic
    name: str  # of the topic, or the most typical text of a group; "" for everything
    since: int  # us since the epoch
    usual: float  # rate before
    hits: int  # since then
    trials: int
    times: Floats  # (m,) response times since then, seconds
    usual_time: float  # seconds, NaN where there is none
    detail: str  # the most frequent error
    evidence: tuple[str, ...]  # interaction ids, at most 20
    users: int
    confidence: float

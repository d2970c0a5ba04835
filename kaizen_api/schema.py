"""Every value that crosses a process: what comes in, and what Kaizen found.

All are `msgspec` structs, encoded as maps with defaults left out, so that a process of the previous version reads what
the next one wrote and the other way round: a field it does not know is passed over, a status likewise read as it stands
(`Known`). Times are integer microseconds since the epoch (UTC).
"""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from kaizen_api.critic import Critic
from kaizen_api.known import Known

MAX_TEXT_BYTES = 32 * 1024
"""Longest text kept, in UTF-8 bytes; what is longer is cut and the interaction marked `truncated`."""

MAX_FUTURE_SECONDS = 24 * 3600
"""How far ahead of the clock `occurred_at` may lie."""

MAX_RESPONSE_SECONDS = 86_400.0
"""Longest `response_time`: more is a wrong unit, such as milliseconds or a time of day."""

MAX_NAMES = 64
"""Most critics, entry ids, and metadata fields of one interaction."""

FAILURE_RATE = (
    "Mean probability that an interaction failed, 0 to 1. No count of errors: where no sign is seen it is near 0.1, "
    "for about one in ten fails in silence."
)
"""What the failure rate of a topic is, for people."""

Unit = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]


class Interaction(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One query with its outcome: the only thing that comes in.

    Construction checks nothing, decoding and pushing check everything (`kaizen_api.intake`).
    """

    query: str
    id: Name | None = None
    occurred_at: datetime | None = None
    session_id: Name | None = None
    user_id: Name | None = None
    response: str | None = None
    response_time: Annotated[float, Meta(ge=0, le=MAX_RESPONSE_SECONDS)] | None = None
    error: Name | None = None
    feedback: Annotated[float, Meta(ge=-1, le=1)] | None = None
    consciousness_level: Unit | None = None
    critics: Annotated[dict[Name, Unit], Meta(max_length=MAX_NAMES)] | None = None
    accepted: bool | None = None
    entry_ids: Annotated[list[Name], Meta(max_length=MAX_NAMES)] | None = None
    model: Name | None = None
    tool: Name | None = None
    metadata: Annotated[dict[str, Any], Meta(max_length=MAX_NAMES)] | None = None


class Record(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """An interaction as it is stored: masked, cut, its user hashed, its id and time settled."""

    id: str
    occurred_at: int  # µs since the epoch
    query: str
    session: str | None = None
    user: str | None = None  # keyed hash, never the id itself
    response: str | None = None
    response_time: float | None = None  # s
    error: str | None = None
    feedback: float | None = None
    level: float | None = None
    critics: dict[str, float] | None = None
    accepted: bool | None = None
    entry_ids: list[str] | None = None
    model: str | None = None
    tool: str | None = None
    metadata: dict[str, Any] | None = None
    truncated: bool = False
    trace: str | None = None  # TRACE-SPAN of whoever brought it, where that is traced


class Interval(msgspec.Struct, kw_only=True, frozen=True):
    """An estimate with its 95 % interval, in the unit named."""

    estimate: float
    low: float
    high: float
    unit: str


class Step(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One line of a history: what changed, when, and why."""

    at: int  # µs since the epoch
    event: str
    detail: str = ""


class Topic(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A cluster of queries with a permanent id and a name."""

    id: str
    name: str
    size: int  # interactions of the window
    failure_rate: Annotated[float, Meta(description=FAILURE_RATE)]  # 0..1
    exemplars: list[str]  # real queries, masked, the most typical first
    parent: str | None = None  # the topic above, in the hierarchy
    users: int = 0  # distinct users; interactions without one count by session; from 1,024 on to ±3 % (standard error)
    share: float = 0.0  # of the window
    signs: dict[str, float] = msgspec.field(default_factory=dict)  # signal, such as "error" -> share of interactions
    response_time_p50: float | None = None  # s, to ±2 %; None where no interaction has one
    response_time_p95: float | None = None
    live: int = 0  # interactions assigned to it since the last cycle
    renamed: bool = False  # a person chose the name
    merged: list[str] = msgspec.field(default_factory=list)  # ids of the topics that count to it, by people's decision
    into: str | None = None  # where it went, if it is no more or people merged it
    ended_at: int = 0  # µs since the epoch: when analyses no longer found it
    history: list[Step] = msgspec.field(default_factory=list)


class Decision(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What people decided about one topic; kept apart from what analyses find, so that none of them can lose it."""

    id: str  # the topic's
    name: str | None = None  # None: the automatic one
    into: str | None = None  # the topic that it counts to; None: it stands for itself
    history: list[Step] = msgspec.field(default_factory=list)


InsightType = Literal[
    "performance",
    "reliability",
    "error_pattern",
    "usage_cluster",
    "usage_pattern",
    "consciousness",
    "stability",
    "clarity",
    "effectiveness",
    "gap",
    "emerging",
    "regression",
]
INSIGHT_TYPES: tuple[InsightType, ...] = get_args(InsightType)

InsightStatus = Literal["proposed", "applied", "confirmed", "no_effect", "reverted", "dismissed"]


class Chance(msgspec.Struct, kw_only=True, frozen=True):
    """What the test behind an insight says, among all that its analysis tested."""

    p_value: float  # 0..1, of "there is nothing"
    q_value: float  # 0..1, least share of false findings at which it counts, all hypotheses controlled
    hypotheses: int


class Insight(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A typed, statistically supported finding; its id derives from what it says."""

    id: str
    type: Known[InsightType]
    description: str
    confidence: float  # 0..1
    effect: Interval
    evidence: list[str]  # interaction ids, at most 20, the clearest first
    recommendation: str
    status: Known[InsightStatus] = "proposed"
    topic: str | None = None
    gap: str | None = None
    subject: dict[str, str] = msgspec.field(default_factory=dict)  # what it is about: {"topic": …, "model": …}
    support: int = 0  # interactions it rests on
    users: int = 0
    chance: Chance | None = None  # None for what is told while it happens
    signs: dict[str, list[str]] = msgspec.field(default_factory=dict)  # of the evidence: interaction id -> signals
    seen_at: int = 0  # µs since the epoch: the last cycle that found it
    history: list[Step] = msgspec.field(default_factory=list)


Diagnosis = Literal["missing", "stale", "contradictory", "retrieval_miss", "out_of_scope", "unclear"]
GapStatus = Literal["open", "filling", "proposed", "filled", "unfilled", "dismissed", "closed"]


class Gap(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A topic the assistant cannot serve, with its diagnosis."""

    id: str
    topic: str
    diagnosis: Known[Diagnosis]
    users: int
    queries: list[str]  # what to search with, from exemplars, never one user's words
    deficit: float = 0.0  # mean failure probability in excess of the rest, 0..1
    deficit_interval: Interval | None = None  # the same with its 95 % interval
    p_value: float = 1.0  # of "it is served like the others"
    entries: list[str] = msgspec.field(default_factory=list)
    status: Known[GapStatus] = "open"
    evidence: list[str] = msgspec.field(default_factory=list)
    coverage: float = 0.0  # of the topic's queries by the knowledge base, 0..1
    insight: str | None = None  # the insight that proposes to fill it
    history: list[Step] = msgspec.field(default_factory=list)


EntryState = Literal["quarantined", "active", "superseded", "expired"]


class Provenance(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Where an entry came from and why it is here."""

    source: str  # "folder", "import", "arxiv", …
    retrieved_at: int  # µs since the epoch
    content_hash: str  # sha256 of the text
    url: str | None = None
    query: str | None = None
    gap: str | None = None
    batch: str | None = None  # the job that wrote it, for rolling back
    licence: str | None = None
    trust: float = 0.5
    adapter: str | None = None  # adapter and its version


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One piece of knowledge with its provenance."""

    id: str
    title: str
    text: str
    provenance: Provenance
    state: Known[EntryState] = "active"
    flags: list[str] = msgspec.field(default_factory=list)  # why it is in quarantine
    disputes: list[str] = msgspec.field(default_factory=list)  # entries that say otherwise of the same thing; both stay
    history: list[Step] = msgspec.field(default_factory=list)


EffectVerdict = Literal["measuring", "confirmed", "no_effect", "harmful"]


class Effect(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The measured result of one applied change: exposed conversations against the hold-out."""

    id: str  # the insight's id
    insight: str
    topic: str
    applied_at: int  # µs since the epoch
    exposed: int  # conversations
    exposed_failures: float
    held_out: int
    held_out_failures: float
    difference: Interval  # failure rate, exposed − held out
    p_value: float  # valid at any time of looking
    verdict: Known[EffectVerdict] = "measuring"


CycleStatus = Literal["queued", "running", "done", "insufficient_data", "failed", "cancelled"]


class Cycle(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One analysis, from request to result."""

    id: str
    tenant: str
    status: Known[CycleStatus] = "queued"
    step: str = ""
    detail: str = ""  # how far its step is, or why it ended without a result
    progress: float = 0.0  # 0..1
    requested_at: int = 0
    finished_at: int = 0
    attempts: int = 0  # that were begun and not ended by an outage
    interactions: int = 0
    left_out: int = 0  # older ones, beyond `max_interactions_per_cycle`
    topics: int = 0
    noise: int = 0
    insights: int = 0
    gaps: int = 0
    kinds: dict[str, int] = msgspec.field(default_factory=dict)  # kind of request -> interactions
    error: str = ""
    critics: dict[str, Critic] = msgspec.field(default_factory=dict)  # and "consciousness_level", "accepted"
    seconds: dict[str, float] = msgspec.field(default_factory=dict)  # time of each step

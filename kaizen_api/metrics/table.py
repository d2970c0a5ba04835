"""Every metric Kaizen has: its name, type, help and labels, and where its numbers stand in the hash.

Counts are integers in one hash per tenant and one for all; times and scores are whole millionths, so that sums are
exact and the same in any order. A series' field is `name` or `name|label=value|…`; a label's value holds no `|`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from kaizen_api.schema import INSIGHT_TYPES

MILLION = 1_000_000
"""Seconds, scores and shares are stored times this."""

DURATION_BUCKETS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds in seconds of the histogram of analyses."""

RESPONSE_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds of the assistant's response times."""

JOB_BUCKETS = (0.01, 0.1, 0.5, 1.0, 5.0, 20.0, 60.0, 300.0, 600.0, 1800.0)
"""Upper bounds in seconds of how long a job waited, and of how long it took."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family.

    Attributes:
        labels: Label name → the closed set of its values, which are served from the first scrape on; empty where the
            set is open.
        unit: What a value means, for dashboards.
        buckets: Upper bounds of a histogram, in seconds.
    """

    name: str
    type: Literal["counter", "gauge", "untyped", "histogram"]
    help: str
    unit: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()


RUN_OUTCOMES = ("filled", "empty", "failed", "rejected")
INGEST_RESULTS = ("accepted", "duplicate", "refused")
OUTCOMES = ("ok", "error")
BREAKER_STATES = ("closed", "open", "half_open")
BREAKER_EVENTS = ("admitted", "rejected", "probe", "stale", "lease_lost", "store_error")
PATTERNS = ("burst", "error", "latency", "new_topic")
VERDICTS = ("confirmed", "no_effect", "reverted")
ROTATION_RESULTS = ("done", "failed")
JOB_RESULTS = ("done", "failed", "retried")
WORKER_STATES = ("idle", "busy", "wedged")
QUEUES = ("kaizen.live", "kaizen.work")
JOBS = tuple(f"kaizen.{job}" for job in ("tick", "consume", "analyze", "fill", "resume", "cycle", "daily"))

METRICS: tuple[Metric, ...] = (
    Metric(
        "kaizen_interactions",
        "counter",
        "Interactions processed, by whether the answer carried an error.",
        "short",
        (("outcome", OUTCOMES),),
    ),
    Metric(
        "kaizen_tenant_interactions",
        "counter",
        "Interactions processed, of each of the busiest tenants; `other`: of the rest together.",
        "short",
        (("tenant", ()),),
    ),
    Metric(
        "kaizen_ingested",
        "counter",
        "Interactions that came in, by what became of them.",
        "short",
        (("result", INGEST_RESULTS),),
    ),
    Metric(
        "kaizen_insights",
        "counter",
        "Insights found, by type; the same finding again counts once.",
        "short",
        (("insight_type", INSIGHT_TYPES),),
    ),
    Metric(
        "kaizen_live_patterns",
        "counter",
        "Patterns found while interactions arrived, by kind; each once.",
        "short",
        (("pattern", PATTERNS),),
    ),
    Metric("kaizen_insights_applied", "untyped", "Times an insight was applied, under its bare name.", "short"),
    Metric("kaizen_insight_applications", "counter", "Times an insight was applied.", "short"),
    Metric(
        "kaizen_effects",
        "counter",
        "Applied insights that were measured to the end, by verdict.",
        "short",
        (("verdict", VERDICTS),),
    ),
    Metric("kaizen_harmful_effects", "counter", "Applied insights that did harm, and were reverted for it.", "short"),
    Metric("kaizen_gapfill_triggers", "untyped", "Times a search for a gap was started, under its bare name.", "short"),
    Metric(
        "kaizen_gapfill_runs",
        "counter",
        "Searches for a gap that ended, by outcome.",
        "short",
        (("outcome", RUN_OUTCOMES),),
    ),
    Metric("kaizen_analysis_cycles", "counter", "Analyses that ended with a result.", "short"),
    Metric("kaizen_analysis_failures", "counter", "Analyses that ended with an error.", "short"),
    Metric("kaizen_analysis_cancellations", "counter", "Analyses that somebody cancelled.", "short"),
    Metric(
        "kaizen_analysis_duration_seconds", "histogram", "How long an analysis took.", "s", buckets=DURATION_BUCKETS
    ),
    Metric(
        "kaizen_response_time_seconds",
        "histogram",
        "How long the assistant took to answer, as its interactions say.",
        "s",
        buckets=RESPONSE_BUCKETS,
    ),
    Metric("kaizen_avg_response_time_seconds", "gauge", "Mean response time of the recent interactions.", "s"),
    Metric("kaizen_error_rate", "gauge", "Recent interactions with an error, in percent.", "percent"),
    Metric(
        "kaizen_consciousness_level", "gauge", "Mean consciousness level of the recent interactions.", "percentunit"
    ),
    Metric("kaizen_knowledge_base_size", "gauge", "Active entries of the knowledge base.", "short"),
    Metric("kaizen_active_insights", "gauge", "Insights proposed, applied or confirmed.", "short"),
    Metric("kaizen_topics", "gauge", "Topics as the last cycle left them.", "short"),
    Metric("kaizen_stream_depth", "gauge", "Interactions in the stream that are not committed.", "short"),
    Metric("kaizen_stream_lag", "gauge", "Interactions in the stream that no worker has read.", "short"),
    Metric("kaizen_stream_oldest_age_seconds", "gauge", "Age of the oldest interaction that is not committed.", "s"),
    Metric("kaizen_dead_letters", "gauge", "Interactions that could not be processed and wait for a person.", "short"),
    Metric("kaizen_buried", "counter", "Interactions that became dead letters.", "short"),
    Metric("kaizen_dead_letters_lost", "counter", "Dead letters that made room for newer ones at the limit.", "short"),
    Metric(
        "kaizen_rotations",
        "counter",
        "Rotations of a knowledge base, with its archive written and verified, or failed.",
        "short",
        (("result", ROTATION_RESULTS),),
    ),
    Metric(
        "kaizen_breaker_state",
        "gauge",
        "1 for the state that a circuit breaker is in, else 0.",
        "short",
        (("breaker", ()), ("state", BREAKER_STATES)),
    ),
    Metric(
        "kaizen_breaker_transitions",
        "counter",
        "Changes of a circuit breaker's state, by the new state.",
        "short",
        (("breaker", ()), ("state", BREAKER_STATES)),
    ),
    Metric(
        "kaizen_breaker_events",
        "counter",
        "What circuit breakers did with calls and their results, by event; the last ones are told with a later call.",
        "short",
        (("breaker", ()), ("event", BREAKER_EVENTS)),
    ),
    Metric(
        "kaizen_jobs",
        "counter",
        "Jobs that ended, by name and result; one that is killed is counted when it was run again.",
        "short",
        (("task", JOBS), ("result", JOB_RESULTS)),
    ),
    Metric(
        "kaizen_job_redeliveries",
        "counter",
        "Jobs that began again because their worker was lost.",
        "short",
        (("task", JOBS),),
    ),
    Metric(
        "kaizen_job_duration_seconds",
        "histogram",
        "How long a job took.",
        "s",
        (("task", JOBS),),
        JOB_BUCKETS,
    ),
    Metric(
        "kaizen_job_wait_seconds",
        "histogram",
        "How long a job waited for a worker.",
        "s",
        (("queue", QUEUES),),
        JOB_BUCKETS,
    ),
    Metric("kaizen_queue_length", "gauge", "Jobs that no worker has taken.", "short", (("queue", QUEUES),)),
    Metric("kaizen_ticks", "counter", "Ticks of beat that a worker carried out.", "short"),
    Metric("kaizen_workers", "gauge", "Workers by what they do.", "short", (("state", WORKER_STATES),)),
    Metric("kaizen_redis_memory_bytes", "gauge", "Memory that Redis uses.", "bytes"),
    Metric("kaizen_redis_memory_limit_bytes", "gauge", "Memory that Redis may use; 0: as much as there is.", "bytes"),
    Metric("kaizen_redis_evictions", "counter", "Keys that Redis dropped for want of memory.", "short"),
    Metric("kaizen_up", "gauge", "1 when the exporter reaches Redis, else 0.", "short"),
)

RECENT_COUNT = "kaizen_recent_count"
"""Interactions in the window of recent values. The six of them are running sums from which gauges are computed."""

RECENT_ERRORS = "kaizen_recent_errors"
"""Of these, with an error."""

RECENT_TIME_SUM = "kaizen_recent_time_sum"
"""Sum of their response times, in millionths of a second."""

RECENT_TIME_COUNT = "kaizen_recent_time_count"
"""How many of them have a response time."""

RECENT_LEVEL_SUM = "kaizen_recent_level_sum"
"""Sum of their consciousness levels, in millionths."""

RECENT_LEVEL_COUNT = "kaizen_recent_level_count"
"""How many of them have a consciousness level."""

RECENT = (RECENT_COUNT, RECENT_ERRORS, RECENT_TIME_SUM, RECENT_TIME_COUNT, RECENT_LEVEL_SUM, RECENT_LEVEL_COUNT)

OTHER = "other"
"""The label of all tenants that are not served by name."""

EPOCH = "epoch"
"""Field of the rollup hash: drawn by the exporter, it stays the same as long as the counts go on."""

_NAMES = frozenset(
    [
        *(metric.name for metric in METRICS),
        *(f"{metric.name}_{part}" for metric in METRICS if metric.type == "histogram" for part in ("sum", "count")),
        *RECENT,
    ]
)


def field(name: str, **labels: str) -> str:
    """The field of a series in the metrics hashes.

    Raises:
        KeyError: no metric has that name.
    """
    family = name.removesuffix("_total")
    if family not in _NAMES:
        raise KeyError(name)
    return "|".join([family, *(f"{label}={value}" for label, value in sorted(labels.items()))])


def labels_of(series: str) -> tuple[str, dict[str, str]]:
    """The reverse of `field`: the family's name and the labels."""
    family, *pairs = series.split("|")
    return family, {label: value for label, _, value in (pair.partition("=") for pair in pairs)}


BUCKETS = {metric.name: metric.buckets for metric in METRICS}
"""Upper bounds by name."""


def observation(name: str, seconds: float, **labels: str) -> dict[str, int]:
    """What one observation adds to a histogram: its bucket (not cumulative), its sum in millionths, its count."""
    return observations(name, [seconds], **labels)


def observations(name: str, seconds: Iterable[float], **labels: str) -> dict[str, int]:
    """The same of several at once; nothing of none."""
    bounds, micros = BUCKETS[name], [round(one * MILLION) for one in seconds]
    if not micros:
        return {}
    buckets = Counter(bisect_left(bounds, one / MILLION) for one in micros)
    named = [*map(str, bounds), "+Inf"]
    return {
        **{field(name, le=named[bucket], **labels): count for bucket, count in buckets.items()},
        field(f"{name}_sum", **labels): sum(micros),
        field(f"{name}_count", **labels): len(micros),
    }

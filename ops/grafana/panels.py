"""What the dashboard shows: rows of panels, each of metrics of the one table, from which titles and units come.

Every metric has a panel or stands in `WITHOUT` with its reason. Several exporters of one Redis serve the same counts,
so a panel takes the greatest of them, never their sum.
"""

from dataclasses import dataclass

from kaizen_api.metrics.table import METRICS, Metric

TABLE = {metric.name: metric for metric in METRICS}

WITHOUT = {
    "kaizen_insights_applied": "the same count as kaizen_insight_applications, under the bare name of the contract",
}

_WHERE = 'job=~"$job", instance=~"$instance"'


@dataclass(frozen=True, slots=True)
class Query:
    """One query and what its series are called."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        width: Of 24 columns.
        height: In rows of 30 pixels.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    stat: bool = False
    width: int = 8
    height: int = 8


def level(name: str, title: str, *, where: str = "", stat: bool = False, width: int = 8) -> Panel:
    """A gauge as it stands."""
    metric = TABLE[name]
    return Panel(title, metric.help, metric.unit, (_level(metric, where),), stat, width, height=4 if stat else 8)


def levels(*names: str, title: str) -> Panel:
    """Gauges of one unit beside each other."""
    metrics = [TABLE[name] for name in names]
    queries = tuple(Query(_level(metric, "").expression, metric.help.rstrip(".")) for metric in metrics)
    return Panel(title, " ".join(metric.help for metric in metrics), metrics[0].unit, queries)


def rate(name: str, title: str, *, by: str = "", where: str = "") -> Panel:
    """How often something happens each second."""
    metric = TABLE[name]
    labels = by or ", ".join(label for label, _ in metric.labels)
    return Panel(title, metric.help, "reqps", (Query(_rate(_counter(metric), labels, where), _legend(labels)),))


def happened(name: str, title: str) -> Panel:
    """How often something rare happened in the time that is shown."""
    metric = TABLE[name]
    labels = ", ".join(label for label, _ in metric.labels)
    return Panel(title, metric.help, metric.unit, (Query(_rise(metric, labels), _legend(labels)),), stat=True)


def quantiles(name: str, title: str) -> Panel:
    """Median and 95th percentile of a histogram."""
    metric = TABLE[name]
    labels = ", ".join(label for label, _ in metric.labels)
    buckets = _rate(f"{name}_bucket", ", ".join(filter(None, ("le", labels))), "")
    queries = tuple(
        Query(f"histogram_quantile({share}, {buckets})", f"{text} {_legend(labels)}".strip())
        for share, text in ((0.5, "median"), (0.95, "95 %"))
    )
    return Panel(title, metric.help, metric.unit, queries)


def share(title: str, description: str, *, part: str, whole: str, where: str = "") -> Panel:
    """One rate as a share of another."""
    top, bottom = (_rate(_counter(TABLE[name]), "", condition) for name, condition in ((part, where), (whole, "")))
    return Panel(title, description, "percentunit", (Query(f"{top} / {bottom}", ""),))


def happened_share(title: str, description: str, *, part: str, whole: str) -> Panel:
    """What happened in the time that is shown, of something else that did; nothing where that did not."""
    expression = f"{_rise(TABLE[part], '')} / ({_rise(TABLE[whole], '')} > 0)"
    return Panel(title, description, "percentunit", (Query(expression, ""),), stat=True)


def _counter(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def _level(metric: Metric, where: str) -> Query:
    labels = ", ".join(label for label, _ in metric.labels)
    chosen = ", ".join(filter(None, (_WHERE, where)))
    return Query(f"max by ({labels}) ({metric.name}{{{chosen}}})", _legend(labels))


def _rate(series: str, labels: str, where: str) -> str:
    chosen = ", ".join(filter(None, (_WHERE, where)))
    return f"sum by ({labels}) (max without (instance) (rate({series}{{{chosen}}}[$__rate_interval])))"


def _rise(metric: Metric, labels: str) -> str:
    inner = f"max without (instance) (increase({_counter(metric)}{{{_WHERE}}}[$__range]))"
    return f"sum by ({labels}) ({inner})"


def _legend(labels: str) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in labels.split(", ") if label)


ROWS: dict[str, tuple[Panel, ...]] = {
    "Summary": (
        level("kaizen_up", "Up", stat=True, width=4),
        level("kaizen_error_rate", "Error rate", stat=True, width=4),
        level("kaizen_avg_response_time_seconds", "Mean response time", stat=True, width=4),
        level("kaizen_consciousness_level", "Consciousness level", stat=True, width=4),
        level("kaizen_knowledge_base_size", "Knowledge base", stat=True, width=4),
        level("kaizen_active_insights", "Active insights", stat=True, width=4),
    ),
    "Assistant": (
        rate("kaizen_interactions", "Interactions"),
        share(
            "Errors",
            "Interactions with an error, of all.",
            part="kaizen_interactions",
            whole="kaizen_interactions",
            where='outcome="error"',
        ),
        quantiles("kaizen_response_time_seconds", "Response time"),
        rate("kaizen_tenant_interactions", "Interactions by tenant", where='tenant=~"$tenant"'),
        rate("kaizen_ingested", "Arrivals"),
        level("kaizen_topics", "Topics"),
    ),
    "Insights": (
        happened("kaizen_insights", "Insights by type"),
        happened_share(
            "Applied of proposed",
            "Insights applied in the time that is shown, of those found in it; over 100 % where older ones were.",
            part="kaizen_insight_applications",
            whole="kaizen_insights",
        ),
        happened("kaizen_effects", "Effects by verdict"),
        happened("kaizen_harmful_effects", "Harm"),
        happened("kaizen_insight_applications", "Applications"),
        happened("kaizen_live_patterns", "Live patterns"),
        happened("kaizen_analysis_cycles", "Analyses"),
        happened("kaizen_analysis_failures", "Failed analyses"),
        happened("kaizen_analysis_cancellations", "Cancelled analyses"),
        quantiles("kaizen_analysis_duration_seconds", "Duration of analyses"),
    ),
    "Gaps and breakers": (
        rate("kaizen_gapfill_triggers", "Searches begun"),
        happened("kaizen_gapfill_runs", "Searches by outcome"),
        level("kaizen_breaker_state", "Breakers that are not closed", where='state!="closed"'),
        happened("kaizen_breaker_transitions", "Changes of breakers"),
        rate("kaizen_breaker_events", "What breakers did"),
        happened("kaizen_rotations", "Rotations"),
    ),
    "Queues": (
        levels("kaizen_stream_depth", "kaizen_stream_lag", title="Stream"),
        level("kaizen_stream_oldest_age_seconds", "Oldest interaction"),
        level("kaizen_queue_length", "Jobs that wait"),
        quantiles("kaizen_job_wait_seconds", "Wait of jobs"),
        quantiles("kaizen_job_duration_seconds", "Duration of jobs"),
        rate("kaizen_jobs", "Jobs", by="task, result"),
        happened("kaizen_job_redeliveries", "Jobs that began again"),
        level("kaizen_dead_letters", "Dead letters"),
        happened("kaizen_buried", "New dead letters"),
        happened("kaizen_dead_letters_lost", "Dead letters beyond the limit"),
        level("kaizen_workers", "Workers"),
        rate("kaizen_ticks", "Ticks of beat"),
    ),
    "Redis": (
        levels("kaizen_redis_memory_bytes", "kaizen_redis_memory_limit_bytes", title="Memory"),
        happened("kaizen_redis_evictions", "Evictions"),
    ),
    "Exporter": (
        Panel(
            "Scrape",
            "How long a scrape takes.",
            "s",
            (Query(f"max by (instance) (scrape_duration_seconds{{{_WHERE}}})", "{{instance}}"),),
        ),
        Panel(
            "Series",
            "How many series a scrape has.",
            "short",
            (Query(f"max by (instance) (scrape_samples_scraped{{{_WHERE}}})", "{{instance}}"),),
        ),
    ),
}

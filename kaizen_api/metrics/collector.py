"""Turns one look at the state into metric families for the Prometheus client.

Every closed set of labels is served in full from the first scrape on, at 0 where nothing happened. A mean of nothing is
absent rather than NaN. Without a state only `kaizen_up 0` is served: old numbers would look like a healthy standstill.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate, product

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from kaizen_api.metrics.exemplars import Exemplar as Kept
from kaizen_api.metrics.reading import State
from kaizen_api.metrics.table import (
    METRICS,
    MILLION,
    RECENT_COUNT,
    RECENT_ERRORS,
    RECENT_LEVEL_COUNT,
    RECENT_LEVEL_SUM,
    RECENT_TIME_COUNT,
    RECENT_TIME_SUM,
    Metric,
    field,
    labels_of,
)


class KaizenCollector(Collector):
    """The families of one scrape.

    Args:
        state: What was read, None where Redis could not be reached.
    """

    def __init__(self, state: State | None) -> None:
        self._state = state

    def collect(self) -> Iterator[Family]:
        """Each family of the table, in its order."""
        for metric in METRICS:
            if metric.name == "kaizen_up":
                yield GaugeMetricFamily(metric.name, metric.help, value=float(self._state is not None))
            elif self._state is not None and (family := _family(metric, self._state)).samples:
                yield family


def _family(metric: Metric, state: State) -> Family:
    if metric.type == "counter":
        return _counter(metric, state)
    if metric.type == "histogram":
        return _histogram(metric, state)
    if metric.name == "kaizen_breaker_state":
        return _breaker_state(metric, state.breakers)
    if metric.labels:
        return _gauges(metric, state)
    if metric.type == "untyped":
        return UnknownMetricFamily(metric.name, metric.help, value=state.counts.get(field(metric.name), 0))
    return GaugeMetricFamily(metric.name, metric.help, value=_gauge(metric.name, state))


def _counter(metric: Metric, state: State) -> Family:
    names = [name for name, _ in metric.labels]
    family = CounterMetricFamily(metric.name, metric.help, labels=names)
    for values in product(*(closed or _open_values(metric, name, state) for name, closed in metric.labels)):
        series = field(metric.name, **dict(zip(names, values, strict=True)))
        family.add_metric(values, state.seen.get(series, state.counts.get(series, 0)))
    return family


def _open_values(metric: Metric, label: str, state: State) -> list[str]:
    """Values of a label without a closed set: those that were counted, and the breakers there are."""
    counted = (labels for family, labels in map(labels_of, state.counts) if family == metric.name)
    present = state.breakers if label == "breaker" else ()
    return sorted({*present, *(labels[label] for labels in counted if label in labels)})


def _histogram(metric: Metric, state: State) -> Family:
    """Stored buckets are not cumulative: summed up here."""
    counts = state.counts
    names = [name for name, _ in metric.labels]
    family = HistogramMetricFamily(metric.name, metric.help, labels=names)
    for values in product(*(closed for _, closed in metric.labels)):
        labels = dict(zip(names, values, strict=True))
        bounds = [*map(str, metric.buckets), "+Inf"]
        buckets = [field(metric.name, le=bound, **labels) for bound in bounds]
        totals = accumulate(counts.get(bucket, 0) for bucket in buckets)
        seconds = counts.get(field(f"{metric.name}_sum", **labels), 0) / MILLION
        family.add_metric(
            values,
            [
                _bucket(bound, total, state.exemplars.get(bucket))
                for bound, total, bucket in zip(bounds, totals, buckets, strict=True)
            ],
            seconds,
        )
    return family


def _bucket(bound: str, total: int, kept: Kept | None) -> tuple[str, float] | tuple[str, float, Exemplar]:
    """As the client takes it; the text format leaves the exemplar out."""
    return (bound, total) if kept is None else (bound, total, Exemplar(kept.ids, kept.value, kept.at))


def _gauges(metric: Metric, state: State) -> Family:
    """One for each of a closed set, those alone that were seen."""
    names = [name for name, _ in metric.labels]
    family = GaugeMetricFamily(metric.name, metric.help, labels=names)
    for values in product(*(closed for _, closed in metric.labels)):
        if (value := state.seen.get(field(metric.name, **dict(zip(names, values, strict=True))))) is not None:
            family.add_metric(values, value)
    return family


def _breaker_state(metric: Metric, breakers: Mapping[str, str]) -> Family:
    (breaker, _), (label, states) = metric.labels
    family = GaugeMetricFamily(metric.name, metric.help, labels=[breaker, label])
    for (name, present), state in product(sorted(breakers.items()), states):
        family.add_metric([name, state], float(state == present))
    return family


def _gauge(name: str, state: State) -> float | None:
    """One number, None where there is nothing to take the mean of."""
    counts, queues = state.counts, state.queues
    computed: dict[str, float | None] = {
        "kaizen_avg_response_time_seconds": _mean(counts, RECENT_TIME_SUM, RECENT_TIME_COUNT, unit=1 / MILLION),
        "kaizen_consciousness_level": _mean(counts, RECENT_LEVEL_SUM, RECENT_LEVEL_COUNT, unit=1 / MILLION),
        "kaizen_error_rate": _mean(counts, RECENT_ERRORS, RECENT_COUNT, unit=100) or 0.0,
        "kaizen_stream_depth": queues.depth,
        "kaizen_stream_lag": queues.lag,
        "kaizen_stream_oldest_age_seconds": queues.oldest_age,
        "kaizen_dead_letters": queues.dead,
    }
    if name in computed:
        return computed[name]
    return state.seen.get(field(name), counts.get(field(name), 0))


def _mean(counts: Mapping[str, int], total: str, number: str, *, unit: float) -> float | None:
    n = counts.get(field(number), 0)
    return counts.get(field(total), 0) * unit / n if n > 0 else None

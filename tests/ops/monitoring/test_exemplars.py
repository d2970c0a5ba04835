"""A real Prometheus that keeps exemplars has those of a histogram, with the ids by which one looks further."""

import time

from kaizen_api import keys
from kaizen_api.metrics import observation
from kaizen_api.metrics.exemplars import exemplars, keep

NAME = "kaizen_analysis_duration_seconds"
IDS = {"trace_id": "0a" * 16, "cycle_id": "y1"}


def test_prometheus_keeps_the_exemplar_of_an_analysis(prometheus, exporter, wait_until):
    for series, count in observation(NAME, 0.3).items():
        exporter.redis.hincrby(keys.ROLLUP, series, count)
    keep(exporter.redis, exemplars(NAME, [(0.3, IDS)]))
    scrape = (
        f"{{job_name: kaizen, metrics_path: /kaizen/metrics, static_configs: [{{targets: ['{exporter.address}']}}]}}"
    )
    config = f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs: [{scrape}]\n"
    server = prometheus(config, "--enable-feature=exemplar-storage")

    def kept():
        now = time.time()
        return server.get("query_exemplars", query=f"{NAME}_bucket", start=str(now - 3600), end=str(now + 60))

    (series,) = wait_until(kept)
    assert series["seriesLabels"]["le"] == "0.5"
    assert [(one["labels"], one["value"]) for one in series["exemplars"]] == [(IDS, "0.3")]

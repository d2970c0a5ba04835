"""Writes the reference pages from the code, so that they cannot say anything else: `make docs`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from kaizen_api.config import KaizenConfig
from kaizen_api.metrics import METRICS

HERE = Path(__file__).parent


def pages() -> dict[str, str]:
    """File name → text."""
    return {"configuration.md": configuration(), "metrics.md": metrics()}


def configuration() -> str:
    """Every setting with its default and range."""
    rows = "\n".join(_settings(KaizenConfig))
    return f"""# Configuration

Every setting can be given as a variable (`KAIZEN_` and the name in capitals, nested names joined by `__`), in `.env`,
in the TOML or JSON file that `KAIZEN_CONFIG_FILE` names, or as a keyword argument of `KaizenConfig`. The first that has
a value wins: arguments, variables, `.env`, file, default. `kaizen config` shows each value and where it came from.

A secret stays out of variables where `_FILE` is added to its name: `KAIZEN_REDIS_URL_FILE=/run/secrets/redis_url` reads
the value from that file, without the end of its last line. Every setting can be given so, also in `.env`.

| setting | default | range | meaning |
| --- | --- | --- | --- |
{rows}

Former names are still accepted: `KAIZEN_USE_CELERY`, `KAIZEN_MAX_INSIGHTS`, `KAIZEN_KB_PATH`, `KAIZEN_RETENTION_DAYS`.
"""


def metrics() -> str:
    """Every metric with its type and labels."""
    rows = "\n".join(
        f"| `{metric.name}{'_total' * (metric.type == 'counter')}` | {metric.type} | "
        f"{', '.join(f'`{label}`' for label, _ in metric.labels)} | {metric.help} |"
        for metric in METRICS
    )
    return f"""# Metrics

The exporter serves them at `/kaizen/metrics` and `/metrics`, in the text format and in OpenMetrics. When Redis is down
it answers 200 with `kaizen_up 0` and nothing else.

Two exporters of one Redis serve the same counts: take `max without (instance)`, never their sum, as the rules in
`ops/prometheus` and the dashboard in `ops/grafana` do. What waits in the streams is looked at by a tick of beat each
few seconds, and by the scrape itself where no tick has. The exporter keeps the highest counts that it served in
`exporter-marks.json` of its data folder, so that none falls while the counts of Redis go on.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
{rows}
"""


def _settings(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        nested: Any = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            yield from _settings(nested, f"{name}.")
            continue
        default = "from `data_dir`" if field.default_factory and name == "knowledge_base_path" else _value(field)
        yield f"| `{prefix}{name}` | {default} | {_range(field)} | {field.description} |"


def _value(field: Any) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is None or value in ({}, []) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _range(field: Any) -> str:
    bounds = {key: getattr(item, key) for item in field.metadata for key in ("ge", "le") if hasattr(item, key)}
    return f"{bounds['ge']} to {bounds['le']}" if {"ge", "le"} <= bounds.keys() else ""


if __name__ == "__main__":
    for file, text in pages().items():
        (HERE / file).write_text(text)

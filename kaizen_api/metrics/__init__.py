"""One table of every metric; what happens is recorded in Redis with what it counts, and the collector reads it.

The table costs nothing to import. FastAPI and the Prometheus client are loaded when the web side is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kaizen_api.metrics.table import METRICS, field, observation

if TYPE_CHECKING:
    from kaizen_api.metrics.app import create_metrics_app, metrics_router

__all__ = ["METRICS", "create_metrics_app", "field", "metrics_router", "observation"]


def __getattr__(name: str) -> Any:
    if name in {"create_metrics_app", "metrics_router"}:
        return getattr(import_module("kaizen_api.metrics.app"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

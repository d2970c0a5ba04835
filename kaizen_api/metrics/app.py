"""The exporter: /kaizen/metrics in the text and the OpenMetrics format, and /kaizen/health.

A scrape is answered with 200 in good time whatever Redis does: where it is down or hung, `kaizen_up 0` says so.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import TIMEOUT
from kaizen_api.errors import Unavailable
from kaizen_api.metrics.collector import KaizenCollector
from kaizen_api.metrics.marks import HighWater
from kaizen_api.metrics.nameless import without_tenants
from kaizen_api.metrics.reading import State, read_state

_SCRAPE_TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"
_SHARE_FOR_REDIS = 0.75  # of the scraper's time-out; the rest is for the answer


_METRICS_ANSWER: dict[str, Any] = {
    "description": "The metrics; `kaizen_up 0` alone where Redis cannot be reached.",
    "content": {
        "text/plain": {"schema": {"type": "string"}},
        "application/openmetrics-text": {"schema": {"type": "string"}},
    },
}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_HEALTH_ANSWER: dict[str, Any] = {
    "description": "Whether Redis answers.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["status", "redis", "stream"],
                "properties": {
                    "status": {"enum": ["ok", "unavailable"]},
                    "redis": {"type": "string"},
                    "stream": {
                        "type": ["object", "null"],
                        "properties": {
                            "depth": _COUNT,
                            "lag": _COUNT,
                            "dead_letters": _COUNT,
                            "oldest_age_seconds": {"type": "number", "minimum": 0},
                        },
                    },
                },
            }
        }
    },
}


class Configured(Protocol):
    """Whatever is measured: a `KaizenEngine`, or anything else that knows its configuration."""

    @property
    def config(self) -> KaizenConfig:
        """Where its Redis is."""


def create_metrics_app(source: Configured) -> FastAPI:
    """An application that serves GET /kaizen/metrics, its usual other name /metrics, and /kaizen/health."""
    app = FastAPI(title="Kaizen metrics", docs_url=None, redoc_url=None)
    paths, marks = ("/kaizen/metrics", "/metrics"), HighWater(source.config.data_dir / "exporter-marks.json")
    app.include_router(create_metrics_router(lambda: source.config, paths=paths, marks=marks))
    return app


def create_metrics_router(
    config: Callable[[], KaizenConfig],
    *,
    paths: Sequence[str] = ("/kaizen/metrics",),
    nameless: bool = False,
    admit: Callable[[Request], None] = lambda _: None,
    marks: HighWater | None = None,
) -> APIRouter:
    """The routes for an application of one's own.

    Args:
        config: Called at each request.
        paths: Where the metrics are served.
        nameless: Leave the tenants' names out, for an application that keeps tenants apart by keys.
        admit: Raises for a request that may not see the metrics; whether it works, everybody may ask.
        marks: Below which no counter is served; default: those of this process alone.
    """
    router = APIRouter(tags=["operation"])
    marks = marks or HighWater()

    async def metrics(request: Request) -> Response:
        """All metrics, in the text or the OpenMetrics format by the header Accept."""
        admit(request)
        try:
            state = await read_state(config(), within=scrape_timeout(request.headers.get(_SCRAPE_TIMEOUT)), exact=False)
        except Unavailable:
            return _exposition(None, request)
        state = without_tenants(state) if nameless else state
        return _exposition(replace(state, counts=marks.rise(state.epoch, state.counts)), request)

    async def health() -> JSONResponse:
        """Whether Redis answers, and how much waits for the workers: 503 where it does not."""
        try:
            state = await read_state(config(), within=TIMEOUT)
        except Unavailable as error:
            return JSONResponse({"status": "unavailable", "redis": str(error), "stream": None}, 503)
        return JSONResponse({"status": "ok", "redis": "ok", "stream": _stream(state)})

    for path in paths:
        router.add_api_route(path, metrics, response_class=Response, responses={200: _METRICS_ANSWER})
    router.add_api_route("/kaizen/health", health, responses={200: _HEALTH_ANSWER, 503: _HEALTH_ANSWER})
    return router


metrics_router = create_metrics_router(KaizenConfig.from_env)
"""For an application of one's own; it uses the environment's configuration, read at the first request."""


def scrape_timeout(header: str | None) -> float:
    """Seconds that Redis may take: three quarters of what the scraper waits, 2 at most, 2 where it does not say."""
    try:
        asked = float(header or TIMEOUT / _SHARE_FOR_REDIS)
    except ValueError:
        return TIMEOUT
    return min(TIMEOUT, asked * _SHARE_FOR_REDIS) if math.isfinite(asked) and asked > 0 else TIMEOUT


def _exposition(state: State | None, request: Request) -> Response:
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    registry = CollectorRegistry()
    registry.register(KaizenCollector(state))
    return Response(encode(registry), headers={"Content-Type": content_type, "Cache-Control": "no-store"})


def _stream(state: State) -> dict[str, float]:
    queues = state.queues
    return {
        "depth": queues.depth,
        "lag": queues.lag,
        "oldest_age_seconds": queues.oldest_age,
        "dead_letters": queues.dead,
    }

"""Composes the HTTP application of one process."""

from collections.abc import Callable

from fastapi import Depends, FastAPI

from kaizen_api.config import KaizenConfig
from kaizen_api.http import analyses, console, health, ingest, insights, knowledge, lists, otlp, topics
from kaizen_api.http.admission import admit
from kaizen_api.http.engine import Engine
from kaizen_api.http.head import Head
from kaizen_api.http.openapi import describe
from kaizen_api.http.parameters import only_known
from kaizen_api.http.problems import describe_problems
from kaizen_api.http.service import Service
from kaizen_api.http.traced import Traced, sending
from kaizen_api.metrics.app import create_metrics_router

_DESCRIPTION = "Kaizen improves an AI assistant while it runs: interactions in, findings and knowledge out."


def create_app(config: KaizenConfig, engine: Engine, *, send_spans: Callable[[], None] | None = None) -> FastAPI:
    """The application. Nothing connects before the first request.

    Args:
        config: Its settings.
        engine: Who looks up at answer time, and applies insights.
        send_spans: Sends the last ones at the end; None: requests are no spans.
    """
    service = Service(config, engine)
    app = FastAPI(
        title="Kaizen",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,  # both load scripts from elsewhere
        redoc_url=None,
        telemetry={  # FastAPI's own, from .165 on: addresses, in which stands what is looked up, and texts of errors
            "tracing": False,
            "operation_spans": False,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
        },
        lifespan=service.lifespan if send_spans is None else sending(service.lifespan, send_spans),
    )
    app.state.service = service
    app.add_middleware(Head)
    app.add_middleware(ingest.Front)
    if send_spans is not None:
        app.add_middleware(Traced)
    for part in (lists, topics, insights, analyses, knowledge):
        app.include_router(part.router, dependencies=[Depends(only_known)])
    for part in (ingest, otlp, health, console):
        app.include_router(part.router)
    app.include_router(create_metrics_router(lambda: config, nameless=bool(config.api_keys), admit=admit))
    describe_problems(app)
    describe(app)
    return app

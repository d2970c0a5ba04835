"""The HTTP application with the engine's look-up: `uvicorn kaizen_worker.serve:create --factory`."""

from collections.abc import Callable
from functools import partial

from fastapi import FastAPI

from kaizen_api.config import KaizenConfig, traces_wanted
from kaizen_api.http import create_app
from kaizen_api.logs import dress_server
from kaizen_worker.engine.knowledge import LookUp
from kaizen_worker.engine.runtime import Runtime


def create() -> FastAPI:
    """The application for the settings of this process."""
    config = KaizenConfig.from_env()
    dress_server(config)
    return create_app(config, LookUp(Runtime(config)), send_spans=_traces() if traces_wanted() else None)


def _traces() -> Callable[[], None]:
    """Begin to send spans; what sends the last."""
    from kaizen_api import tracing  # noqa: PLC0415  # OpenTelemetry, which is loaded only where it is wanted

    tracing.begin("kaizen-api")
    return partial(tracing.end, "kaizen-api")

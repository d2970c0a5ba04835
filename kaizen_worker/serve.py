"""The HTTP application with the engine's look-up: `uvicorn kaizen_worker.serve:create --factory`."""

from fastapi import FastAPI

from kaizen_api.config import KaizenConfig
from kaizen_api.http import create_app
from kaizen_api.logs import dress_server
from kaizen_worker.engine.knowledge import LookUp
from kaizen_worker.engine.runtime import Runtime


def create() -> FastAPI:
    """The application for the settings of this process."""
    config = KaizenConfig.from_env()
    dress_server(config)
    return create_app(config, LookUp(Runtime(config)))

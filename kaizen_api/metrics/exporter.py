"""The exporter as a process of its own, for `uvicorn --factory`: it needs Redis and nothing else."""

from dataclasses import dataclass

from fastapi import FastAPI

from kaizen_api.config import KaizenConfig
from kaizen_api.logs import dress_server
from kaizen_api.metrics.app import create_metrics_app


@dataclass(frozen=True, slots=True)
class _Alone:
    config: KaizenConfig


def create() -> FastAPI:
    """The application, with the configuration of the environment."""
    config = KaizenConfig.from_env()
    dress_server(config)
    return create_metrics_app(_Alone(config))

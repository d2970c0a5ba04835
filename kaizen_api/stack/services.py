"""The processes of Kaizen: how each is started, and how one sees that it serves."""

import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kaizen_api.config import KaizenConfig
from kaizen_api.jobs import LIVE_QUEUE, WORK_QUEUE
from kaizen_api.stack.password import FLOWER_USER, flower_password

_RUN = (sys.executable, "-P", "-m")  # -P: a file of the working folder never shadows a module
_CELERY = (*_RUN, "celery", "-A", "kaizen_worker.app")
_CONTROL = (*_RUN, "celery", "-A", "kaizen_worker.app:control")  # without the engine that only workers need
_UVICORN = (*_RUN, "uvicorn", "--no-access-log", "--factory")
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Service:
    """One process.

    Attributes:
        argv: Its command; no secrets, they travel in the environment.
        url: Where it serves.
        health: Path under `url` that answers 200 when it serves.
        node: The name by which a Celery worker answers.
        variables: What it needs in its environment beside the configuration.
    """

    name: str
    argv: tuple[str, ...]
    url: str | None = None
    health: str = ""
    node: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


def api(config: KaizenConfig) -> Service:
    """The HTTP API."""
    argv = (*_UVICORN, "kaizen_worker.serve:create", "--host", config.api_host, "--port", str(config.api_port))
    return Service("api", argv, url=_url(config.api_host, config.api_port), health="/readyz")


def worker_name(number: int) -> str:
    """The first part of the name by which the worker process of that number answers."""
    return f"kaizen{number}"


def worker(number: int) -> Service:
    """The worker process of that number, from 1."""
    name = worker_name(number)
    argv = (*_CELERY, "worker", "--concurrency", "1", "--hostname", f"{name}@%h", "--loglevel", "INFO")
    queues = ("-Q", f"{LIVE_QUEUE},{WORK_QUEUE}")
    return Service(f"worker{number}", argv + queues, node=f"{name}@{socket.gethostname()}")


def workers(config: KaizenConfig) -> list[Service]:
    """As many worker processes as configured."""
    return [worker(number) for number in range(1, config.workers + 1)]


def beat() -> Service:
    """The scheduler; any number may run, and none keeps anything on disk."""
    return Service("beat", (*_CONTROL, "beat", "--loglevel", "INFO"))


def exporter(config: KaizenConfig, *, host: str = _LOOPBACK) -> Service:
    """Metrics for Prometheus."""
    port = config.prometheus_port
    argv = (*_UVICORN, "kaizen_api.metrics.exporter:create", "--host", host, "--port", str(port))
    return Service("exporter", argv, url=_url(host, port), health="/kaizen/health")


def flower(config: KaizenConfig, folder: Path, *, host: str = _LOOPBACK) -> Service:
    """Workers and tasks to watch and to control, behind a password. It remembers tasks in `folder`."""
    argv = (
        *_CONTROL,
        "flower",
        f"--address={host}",
        f"--port={config.flower_port}",
        *([f"--url_prefix={config.flower_prefix}"] if config.flower_prefix else []),
        "--persistent=True",
        f"--db={folder / 'flower'}",
        "--state_save_interval=60000",
        "--inspect_timeout=3000",
        "--tasks_columns=name,kwargs,state,received,runtime,worker,uuid",
    )
    url = _url(host, config.flower_port) + config.flower_prefix
    login = f"{FLOWER_USER}:{flower_password(config, folder)}"
    return Service("flower", argv, url=url, health="/healthcheck", variables={"FLOWER_BASIC_AUTH": login})


def _url(host: str, port: int) -> str:
    """Where it is reached from this machine."""
    host = {"0.0.0.0": _LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

"""Who answers: over HTTP, and over the broker. Each look is bounded in time and says no rather than raise."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import broker_url
from kaizen_api.jobs import settings

_OK = 200


def answers(url: str, *, timeout: float = 2.0) -> bool:
    """Whether a GET brings 200."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:  # noqa: S310  # our own services
            return bool(reply.status == _OK)
    except (OSError, http.client.HTTPException):
        return False


def answering_workers(config: KaizenConfig, *, nodes: Sequence[str] | None = None, timeout: float = 1.0) -> list[str]:
    """The worker processes that answer a ping, by node name, sorted.

    Args:
        config: Names the broker.
        nodes: Only these; returns as soon as all have answered. Default: all, and it takes the whole time-out.
        timeout: Seconds to wait for answers.
    """
    url = broker_url(config)
    with Celery("kaizen-pulse", broker=url, set_as_current=False) as app:
        app.conf.update(settings(url))
        try:
            replies: list[dict[str, Any]] = app.control.ping(destination=nodes, timeout=timeout) or []
        except (OperationalError, OSError):
            return []
    return sorted(name for reply in replies for name in reply)

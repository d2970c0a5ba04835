"""The check behind a liveness probe: what it fails on, a restart mends, and nothing else."""

import socket

from kaizen_api.checks.check import Check
from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Unavailable
from kaizen_api.liveness import progress
from kaizen_api.stack.services import worker_name


def check_live(config: KaizenConfig, *, number: int | None = None) -> list[Check]:
    """Whether each worker process of this host makes progress, or the one of that number."""
    try:
        workers = [one for one in progress(config) if number is None or one.node.startswith(f"{worker_name(number)}@")]
    except Unavailable as error:
        return [
            Check("workers", ok=True, detail=f"nobody can make progress: {error}", remedy="restart no worker for it")
        ]
    if not workers:
        detail = f"no worker of {socket.gethostname()} has begun its work"
        return [Check("workers", ok=False, detail=detail, remedy="start `kaizen worker`, and give it time to start")]
    return [
        Check(
            one.node,
            ok=not one.wedged,
            detail=one.detail,
            remedy="end it with SIGKILL: a new one takes over" * one.wedged,
        )
        for one in workers
    ]

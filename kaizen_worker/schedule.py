"""Beat's schedule: all of it is here.

Every job finds its own work, so one that is missed, doubled or late changes nothing but the time of the result.
"""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab

from kaizen_api import jobs
from kaizen_api.config import KaizenConfig

TICK = timedelta(seconds=0.7)
"""Not a second: workers ask the broker anew each second, so ticks in step with that always reach the same one."""

RESUME = timedelta(seconds=30)
ROTATION_HOUR, ROTATION_MINUTE = 0, 15


def schedule(config: KaizenConfig) -> dict[str, dict[str, Any]]:
    """Name → task, when, and what it does; times of day are in `config.timezone`."""
    entries = {
        "streams": (jobs.TICK, TICK, "start consumers where something waits"),
        "resume": (jobs.RESUME, RESUME, "start again what was lost with a worker, or has to be tried again"),
        "cycle": (jobs.CYCLE, timedelta(seconds=config.analysis_interval), "analyse every tenant"),
        "daily": (
            jobs.DAILY,
            crontab(hour=ROTATION_HOUR, minute=ROTATION_MINUTE),
            "rotate the knowledge bases, delete what is past retention",
        ),
    }
    return {
        name: {"task": task, "schedule": when, "options": {"expires": _expiry(when)}, "description": what}
        for name, (task, when, what) in entries.items()
    }


def beat_schedule(config: KaizenConfig) -> dict[str, dict[str, Any]]:
    """The same in Celery's form."""
    return {
        name: {key: value for key, value in entry.items() if key != "description"}
        for name, entry in schedule(config).items()
    }


def _expiry(when: timedelta | crontab) -> float:
    """A job that waited a whole interval is superseded by the next; those with a time of day have half a day."""
    return max(5.0, when.total_seconds()) if isinstance(when, timedelta) else 43_200.0

"""Every schedule of Kaizen is here: the jobs, their default times, and what somebody set at run time.

What was set is kept in Redis, for one tenant or for all, and every beat sees it within `rounds.LOOK` seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from redis import Redis

from kaizen_api import jobs, keys
from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Invalid, NotFound
from kaizen_worker.schedule.when import Daily, Every, parse

TICK = 0.7
"""Seconds. Not one: workers ask the broker anew each second, so ticks in step with that always reach the same one."""

RESUME = 30.0
ROTATION_HOUR, ROTATION_MINUTE = 0, 15

_HALF_A_DAY = 43_200.0


@dataclass(frozen=True, slots=True)
class Job:
    """What is done again and again.

    Attributes:
        name: Of the job, in `kaizen schedule`.
        task: The Celery task it starts.
        when: Unless something else was set.
        about: What it does.
        between: Seconds that may lie between two runs, at least and at most; None: daily and nothing else.
        each: Whether every tenant has its own, which is owed until a worker has done it; otherwise there is one for
            all, which the next run supersedes, and which cannot be switched off.
    """

    name: str
    task: str
    when: Every | Daily
    about: str
    between: tuple[float, float] | None
    each: bool


def jobs_of(config: KaizenConfig) -> tuple[Job, ...]:
    """All jobs with their default times."""
    daily = Daily(ROTATION_HOUR, ROTATION_MINUTE, config.timezone)
    return (
        Job("streams", jobs.TICK, Every(TICK), "start consumers where something waits", (0.2, 60), each=False),
        Job(
            "resume",
            jobs.RESUME,
            Every(RESUME),
            "start again what was lost with a worker, or has to be tried again",
            (5, 600),
            each=False,
        ),
        Job("cycle", jobs.CYCLE, Every(config.analysis_interval), "analyse the tenant", (60, 86_400), each=True),
        Job("daily", jobs.DAILY, daily, "rotate the knowledge bases, delete what is past retention", None, each=True),
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """One job of one tenant, or of all together.

    Attributes:
        tenant: Empty where it is one for all.
        when: None where it was switched off.
    """

    job: Job
    tenant: str
    when: Every | Daily | None

    @property
    def name(self) -> str:
        """Under which its runs are kept."""
        return place(self.job.name, self.tenant)

    @property
    def expiry(self) -> float:
        """Seconds after which its message is of no use: the next supersedes it, or it was sent again."""
        return max(5.0, self.when.seconds) if isinstance(self.when, Every) else _HALF_A_DAY


def place(name: str, tenant: str = "") -> str:
    """`cycle` or `cycle/acme`: a job, or one tenant's."""
    return f"{name}/{tenant}" if tenant else name


class Timetable:
    """The jobs as they are set now.

    Args:
        jobs: All of them.
        settings: `place` → text, as it is in Redis; what cannot be read is left out.
    """

    def __init__(self, jobs: tuple[Job, ...], settings: dict[str, str]) -> None:
        self.jobs = {job.name: job for job in jobs}
        self.settings = settings

    def turn(self, name: str, tenant: str = "") -> Turn:
        """A job of a tenant: as set for it, else as set for all, else the default.

        Raises:
            NotFound: there is no such job.
        """
        job = self.jobs.get(name)
        if job is None:
            raise NotFound(f"no job {name}: `kaizen schedule list` shows {', '.join(self.jobs)}")
        for text in (self.settings.get(place(name, tenant)), self.settings.get(name)):
            if text is not None:
                try:
                    return Turn(job, tenant, checked(job, text))
                except Invalid:  # of another version
                    continue
        return Turn(job, tenant, job.when)

    def turns(self, tenants: list[str]) -> Iterator[Turn]:
        """All jobs of all tenants."""
        for job in self.jobs.values():
            for tenant in tenants if job.each else [""]:
                yield self.turn(job.name, tenant)


def checked(job: Job, text: str, *, zone: str = "UTC") -> Every | Daily | None:
    """What a text sets a job to; `zone` is meant where it names none.

    Raises:
        Invalid: it is no time, or none for this job; the text says what is.
    """
    when = parse(text, zone=zone)
    if when is None and not job.each:
        raise Invalid(f"{job.name} cannot be switched off: nothing would move")
    if isinstance(when, Every) and job.between is None:
        raise Invalid(f"{job.name} is daily, like `daily 02:30 Europe/Berlin`, or off")
    if isinstance(when, Daily) and not job.each:
        raise Invalid(f"{job.name} has an interval, like `every 30s`")
    if isinstance(when, Every) and job.between and not job.between[0] <= when.seconds <= job.between[1]:
        raise Invalid(f"{job.name} takes {job.between[0]:g} to {job.between[1]:g} seconds, not {when.seconds:g}")
    return when


def read(redis: Redis, config: KaizenConfig) -> Timetable:
    """The timetable as it is set now.

    Raises:
        RedisError: Redis does not answer.
    """
    return Timetable(jobs_of(config), settings(redis))


def settings(redis: Redis) -> dict[str, str]:
    """What was set at run time: `place` → text."""
    found = cast("dict[bytes, bytes]", redis.hgetall(keys.SCHEDULE))
    return {name.decode(): text.decode() for name, text in found.items()}

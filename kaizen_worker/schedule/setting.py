"""Settings at run time: what a person changes about the schedule while beats run.

What is set counts from now on: a time that has passed already is not caught up. A step that is taken twice is one.
"""

from collections.abc import Sequence

from redis import Redis

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Conflict, Invalid, NotFound
from kaizen_api.queries import tenants
from kaizen_worker.schedule.rounds import sender
from kaizen_worker.schedule.runs import Runs, now_of
from kaizen_worker.schedule.timetable import Turn, checked, place, read


def choose(redis: Redis, config: KaizenConfig, *, name: str, tenant: str | None) -> list[Turn]:
    """The turns of a job that are meant: one tenant's, or all.

    Raises:
        NotFound: there is no such job, or no such tenant.
        Invalid: the job is one for all tenants, and a tenant was named.
    """
    table = read(redis, config)
    job = table.turn(name).job
    if tenant is not None and not job.each:
        raise Invalid(f"{name} is one for all tenants: leave out --tenant")
    return [table.turn(name, one) for one in (meant(redis, tenant) if job.each else [""])]


def meant(redis: Redis, tenant: str | None) -> list[str]:
    """The tenant that was named, or all there are.

    Raises:
        NotFound: there is no such tenant.
    """
    known = tenants(redis)
    if tenant is None:
        return known
    if tenant not in known:
        raise NotFound(f"no tenant {tenant}: `kaizen tenants` lists them")
    return [tenant]


def put(redis: Redis, config: KaizenConfig, text: str, *, name: str, tenant: str | None) -> None:
    """Set a job of a tenant, or of all tenants that have no setting of their own, to `every 30m` and the like.

    Raises:
        NotFound, Invalid: as `choose`, or the text is no time for this job.
    """
    turns = choose(redis, config, name=name, tenant=tenant)
    when = checked(read(redis, config).turn(name).job, text, zone=config.timezone)
    redis.hset(keys.SCHEDULE, place(name, tenant or ""), "off" if when is None else str(when))
    _begin_anew(redis, turns)


def reset(redis: Redis, config: KaizenConfig, *, name: str, tenant: str | None) -> None:
    """Forget what `put` set there.

    Raises:
        NotFound, Invalid: as `choose`.
    """
    turns = choose(redis, config, name=name, tenant=tenant)
    if redis.hdel(keys.SCHEDULE, place(name, tenant or "")):
        _begin_anew(redis, turns)


def run(redis: Redis, config: KaizenConfig, *, name: str, tenant: str | None) -> list[Turn]:
    """Have a job run now; the next run is counted from this one.

    Raises:
        NotFound, Invalid: as `choose`.
        Conflict: beat starts it at this very moment.
        Unavailable: the broker takes no message; what is owed is sent again.
    """
    turns = choose(redis, config, name=name, tenant=tenant)
    runs, send = Runs(redis), sender(config)
    last, now = runs.last(), now_of(redis)
    for turn in turns:
        ours, _ = runs.claim(turn.name, now, last=last.get(turn.name), now=now, owed=turn.job.each)
        if not ours:
            raise Conflict(f"beat starts {turn.name} at this moment")
        send(turn, now)
    return turns


def _begin_anew(redis: Redis, turns: Sequence[Turn]) -> None:
    """Where a beat is faster, its run is the last."""
    runs = Runs(redis)
    last, now = runs.last(), now_of(redis)
    for turn in turns:
        if turn.name in last:
            runs.claim(turn.name, now, last=last[turn.name], now=now, owed=False)

"""`kaizen schedule list · set · reset · run`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
import msgspec
from redis import Redis

from kaizen_api.cli.moments import local
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit, note, table
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, reaching
from kaizen_worker.schedule import setting
from kaizen_worker.schedule.runs import Runs
from kaizen_worker.schedule.timetable import Timetable, Turn, place, read

_COLUMNS = ("job", "tenant", "when", "set_for", "last", "next", "owed")
_name = click.argument("name", metavar="JOB")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One job of one tenant.

    Attributes:
        each: Whether every tenant has its own; otherwise it is one for all.
        tenant: Empty where it is one for all, and where no tenant is known yet.
        set_for: Whom its time was set for at run time: `tenant`, `all`, empty where nobody set it.
        last_at: When its last run was due, or from when on the next is counted; 0: none was.
        next_at: When the next is due, 0: never.
        done_at: When a worker last did one, 0: never, or nobody keeps count.
        owed: Whether its last run is still to be done.
    """

    job: str
    about: str
    each: bool
    tenant: str
    when: str
    set_for: str
    last_at: int
    next_at: int
    done_at: int
    owed: bool


@click.command()
@shared
@click.pass_obj
def list_command(session: Session) -> None:
    """Show every job: when it is due, when it was last done, and what is owed; with --tenant what is done for that one.

    Jobs that each tenant has of its own begin with its first interaction.
    """
    with _reached(session) as (redis, config):
        timetable, meant = read(redis, config), setting.meant(redis, _tenant(session))
        lines = _lines(Runs(redis), timetable, list(timetable.turns(meant or [""])))
    emit(session, {"items": lines, "next": None}, lambda page: _show(page["items"]))


@click.command()
@_name
@click.argument("when", nargs=-1, required=True)
@shared
@click.pass_obj
def set_command(session: Session, name: str, when: tuple[str, ...]) -> None:
    """Set when JOB is due: `every 30m`, `daily 02:30 Europe/Berlin`, or `off`; with --tenant for that one.

    Running beats follow within seconds, and it holds until it is reset.
    """
    with _reached(session) as (redis, config):
        setting.put(redis, config, " ".join(when), name=name, tenant=_tenant(session))
        _tell(session, read(redis, config), name)


@click.command()
@_name
@shared
@click.pass_obj
def reset_command(session: Session, name: str) -> None:
    """Go back to what the configuration says; with --tenant to what holds for all."""
    with _reached(session) as (redis, config):
        setting.reset(redis, config, name=name, tenant=_tenant(session))
        _tell(session, read(redis, config), name)


@click.command()
@_name
@shared
@click.pass_obj
def run_command(session: Session, name: str) -> None:
    """Have JOB run now, for every tenant or with --tenant for that one."""
    with _reached(session) as (redis, config):
        turns = setting.run(redis, config, name=name, tenant=_tenant(session))
    started = {"started": [turn.name for turn in turns]}
    emit(session, started, lambda _: echo(f"{len(turns)} started" if turns else "no tenants yet"))


@contextmanager
def _reached(session: Session) -> Iterator[tuple[Redis, KaizenConfig]]:
    config = session.config()
    with reaching(config), connect(config) as redis:
        yield redis, config


def _tenant(session: Session) -> str | None:
    """The one that was named; the configured default is not meant here."""
    named = session.settings.get("tenant")
    return None if named is None else str(named)


def _tell(session: Session, timetable: Timetable, name: str) -> None:
    tenant = _tenant(session) or ""
    when = timetable.turn(name, tenant).when
    document = {"job": name, "tenant": tenant, "when": "off" if when is None else str(when)}
    emit(session, document, lambda told: echo(f"{place(name, tenant)}: {told['when']}"))


def _lines(runs: Runs, timetable: Timetable, turns: Sequence[Turn]) -> list[Line]:
    last, done, owed = runs.last(), runs.done(), runs.owed()
    return [
        Line(
            job=turn.job.name,
            about=turn.job.about,
            each=turn.job.each,
            tenant=turn.tenant,
            when="off" if turn.when is None else str(turn.when),
            set_for=_set_for(timetable, turn),
            last_at=last.get(turn.name, 0),
            next_at=turn.when.next(last[turn.name]) if turn.when and turn.name in last else 0,
            done_at=done.get(turn.name, 0),
            owed=turn.name in owed,
        )
        for turn in turns
    ]


def _set_for(timetable: Timetable, turn: Turn) -> str:
    if turn.tenant and turn.name in timetable.settings:
        return "tenant"
    return "all" if turn.job.name in timetable.settings else ""


def _show(items: Sequence[dict[str, object]]) -> None:
    table(_COLUMNS, _rows(items), empty="no jobs")
    if to_come := [str(line["job"]) for line in items if line["each"] and not line["tenant"]]:
        note(f"no tenants yet: {' and '.join(to_come)} begin with a tenant's first interaction")


def _rows(lines: Sequence[dict[str, object]]) -> Iterator[list[object]]:
    """The last run is the last that was done where that is known: `last_at` may be when the setting was made."""
    for line in lines:
        last = "done_at" if line["each"] else "last_at"
        times = [local(None if line[name] is None else str(line[name])) for name in (last, "next_at")]
        yield [*(line[name] for name in _COLUMNS[:4]), *times, "owed" if line["owed"] else ""]

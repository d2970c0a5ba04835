"""`kaizen dead-letters list · replay · drop`."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from kaizen_api.cli.found import check_known
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit, table
from kaizen_api.errors import NotFound
from kaizen_worker.commands.engine import engine
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.store.dead import DeadLetter, dead_letters, drop, holds, put_back

_ids = click.argument("ids", nargs=-1, metavar="[ID]...")
_all = click.option("--all", "everything", is_flag=True, help="All of them.")


@click.command()
@shared
@click.pass_obj
def list_command(session: Session) -> None:
    """Show dead letters, the oldest first, with the reasons."""
    with _known(session) as tenant:
        letters = list(dead_letters(tenant.redis, tenant=tenant.name))
    columns = ("id", "attempts", "reason", "query")
    rows = [_row(letter) for letter in letters]
    emit(session, {"items": letters}, lambda _: table(columns, rows, empty="no dead letters"))


@click.command()
@_ids
@_all
@shared
@click.pass_obj
def replay_command(session: Session, ids: tuple[str, ...], everything: bool) -> None:  # noqa: FBT001  # click's way
    """Put dead letters back into the stream; do it when their cause is mended."""
    with _known(session) as tenant:
        count = put_back(tenant.redis, _chosen(tenant, ids, everything=everything), tenant=tenant.name)
    emit(session, {"replayed": count}, lambda _: echo(f"{count} back in the stream"))


@click.command()
@_ids
@_all
@shared
@click.pass_obj
def drop_command(session: Session, ids: tuple[str, ...], everything: bool) -> None:  # noqa: FBT001  # click's way
    """Delete dead letters for good."""
    with _known(session) as tenant:
        count = drop(tenant.redis, _chosen(tenant, ids, everything=everything), tenant=tenant.name)
    emit(session, {"dropped": count}, lambda _: echo(f"{count} dropped"))


@contextmanager
def _known(session: Session) -> Iterator[Tenant]:
    """The tenant that the options name, which has to have sent something to have dead letters."""
    with engine(session) as tenant:
        check_known(session, tenant.redis, tenant.name)
        yield tenant


def _chosen(tenant: Tenant, ids: tuple[str, ...], *, everything: bool) -> list[str]:
    if bool(ids) == everything:
        raise click.UsageError("name dead letters by id, or take --all")
    if everything:
        return [letter.id for letter in dead_letters(tenant.redis, tenant=tenant.name)]
    for letter in ids:  # all of them before any is touched
        if not holds(tenant.redis, letter, tenant=tenant.name):
            raise NotFound(f"no dead letter {letter}: `kaizen dead-letters` lists them")
    return list(dict.fromkeys(ids))


def _row(letter: DeadLetter) -> list[object]:
    query = letter.interaction.query if letter.interaction else "(cannot be decoded)"
    *_, reason = ("", *letter.reason.splitlines())  # of a traceback the last line; of nothing, nothing
    return [letter.id, letter.attempts, reason, query[:60]]

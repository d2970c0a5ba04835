"""`kaizen topics rename · merge · split ID`: what people decide about topics; it holds whatever analyses find."""

import time
from typing import Any

import click

from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit
from kaizen_api.decided import MAX_TOPIC_NAME
from kaizen_api.schema import Topic
from kaizen_worker.commands.engine import engine
from kaizen_worker.engine import decisions

_id = click.argument("topic_id", metavar="ID")


@click.command(help=f"Call a topic so from now on; NAME has at most {MAX_TOPIC_NAME} characters.")
@_id
@click.argument("name", required=False)
@click.option("--automatic", is_flag=True, help="Give it back the name that analyses give it.")
@shared
@click.pass_obj
def rename(session: Session, topic_id: str, name: str | None, *, automatic: bool) -> None:
    """Call a topic so from now on."""
    if automatic == (name is not None):
        raise click.UsageError("give either a NAME or --automatic")
    with engine(session) as tenant:
        _tell(session, decisions.rename(tenant, topic_id, name, at=_now()), "is called")


@click.command()
@click.argument("topic_ids", metavar="ID...", nargs=-1, required=True)
@click.argument("into", metavar="INTO")
@shared
@click.pass_obj
def merge(session: Session, topic_ids: tuple[str, ...], into: str) -> None:
    """Have topics count to the topic INTO from now on; `kaizen topics split ID` undoes it for one of them."""
    with engine(session) as tenant:
        _tell(session, decisions.merge(tenant, topic_ids, into, at=_now()), "now is")


@click.command()
@_id
@shared
@click.pass_obj
def split(session: Session, topic_id: str) -> None:
    """Undo what `merge` did with a topic: it stands for itself again; where there is nothing to undo, it says so."""
    with engine(session) as tenant:
        before = tenant.decisions.get(topic_id)
        topic = decisions.split(tenant, topic_id, at=_now())
    merged = before is not None and before.into is not None
    _tell(session, topic, "stands for itself:" if merged else "was merged into no other, nothing to undo:")


def _tell(session: Session, topic: Topic, done: str) -> None:
    def show(shown: dict[str, Any]) -> None:
        parts = f", with {', '.join(shown['merged'])}" if shown["merged"] else ""
        echo(f"{shown['id']} {done} {shown['name']!r}: {shown['size']} interactions{parts}")

    emit(session, topic, show)


def _now() -> int:
    return time.time_ns() // 1000

"""`kaizen insights apply · dismiss · revert ID`."""

import time

import click

from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit
from kaizen_api.schema import Insight
from kaizen_worker.commands.engine import engine
from kaizen_worker.engine import lifecycle

_id = click.argument("insight_id", metavar="ID")
_reason = click.option("--reason", default="by a person", show_default=True, help="Kept in its history.")


@click.command()
@_id
@shared
@click.pass_obj
def apply(session: Session, insight_id: str) -> None:
    """Let an insight take effect; a second time changes nothing."""
    with engine(session) as tenant:
        _tell(session, lifecycle.apply(tenant, insight_id, at=_now()))


@click.command()
@_id
@_reason
@shared
@click.pass_obj
def dismiss(session: Session, insight_id: str, reason: str) -> None:
    """Put an insight aside for good: found again, it stays dismissed."""
    with engine(session) as tenant:
        _tell(session, lifecycle.dismiss(tenant, insight_id, reason=reason, at=_now()))


@click.command()
@_id
@_reason
@shared
@click.pass_obj
def revert(session: Session, insight_id: str, reason: str) -> None:
    """Take back what applying it did."""
    with engine(session) as tenant:
        _tell(session, lifecycle.revert(tenant, insight_id, reason=reason, at=_now()))


def _tell(session: Session, insight: Insight) -> None:
    emit(session, insight, lambda shown: echo(f"{shown['id']} is {shown['status']}: {shown['description']}"))


def _now() -> int:
    return time.time_ns() // 1000

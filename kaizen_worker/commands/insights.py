"""`kaizen insights apply · dismiss · revert ID`; applying says what it brought about."""

import time
from typing import Any

import click

from kaizen_api.cli.approval import applied_lines
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit
from kaizen_api.rendering import plain
from kaizen_api.schema import Entry, Gap, Insight
from kaizen_worker.commands.engine import engine
from kaizen_worker.engine import lifecycle
from kaizen_worker.engine.runtime import Tenant

_id = click.argument("insight_id", metavar="ID")
_reason = click.option("--reason", default=lifecycle.UNSAID, show_default=True, help="Kept in its history.")


@click.command()
@_id
@shared
@click.pass_obj
def apply(session: Session, insight_id: str) -> None:
    """Let an insight take effect; a second time changes nothing.

    Says which entries the assistant finds from now on, and which share of the conversations goes without them.
    """
    with engine(session) as tenant:
        insight = lifecycle.apply(tenant, insight_id, at=_now())
        gap = tenant.gaps.get(insight.gap) if insight.gap is not None else None
        entries = plain(_entries(tenant, gap))
        hold_out = tenant.config.hold_out
    document = {**plain(insight), "entries": entries, "hold_out": hold_out}

    def show(shown: dict[str, Any]) -> None:
        _say(shown)
        for line in applied_lines(shown, plain(gap), entries, hold_out=hold_out):
            echo(line)

    emit(session, document, show)


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


def _entries(tenant: Tenant, gap: Gap | None) -> list[Entry]:
    """What was found for the gap that an insight is about."""
    return [entry for entry in tenant.entries.many(gap.entries) if entry is not None] if gap is not None else []


def _tell(session: Session, insight: Insight) -> None:
    emit(session, insight, _say)


def _say(shown: dict[str, Any]) -> None:
    echo(f"{shown['id']} is {shown['status']}: {shown['description']}")


def _now() -> int:
    return time.time_ns() // 1000

"""`kaizen breaker list · open · close · auto`."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

import click

from kaizen_api import keys
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit, table
from kaizen_api.errors import NotFound
from kaizen_worker.breaker import CircuitBreaker
from kaizen_worker.commands.engine import engine
from kaizen_worker.engine.runtime import Tenant

_name = click.argument("name")
_YEAR = 31_536_000.0


def _finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """A range lets NaN pass."""
    if not math.isfinite(value):
        raise click.BadParameter("give a number of seconds")
    return value


_seconds = click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True, max=_YEAR),
    callback=_finite,
    default=86_400.0,
    show_default=True,
    help="For how long.",
)


@click.command()
@shared
@click.pass_obj
def list_command(session: Session) -> None:
    """Show every breaker, by name."""
    with engine(session) as tenant:
        states = [asdict(_breaker(tenant, name).state()) for name in _names(tenant)]
    columns = ("name", "state", "failures", "retry_after", "opened")
    rows = [[{**state, "state": _stands(state)}[column] for column in columns] for state in states]
    emit(session, {"items": states}, lambda _: table(columns, rows, empty="no breaker has been used yet"))


@click.command()
@_name
@_seconds
@shared
@click.pass_obj
def open_command(session: Session, name: str, seconds: float) -> None:
    """Reject every call; everyone knows within about a second."""
    with engine(session) as tenant:
        breaker = _known(tenant, name)
        breaker.open(seconds=seconds)
        _tell(session, breaker)


@click.command()
@_name
@_seconds
@shared
@click.pass_obj
def close_command(session: Session, name: str, seconds: float) -> None:
    """Admit every call and count nothing."""
    with engine(session) as tenant:
        breaker = _known(tenant, name)
        breaker.close(seconds=seconds)
        _tell(session, breaker)


@click.command()
@_name
@shared
@click.pass_obj
def auto_command(session: Session, name: str) -> None:
    """Let it move by itself again."""
    with engine(session) as tenant:
        breaker = _known(tenant, name)
        breaker.auto()
        _tell(session, breaker)


def _names(tenant: Tenant) -> list[str]:
    return sorted(name.decode() for name in cast("set[bytes]", tenant.redis.smembers(keys.BREAKERS)))


def _known(tenant: Tenant, name: str) -> CircuitBreaker:
    if name not in _names(tenant):
        raise NotFound(f"no breaker {name}: `kaizen breaker list` shows them")
    return _breaker(tenant, name)


def _breaker(tenant: Tenant, name: str) -> CircuitBreaker:
    return CircuitBreaker(name=name, redis=tenant.redis)


def _stands(state: Mapping[str, Any]) -> str:
    """What it does now: an order counts before what it would do by itself."""
    return f"{state['override']} (ordered)" if state["override"] else str(state["state"])


def _tell(session: Session, breaker: CircuitBreaker) -> None:
    state = asdict(breaker.state())
    emit(session, state, lambda shown: echo(f"{shown['name']}: ordered {shown['override'] or 'auto'}"))

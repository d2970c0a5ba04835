"""`kaizen analyze`: one analysis now, of everything accepted before it, followed to its end on request."""

import time
from typing import Any

import click

from kaizen_api import jobs
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit, note
from kaizen_api.cli.progress import follow_backlog, follow_cycle
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, reaching
from kaizen_api.errors import Unavailable
from kaizen_api.figures import critic
from kaizen_api.producer.batch import check_tenant
from kaizen_api.queries import Queries


@click.command()
@click.option("--wait", is_flag=True, help="Until it has ended, at most --timeout.")
@click.option("--timeout", type=click.IntRange(1), default=3600, show_default=True, metavar="SECONDS")
@shared
@click.pass_obj
def analyze(session: Session, wait: bool, timeout: int) -> None:  # noqa: FBT001  # click hands options by name
    """Ask the workers for an analysis; `--wait` follows it.

    With `--wait` it begins when what was accepted before is committed; without, it takes what is committed by then.
    """
    config = session.config()
    tenant = check_tenant(config.tenant)
    end = time.monotonic() + timeout
    if wait:
        follow_backlog(config, tenant, seconds=timeout)
    cycle = jobs.analyze(config, tenant=tenant)
    if wait:
        cycle = follow_cycle(config, cycle, seconds=max(0.0, end - time.monotonic()))
    else:
        _tell_waiting(config, tenant)
    if cycle.status == "failed":
        raise Unavailable(f"analysis {cycle.id} failed: {cycle.error}")
    emit(session, cycle, _show)


def _show(cycle: dict[str, Any]) -> None:
    echo(f"{cycle['id']}: {cycle['status']}" + describe(cycle))
    for name, score in cycle["critics"].items():
        echo(f"- {critic(name, score)}")


def _tell_waiting(config: KaizenConfig, tenant: str) -> None:
    with reaching(config), connect(config) as client:
        waiting = Queries(client, tenant=tenant).queue().depth
    if waiting:
        note(f"{waiting} still waiting for the workers: this analysis may miss them, --wait waits for them first")


def describe(cycle: dict[str, int]) -> str:
    """What an analysis brought, in words."""
    if not cycle["finished_at"]:
        return ""
    gaps = "; `kaizen gaps` lists the gaps" if cycle["gaps"] else ""
    return (
        f", {cycle['interactions']} interactions, {cycle['topics']} topics, {cycle['gaps']} gaps, "
        f"{cycle['insights']} findings; `kaizen insights` lists those stored, at most "
        "KAIZEN_MAX_INSIGHTS_PER_CYCLE new ones an analysis" + gaps
    )

"""`kaizen analyze`: one analysis now, followed to its end on request."""

import click

from kaizen_api import jobs
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import emit
from kaizen_api.cli.progress import follow_cycle
from kaizen_api.errors import Unavailable
from kaizen_api.producer.batch import check_tenant


@click.command()
@click.option("--wait", is_flag=True, help="Until it has ended, at most --timeout.")
@click.option("--timeout", type=click.IntRange(1), default=3600, show_default=True, metavar="SECONDS")
@shared
@click.pass_obj
def analyze(session: Session, wait: bool, timeout: int) -> None:  # noqa: FBT001  # click hands options by name
    """Ask the workers for an analysis; `--wait` follows it."""
    config = session.config()
    cycle = jobs.analyze(config, tenant=check_tenant(config.tenant))
    if wait:
        cycle = follow_cycle(config, cycle, seconds=timeout)
    if cycle.status == "failed":
        raise Unavailable(f"analysis {cycle.id} failed: {cycle.error}")
    emit(session, cycle, lambda found: click.echo(f"{found['id']}: {found['status']}" + describe(found)))


def describe(cycle: dict[str, int]) -> str:
    """What an analysis brought, in words."""
    if not cycle["finished_at"]:
        return ""
    return (
        f", {cycle['interactions']} interactions, {cycle['topics']} topics, {cycle['insights']} insights, "
        f"{cycle['gaps']} gaps"
    )

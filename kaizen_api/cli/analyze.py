"""`kaizen analyze`: one analysis now, followed to its end on request; which there were; and how one is cancelled."""

import time
from collections.abc import Mapping
from typing import Any

import click

from kaizen_api import analyses
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit, note, table
from kaizen_api.cli.progress import follow_backlog, follow_cycle, standing
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, reaching
from kaizen_api.errors import Conflict, NotFound, Unavailable
from kaizen_api.figures import critics, seconds
from kaizen_api.follow import HOW_TO_STOP
from kaizen_api.producer.batch import check_tenant
from kaizen_api.queries import MAX_PAGE, Page, Queries
from kaizen_api.rendering import moment
from kaizen_api.schema import Cycle

LATEST = "latest"
LISTED = 20
"""Analyses that `--list` shows."""

_UNFINISHED = ("running", "queued")
_COLUMNS = ("id", "asked for", "status", "took", "interactions", "topics", "findings", "gaps", "says")


@click.command()
@click.option("--wait", is_flag=True, help="Until it has ended, at most --timeout.")
@click.option("--timeout", type=click.IntRange(1), default=3600, show_default=True, metavar="SECONDS")
@click.option("--list", "listing", is_flag=True, help="Show the last ones instead, the latest first.")
@click.option(
    "--cancel",
    is_flag=False,
    flag_value=LATEST,
    metavar="[ID]",
    help="Cancel one instead; without ID the one that runs, else the next that waits.",
)
@shared
@click.pass_obj
def analyze(session: Session, wait: bool, timeout: int, listing: bool, cancel: str | None) -> None:  # noqa: FBT001  # click hands options by name
    """Ask the workers for an analysis; `--wait` follows it.

    With `--wait` it begins when what was accepted before is committed; without, it takes what is committed by then.
    """
    if (cancel is not None) + wait + listing > 1:
        raise click.UsageError("--wait, --list and --cancel exclude each other")
    config = session.config()
    tenant = check_tenant(config.tenant)
    if listing:
        emit(session, *_listed(config, tenant))
    elif cancel is not None:
        cancelled = analyses.cancel(config, tenant=tenant, cycle_id=_meant(config, tenant, cancel))
        emit(session, cancelled, lambda found: echo(f"{found['id']}: {found['status']}"))
    else:
        emit(session, _analyse(config, tenant, wait=wait, timeout=timeout), _show)


def _analyse(config: KaizenConfig, tenant: str, *, wait: bool, timeout: int) -> Cycle:
    end = time.monotonic() + timeout
    if wait:
        follow_backlog(config, tenant, seconds=timeout)
    cycle = analyses.request(config, tenant=tenant)
    if wait:
        cycle = _follow(config, cycle, seconds=max(0.0, end - time.monotonic()))
    else:
        _tell_waiting(config, tenant)
    if cycle.status == "failed":
        raise Unavailable(f"analysis {cycle.id} failed: {cycle.error}")
    if cycle.status == "cancelled":
        raise Conflict(f"analysis {cycle.id} was cancelled")
    return cycle


def _follow(config: KaizenConfig, cycle: Cycle, *, seconds: float) -> Cycle:
    """Whoever stops looking with Ctrl-C is told that it goes on."""
    try:
        return follow_cycle(config, cycle, seconds=seconds)
    except KeyboardInterrupt:
        note(f"analysis {cycle.id} goes on: {HOW_TO_STOP.format(cycle.id)}")
        raise


def _tell_waiting(config: KaizenConfig, tenant: str) -> None:
    with reaching(config), connect(config) as client:
        waiting = Queries(client, tenant=tenant).queue().depth
    if waiting:
        note(f"{waiting} still waiting for the workers: this analysis may miss them, --wait waits for them first")


def _meant(config: KaizenConfig, tenant: str, cycle_id: str) -> str:
    """The id given, or that of the analysis that runs, else of the one that waits longest.

    Raises:
        NotFound: none does.
    """
    if cycle_id != LATEST:
        return cycle_id
    with reaching(config), connect(config) as client:
        page = Queries(client, tenant=tenant).page("cycle", limit=MAX_PAGE, where=lambda one: one.status in _UNFINISHED)
    if not page.items:
        raise NotFound("no analysis runs or waits: `kaizen analyze --list` shows the last ones")
    chosen: Cycle = min(page.items, key=lambda one: (_UNFINISHED.index(one.status), one.requested_at))
    return chosen.id


def _listed(config: KaizenConfig, tenant: str) -> tuple[Page, Any]:
    """The last analyses, and what prints them."""
    with reaching(config), connect(config) as client:
        page = Queries(client, tenant=tenant).page("cycle", limit=LISTED)
    rows = [_row(cycle) for cycle in page.items]
    return page, lambda _: table(_COLUMNS, rows, empty="no analyses yet: `kaizen analyze` starts one")


def _row(cycle: Cycle) -> list[Any]:
    asked = moment(cycle.requested_at).partition(".")[0].replace("T", " ")
    took = seconds(sum(cycle.seconds.values())) if cycle.seconds else ""
    counts = [cycle.interactions, cycle.topics, cycle.insights, cycle.gaps]
    found = counts if cycle.status == "done" else [cycle.interactions or "", "", "", ""]
    return [cycle.id, asked, cycle.status, took, *found, cycle.error or standing(cycle)]


def _show(found: dict[str, Any]) -> None:
    echo(f"{found['id']}: {found['status']}" + describe(found))
    for line in critics(found["critics"]):
        echo(f"- {line}")


def describe(cycle: Mapping[str, Any]) -> str:
    """What an analysis brought, in words."""
    if not cycle["finished_at"]:
        return ""
    if cycle.get("status") == "insufficient_data":
        return f", {cycle['detail']}"
    gaps = "; `kaizen gaps` lists the gaps" if cycle["gaps"] else ""
    left_out = f" (the newest; {cycle['left_out']} older ones left out)" if cycle.get("left_out") else ""
    return (
        f", {cycle['interactions']} interactions{left_out}, {cycle['topics']} topics, {cycle['gaps']} gaps, "
        f"{cycle['insights']} findings; `kaizen insights` lists those stored, at most "
        "KAIZEN_MAX_INSIGHTS_PER_CYCLE new ones an analysis" + gaps
    )

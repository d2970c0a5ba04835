"""`kaizen topics · insights · gaps · effects`: lists of what Kaizen found, and one of them in full."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from kaizen_api.cli.explain import explain_effect, explain_gap, explain_insight, explain_topic
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import emit, table
from kaizen_api.connection import connect, reaching
from kaizen_api.producer.batch import check_tenant
from kaizen_api.queries import MAX_PAGE, Page, Queries
from kaizen_api.schema import INSIGHT_TYPES

_STATUSES = ("proposed", "applied", "confirmed", "no_effect", "reverted", "dismissed")
_GAP_STATUSES = ("open", "filling", "proposed", "filled", "unfilled", "dismissed")
_VERDICTS = ("measuring", "confirmed", "no_effect", "harmful")

_limit = click.option(
    "--limit", type=click.IntRange(1, MAX_PAGE), default=50, show_default=True, help="Most items of the list."
)
_cursor = click.option("--cursor", metavar="NEXT", help="Where the list goes on: `next` of the page before.")
_id = click.argument("object_id", metavar="ID")


@contextmanager
def reading(session: Session) -> Iterator[Queries]:
    """The read side for the tenant of this call.

    Raises:
        Unavailable: Redis does not answer.
    """
    config = session.config()
    with reaching(config), connect(config) as client:
        yield Queries(client, tenant=check_tenant(config.tenant))


@click.command()
@_limit
@shared
@click.pass_obj
def list_topics(session: Session, limit: int) -> None:
    """List topics, the largest first."""
    with reading(session) as queries:
        topics = queries.topics()
    rows = ("id", "name", "size", "share", "failure_rate", "users")
    _list(session, Page(topics[:limit]), rows, "no topics yet: `kaizen analyze` finds them")


@click.command()
@_limit
@_cursor
@click.option("--status", type=click.Choice(_STATUSES), help="Only these.")
@click.option("--type", "kind", type=click.Choice(INSIGHT_TYPES), help="Only these.")
@shared
@click.pass_obj
def list_insights(session: Session, limit: int, cursor: str | None, status: str | None, kind: str | None) -> None:
    """List insights, the strongest first."""
    wanted = {name: value for name, value in (("status", status), ("type", kind)) if value}
    columns = ("id", "type", "status", "confidence", "description")
    _list(session, _page(session, "insight", limit, cursor, wanted), columns, "no insights")


@click.command()
@_limit
@_cursor
@click.option("--status", type=click.Choice(_GAP_STATUSES), help="Only these.")
@shared
@click.pass_obj
def list_gaps(session: Session, limit: int, cursor: str | None, status: str | None) -> None:
    """List gaps, those that touch most users first."""
    page = _page(session, "gap", limit, cursor, {"status": status} if status else {})
    _list(session, page, ("id", "topic", "diagnosis", "status", "users", "deficit", "coverage"), "no gaps")


@click.command()
@_limit
@_cursor
@click.option("--verdict", type=click.Choice(_VERDICTS), help="Only these.")
@shared
@click.pass_obj
def list_effects(session: Session, limit: int, cursor: str | None, verdict: str | None) -> None:
    """List the measured effects of what was applied."""
    page = _page(session, "effect", limit, cursor, {"verdict": verdict} if verdict else {})
    _list(session, page, ("id", "topic", "verdict", "exposed", "held_out", "p_value"), "no effects measured yet")


@click.command()
@_id
@shared
@click.pass_obj
def show_topics(session: Session, object_id: str) -> None:
    """Show one topic in full."""
    with reading(session) as queries:
        emit(session, queries.topic(object_id), explain_topic)


@click.command()
@_id
@shared
@click.pass_obj
def show_insights(session: Session, object_id: str) -> None:
    """Show one insight: what, how sure, why, examples, what to do."""
    with reading(session) as queries:
        insight = queries.get("insight", object_id)
        topic = next((topic for topic in queries.topics() if topic.id == insight.topic), None)
    examples = topic.exemplars if topic else []
    emit(session, insight, lambda found: explain_insight(found, examples))


@click.command()
@_id
@shared
@click.pass_obj
def show_gaps(session: Session, object_id: str) -> None:
    """Show one gap: who runs into it, why, and what was found to fill it."""
    with reading(session) as queries:
        emit(session, queries.get("gap", object_id), explain_gap)


@click.command()
@_id
@shared
@click.pass_obj
def show_effects(session: Session, object_id: str) -> None:
    """Show one effect: the exposed against the hold-out."""
    with reading(session) as queries:
        emit(session, queries.get("effect", object_id), explain_effect)


def _page(session: Session, kind: str, limit: int, cursor: str | None, wanted: dict[str, str]) -> Page:
    with reading(session) as queries:
        return queries.page(
            kind,
            cursor=cursor,
            limit=limit,
            where=lambda item: all(getattr(item, name) == value for name, value in wanted.items()),
        )


def _list(session: Session, page: Page, columns: tuple[str, ...], empty: str) -> None:
    def show(rendered: Any) -> None:
        table(columns, ([item[name] for name in columns] for item in rendered["items"]), empty=empty)
        if rendered["next"]:
            click.echo(f"more: --cursor {rendered['next']}")

    emit(session, page, show)

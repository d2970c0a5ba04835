"""`kaizen topics · insights · gaps · effects`: lists of what Kaizen found, and one of them in full."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from kaizen_api.cli.explain import explain_effect, explain_gap, explain_insight, explain_topic, interval
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit, table
from kaizen_api.connection import connect, reaching
from kaizen_api.errors import NotFound
from kaizen_api.producer.batch import check_tenant
from kaizen_api.queries import MAX_PAGE, Page, Queries, tenants
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
        NotFound: a tenant was named that never sent anything; the configured one need not have.
        Unavailable: Redis does not answer.
    """
    config = session.config()
    tenant = check_tenant(config.tenant)
    with reaching(config), connect(config) as client:
        if tenant != _configured(session) and tenant not in tenants(client):
            raise NotFound(f"no such tenant {tenant}: `kaizen tenants` lists them")
        yield Queries(client, tenant=tenant)


def _configured(session: Session) -> str:
    """The tenant of a call that names none."""
    return (
        Session(settings={name: value for name, value in session.settings.items() if name != "tenant"}).config().tenant
    )


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
    page, names = _about(session, "gap", limit, cursor, {"status": status} if status else {})
    columns = ("id", "topic", "topic name", "diagnosis", "status", "users", "deficit", "coverage")
    _list(session, page, columns, "no gaps", lambda gap: {**gap, "topic name": names.get(gap["topic"])})


@click.command()
@_limit
@_cursor
@click.option("--verdict", type=click.Choice(_VERDICTS), help="Only these.")
@shared
@click.pass_obj
def list_effects(session: Session, limit: int, cursor: str | None, verdict: str | None) -> None:
    """List the measured effects of what was applied."""
    page, names = _about(session, "effect", limit, cursor, {"verdict": verdict} if verdict else {})
    columns = ("id", "topic", "topic name", "verdict", "difference", "exposed", "held_out", "p_value")

    def shown(effect: dict[str, Any]) -> dict[str, Any]:
        return {**effect, "topic name": names.get(effect["topic"]), "difference": interval(effect["difference"])}

    _list(session, page, columns, "no effects measured yet", shown)


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


def _about(
    session: Session, kind: str, limit: int, cursor: str | None, wanted: dict[str, str]
) -> tuple[Page, dict[str, str]]:
    """A page of what is about topics, and the topics' names."""
    page = _page(session, kind, limit, cursor, wanted)
    with reading(session) as queries:
        return page, {topic.id: topic.name for topic in queries.topics()}


def _list(
    session: Session,
    page: Page,
    columns: tuple[str, ...],
    empty: str,
    shown: Callable[[dict[str, Any]], dict[str, Any]] = lambda item: item,
) -> None:
    """Print a page; `shown` makes what people see of an item."""

    def show(rendered: Any) -> None:
        items = (shown(item) for item in rendered["items"])
        table(columns, ([item[name] for name in columns] for item in items), empty=empty)
        if rendered["next"]:
            echo(f"more: --cursor {rendered['next']}")

    emit(session, page, show)

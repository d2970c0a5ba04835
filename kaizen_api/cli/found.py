"""`kaizen topics · insights · gaps · effects`: lists of what Kaizen found."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from redis import Redis

from kaizen_api.cli.explain import verdict
from kaizen_api.cli.moments import local
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit, table
from kaizen_api.connection import connect, reaching
from kaizen_api.errors import NotFound
from kaizen_api.explanation import is_stale
from kaizen_api.figures import interval, percent, points
from kaizen_api.producer.batch import check_tenant
from kaizen_api.queries import MAX_PAGE, Page, Queries, tenants
from kaizen_api.schema import INSIGHT_TYPES, Effect

_STATUSES = ("proposed", "applied", "confirmed", "no_effect", "reverted", "dismissed")
_GAP_STATUSES = ("open", "filling", "proposed", "filled", "unfilled", "dismissed", "closed")
_VERDICTS = ("measuring", "confirmed", "no_effect", "harmful")

_MERGED = "took in"  # a topic's word in its history for one that merged into it

_limit = click.option(
    "--limit", type=click.IntRange(1, MAX_PAGE), default=50, show_default=True, help="Most items of the list."
)
_cursor = click.option("--cursor", metavar="NEXT", help="Where the list goes on: `next` of the page before.")


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
        check_known(session, client, tenant)
        yield Queries(client, tenant=tenant)


def check_known(session: Session, client: Redis, tenant: str) -> None:
    """Whether there can be anything of this tenant.

    Raises:
        NotFound: it was named and never sent anything; the configured one need not have.
    """
    if tenant != _configured(session) and tenant not in tenants(client):
        raise NotFound(f"no such tenant {tenant}: `kaizen tenants` lists them")


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
    """List topics, the largest first.

    failure_rate is the mean probability that an interaction failed, by all signs together, not a count of errors.
    Where no sign is seen it is near 10 %, for about one in ten fails in silence; ratings of users move that.
    """
    with reading(session) as queries:
        topics = queries.topics()
    columns = ("id", "name", "size", "share", "failure_rate", "users")
    _list(
        session,
        Page(topics[:limit]),
        columns,
        "no topics yet: `kaizen analyze` finds them",
        lambda topic: _in_percent(topic, "share", "failure_rate"),
    )


@click.command()
@_limit
@_cursor
@click.option("--status", type=click.Choice(_STATUSES), help="Only these.")
@click.option("--type", "kind", type=click.Choice(INSIGHT_TYPES), help="Only these.")
@shared
@click.pass_obj
def list_insights(session: Session, limit: int, cursor: str | None, status: str | None, kind: str | None) -> None:
    """List insights, what was seen last first; `last seen` stands where the last analysis did not find one any more."""
    with reading(session) as queries:
        page = _page(queries, "insight", limit, cursor, {"status": status, "type": kind})
        last = queries.last_analysis()
    stale = {insight.id for insight in page.items if is_stale(insight, last)}
    columns = ("id", "type", "status", "confidence", "description")

    def shown(insight: dict[str, Any]) -> dict[str, Any]:
        said = f", last seen {local(insight['seen_at'])}" if insight["id"] in stale else ""
        return {**_in_percent(insight, "confidence"), "status": f"{insight['status']}{said}"}

    _list(session, page, columns, "no insights", shown)


@click.command()
@_limit
@_cursor
@click.option("--status", type=click.Choice(_GAP_STATUSES), help="Only these.")
@shared
@click.pass_obj
def list_gaps(session: Session, limit: int, cursor: str | None, status: str | None) -> None:
    """List gaps, those that touch most users first; the deficit is in points of the failure rate.

    What is filled, dismissed or closed comes behind what is not; `closed` is what no analysis finds any more.
    """
    with reading(session) as queries:
        page, names = _page(queries, "gap", limit, cursor, {"status": status}), topic_names(queries)
    columns = ("id", "topic", "topic name", "diagnosis", "status", "users", "deficit", "coverage")

    def shown(gap: dict[str, Any]) -> dict[str, Any]:
        named = {**_in_percent(gap, "coverage"), "topic name": _name(gap["topic"], names)}
        return {**named, "deficit": points(gap["deficit"])}

    _list(session, page, columns, "no gaps", shown)


@click.command()
@_limit
@_cursor
@click.option("--verdict", "wanted", type=click.Choice(_VERDICTS), help="Only these.")
@shared
@click.pass_obj
def list_effects(session: Session, limit: int, cursor: str | None, wanted: str | None) -> None:
    """List the measured effects of what was applied, also of what was reverted since."""
    with reading(session) as queries:
        page, names = _page(queries, "effect", limit, cursor, {"verdict": wanted}), topic_names(queries)
        reverted = {effect.id for effect in page.items if is_reverted(queries, effect)}
    columns = ("id", "topic", "topic name", "verdict", "difference", "exposed", "held_out", "p_value")

    def shown(effect: dict[str, Any]) -> dict[str, Any]:
        told = {
            "verdict": verdict(effect, reverted=effect["id"] in reverted),
            "topic name": _name(effect["topic"], names),
        }
        return {**effect, **told, "difference": interval(effect["difference"])}

    _list(session, page, columns, "no effects measured yet", shown)


def topic_names(queries: Queries) -> dict[str, str]:
    """Topic id → name, of the topics there are and of those that merged into one of them."""
    topics = queries.topics()
    merged = {
        step.detail: f"now in {topic.id}: {topic.name}"
        for topic in topics
        for step in topic.history
        if step.event == _MERGED
    }
    names = {topic.id: topic.name for topic in topics}
    parts = {part: f"now in {into}: {names[into]}" for part, into in queries.merged().items() if into in names}
    return merged | parts | names


def _name(topic: str, names: dict[str, str]) -> str:
    """What a topic is called; without an id there never was one."""
    return names.get(topic, "(gone)" if topic else "")


def is_reverted(queries: Queries, effect: Effect) -> bool:
    """Whether the change that was measured has been taken back."""
    try:
        return bool(queries.get("insight", effect.insight).status == "reverted")
    except NotFound:  # archived since
        return False


def _page(queries: Queries, kind: str, limit: int, cursor: str | None, wanted: dict[str, str | None]) -> Page:
    """A page of one kind, only of what has the values that are wanted."""
    values = {name: value for name, value in wanted.items() if value}
    return queries.page(
        kind,
        cursor=cursor,
        limit=limit,
        where=lambda item: all(getattr(item, name) == value for name, value in values.items()),
    )


def _in_percent(item: dict[str, Any], *names: str) -> dict[str, Any]:
    """The item with these of its shares as people read them."""
    return {**item, **{name: percent(item[name]) for name in names}}


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

"""`kaizen tenants`: everyone who ever sent something, and how their streams stand."""

import click

from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import emit, table
from kaizen_api.connection import connect, reaching
from kaizen_api.queries import Queries, tenants

_COLUMNS = ("tenant", "waiting", "oldest_seconds", "dead_letters", "topics")


@click.command()
@shared
@click.pass_obj
def list_tenants(session: Session) -> None:
    """List tenants with what waits in their streams."""
    config = session.config()
    rows = []
    with reaching(config), connect(config) as client:
        for name in tenants(client):
            queries = Queries(client, tenant=name)
            queue = queries.queue()
            values = (name, queue.depth, queue.oldest_age, queue.dead, len(queries.topics()))
            rows.append(dict(zip(_COLUMNS, values, strict=True)))
    emit(
        session,
        {"items": rows, "next": None},
        lambda page: table(_COLUMNS, (list(row.values()) for row in page["items"]), empty="no tenants yet"),
    )

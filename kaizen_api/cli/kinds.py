"""`kaizen topics kinds`: what kinds of request people make, of one tenant and of all together."""

from typing import Any

import click

from kaizen_api.cli.found import check_known
from kaizen_api.cli.moments import local
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit, table
from kaizen_api.connection import connect, reaching
from kaizen_api.figures import percent
from kaizen_api.kinds import kinds_of
from kaizen_api.producer.batch import check_tenant
from kaizen_api.queries import Queries, tenants

_NONE = "no kinds yet: `kaizen analyze` counts them"


@click.command()
@shared
@click.pass_obj
def list_kinds(session: Session) -> None:
    """List the kinds of request of the last analysis with their shares, and those of all tenants together."""
    config = session.config()
    tenant = check_tenant(config.tenant)
    with reaching(config), connect(config) as client:
        check_known(session, client, tenant)
        everyone = sorted({*tenants(client), tenant})
        last = {name: Queries(client, tenant=name).last_analysis() for name in everyone}
    analyses = [cycle for cycle in last.values() if cycle is not None]
    own = kinds_of(cycle for cycle in analyses if cycle is last[tenant])
    emit(session, {"tenant": tenant, "own": own, "total": kinds_of(analyses), "tenants": len(analyses)}, _show)


def _show(found: Any) -> None:
    own, total, several = found["own"], found["total"], found["tenants"] > 1
    mine = {kind["kind"]: kind for kind in own["kinds"]}
    rows = []
    for kind in total["kinds"] if several else own["kinds"]:
        each = [mine.get(kind["kind"]), *([kind] if several else [])]
        rows.append([kind["kind"], *(part for one in each for part in _counted(one))])
    columns = ("kind", "interactions", "share", *(("of all tenants", "their share") if several else ()))
    table(columns, rows, empty=_NONE)
    if own["kinds"]:
        echo(f"of {own['interactions']} interactions, analysed {local(own['analysed_at'])}")


def _counted(kind: Any) -> tuple[int, str]:
    return (kind["interactions"], percent(kind["share"])) if kind else (0, percent(0.0))

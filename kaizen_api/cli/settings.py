"""`kaizen config`: each setting with its value, secrets masked, and where it came from."""

from typing import Any

import click

from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit, table
from kaizen_api.config import unknown_variables


@click.command()
@shared
@click.pass_obj
def settings(session: Session) -> None:
    """Show every setting with its value and its origin, and variables that are no settings."""
    origins = session.config().origins(session.settings)
    fields = [{"field": name, "value": value, "origin": origin} for name, (value, origin) in origins.items()]
    document = {"settings": fields, "unknown": unknown_variables()}
    emit(session, document, _show)


def _show(document: Any) -> None:
    columns = ("field", "value", "origin")
    table(columns, ([row[name] for name in columns] for row in document["settings"]), empty="no settings")
    for name, near in document["unknown"].items():
        echo(f"{name} is no setting" + (f": did you mean {near}?" if near else ""))

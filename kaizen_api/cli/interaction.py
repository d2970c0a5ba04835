"""`kaizen interaction ID`: one interaction in full, masked, as long as the log holds it, and what came of it."""

from collections.abc import Mapping
from typing import Any

import click

from kaizen_api.cli.examples import how_it_went
from kaizen_api.cli.found import reading
from kaizen_api.cli.moments import local
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import details, emit
from kaizen_api.rendering import plain
from kaizen_api.trail import trail

Shown = Mapping[str, Any]


@click.command()
@click.argument("interaction_id", metavar="ID")
@shared
@click.pass_obj
def interaction(session: Session, interaction_id: str) -> None:
    """Show one interaction by its id, such as the evidence of an insight, masked, and what came of it."""
    with reading(session) as queries:
        found = queries.interaction(interaction_id)
        came_of_it = trail(queries, found)
    emit(session, {**plain(found), "trail": came_of_it}, _show)


def _show(one: Shown) -> None:
    critics = ", ".join(f"{name} {score:.2f}" for name, score in (one["critics"] or {}).items())
    accepted = {None: None, True: "by the critics", False: "no: the critics rejected it"}[one["accepted"]]
    details(
        [
            ("id", one["id"]),
            ("when", local(one["occurred_at"])),
            ("asked", one["query"].splitlines()),
            ("answered", one["response"] and one["response"].splitlines()),
            ("answered", None if one["response"] is None or one["response"].strip() else "(empty)"),
            ("how", how_it_went(one)),
            ("critics", critics),
            ("accepted", accepted),
            ("entries", one["entry_ids"]),
            ("session", one["session"]),
            ("user", one["user"] and f"{one['user']} (a keyed hash)"),
            ("metadata", one["metadata"] and [f"{name}: {value}" for name, value in one["metadata"].items()]),
            ("cut", "longer texts were cut when they came in" if one["truncated"] else None),
            *_came_of_it(one["trail"]),
        ]
    )


def _came_of_it(ids: Shown) -> list[tuple[str, Any]]:
    reasons = {"evidence": "it is evidence", "topic": "about its topic"}
    insights = [f"{it['id']} ({it['type']}, {it['status']}): {reasons[it['why']]}" for it in ids["insights"]]
    analysis = f"{ids['analysis']}: {ids['topic'] or 'in no topic'}" if ids["analysis"] else "not yet"
    return [
        ("analysed", analysis),
        ("insights", insights),
        ("gaps", ids["gaps"]),
        ("found", [f"entry {entry}" for entry in ids["entries"]]),
        ("trace", ids["trace"]),
    ]

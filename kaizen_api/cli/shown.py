"""`kaizen topics · insights · gaps · effects show ID`: one of what Kaizen found, in full, with the next step."""

from typing import Any

import click

from kaizen_api.cli.explain import explain_effect, explain_gap, explain_history, explain_insight, explain_topic
from kaizen_api.cli.found import is_reverted, reading, topic_names
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import emit
from kaizen_api.errors import NotFound
from kaizen_api.explanation import EXAMPLES, explain
from kaizen_api.explanation.examples import examples
from kaizen_api.queries import Queries
from kaizen_api.rendering import plain
from kaizen_api.schema import Gap, Topic

_id = click.argument("object_id", metavar="ID")


@click.command()
@_id
@click.option("--history", is_flag=True, help="Also all that happened to it, by analyses and people, and its series.")
@shared
@click.pass_obj
def show_topics(session: Session, object_id: str, *, history: bool) -> None:
    """Show one topic in full; of one that merged into another or ended, what it was and where it went."""
    with reading(session) as queries:
        names = topic_names(queries)
        topic = queries.history(object_id) if history else queries.topic(object_id)
    emit(session, topic, lambda found: (explain_history if history else explain_topic)(found, names))


@click.command()
@_id
@shared
@click.pass_obj
def show_insights(session: Session, object_id: str) -> None:
    """Show one insight: what, how sure, why, examples, what to do, what waits for approval."""
    with reading(session) as queries:
        insight = queries.get("insight", object_id)
        topic = _topic(queries, insight.topic)
        gap = _there(queries, "gap", insight.gap) if insight.gap else None
        entries = _entries(queries, gap) if gap else []
        words = plain(explain(queries, insight))
    about = plain(topic), plain(gap), entries
    document = {**plain(insight), "explanation": words}
    emit(session, document, lambda found: explain_insight(found, *about))


@click.command()
@_id
@shared
@click.pass_obj
def show_gaps(session: Session, object_id: str) -> None:
    """Show one gap: who runs into it, why, what was found to fill it, and the next step."""
    with reading(session) as queries:
        gap = queries.get("gap", object_id)
        names, entries = topic_names(queries), _entries(queries, gap)
        insight = _there(queries, "insight", gap.insight) if gap.insight else None
        kept = queries.interactions(gap.evidence[:EXAMPLES])
        who = plain(examples(kept, insight.signs if insight else {}))
    emit(session, {**plain(gap), "examples": who}, lambda found: explain_gap(found, names, entries))


@click.command()
@_id
@shared
@click.pass_obj
def show_effects(session: Session, object_id: str) -> None:
    """Show one effect: the exposed against the hold-out."""
    with reading(session) as queries:
        effect = queries.get("effect", object_id)
        names, reverted = topic_names(queries), is_reverted(queries, effect)
    emit(session, effect, lambda found: explain_effect(found, names, reverted=reverted))


def _entries(queries: Queries, gap: Gap) -> list[dict[str, Any]]:
    """The entries found for a gap that are still there, rendered."""
    found = (_there(queries, "entry", entry) for entry in gap.entries)
    return [plain(entry) for entry in found if entry is not None]


def _topic(queries: Queries, topic_id: str | None) -> Topic | None:
    """A topic as it is shown now, as the one that it went into if need be; None where it is gone."""
    try:
        topic = queries.topic(topic_id) if topic_id else None
        return queries.topic(topic.into) if topic is not None and topic.into else topic
    except NotFound:
        return None


def _there(queries: Queries, kind: str, object_id: str) -> Any:
    """One object, None where it is gone."""
    try:
        return queries.get(kind, object_id)
    except NotFound:
        return None

"""What Kaizen found, in pages and one by one."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from kaizen_api.errors import Invalid
from kaizen_api.explanation import explain
from kaizen_api.http.answers import answer
from kaizen_api.http.openapi import described, listed
from kaizen_api.http.view import Paged, Viewed, where
from kaizen_api.queries import Page
from kaizen_api.schema import EffectVerdict, EntryState, GapStatus, InsightStatus, InsightType, Topic

router = APIRouter(tags=["findings"])

OfTopic = Annotated[str | None, Query(max_length=256, description="A topic's id.")]


@router.get("/v1/topics", responses=listed("Topic", "The topics, the largest first."))
def topics(view: Viewed, paging: Paged) -> Response:
    """What people ask."""
    with view.reading() as queries:
        found = queries.topics()
    start = _after(found, paging.cursor) if paging.cursor is not None else 0
    items = found[start : start + paging.limit]
    return answer(Page(items, _topic_cursor(items[-1]) if start + paging.limit < len(found) else None))


@router.get("/v1/kinds", responses=described(200, "Kinds", "The kinds of request, the most frequent first."))
def kinds(view: Viewed) -> Response:
    """How people ask: kinds of request with their shares of the last analysis' window."""
    with view.reading() as queries:
        return answer(queries.kinds())


@router.get("/v1/insights", responses=listed("Insight", "The insights."))
def insights(
    view: Viewed,
    paging: Paged,
    type: InsightType | None = None,  # noqa: A002  # the filter's name in the contract
    status: InsightStatus | None = None,
    topic: OfTopic = None,
) -> Response:
    """What Kaizen found, with the evidence."""
    return view.page("insight", paging, where(type=type, status=status, topic=topic))


@router.get("/v1/gaps", responses=listed("Gap", "The gaps, the most urgent first."))
def gaps(view: Viewed, paging: Paged, status: GapStatus | None = None, topic: OfTopic = None) -> Response:
    """What the assistant cannot serve."""
    return view.page("gap", paging, where(status=status, topic=topic))


@router.get("/v1/effects", responses=listed("Effect", "The effects of what was applied."))
def effects(
    view: Viewed,
    paging: Paged,
    status: Annotated[EffectVerdict | None, Query(description="The verdict.")] = None,
    topic: OfTopic = None,
) -> Response:
    """What each applied change did to the failure rate, against the hold-out."""
    return view.page("effect", paging, where(verdict=status, topic=topic))


@router.get("/v1/entries", responses=listed("Entry", "The entries of the knowledge base."))
def entries(view: Viewed, paging: Paged, state: EntryState | None = None) -> Response:
    """What the assistant is given to know."""
    return view.page("entry", paging, where(state=state))


@router.get("/v1/topics/{object_id}", responses=described(200, "Topic", "The topic."))
def topic(view: Viewed, object_id: str) -> Response:
    """One topic."""
    with view.reading() as queries:
        return answer(queries.topic(object_id))


@router.get("/v1/insights/{object_id}", responses=described(200, "Insight", "The insight."))
def insight(view: Viewed, object_id: str) -> Response:
    """One insight."""
    return view.one("insight", object_id)


@router.get("/v1/insights/{object_id}/explanation", responses=described(200, "Explanation", "The insight in words."))
def explanation(view: Viewed, object_id: str) -> Response:
    """How sure it is and what that means, what it is compared with, by which test, examples, and what may be done."""
    with view.reading() as queries:
        return answer(explain(queries, queries.get("insight", object_id)))


@router.get("/v1/interactions/{object_id:path}", responses=described(200, "Record", "The interaction, masked."))
def interaction(view: Viewed, object_id: str) -> Response:
    """One interaction, such as the evidence of an insight, while the log keeps it."""
    with view.reading() as queries:
        return answer(queries.interaction(object_id))


@router.get("/v1/gaps/{object_id}", responses=described(200, "Gap", "The gap."))
def gap(view: Viewed, object_id: str) -> Response:
    """One gap."""
    return view.one("gap", object_id)


@router.get("/v1/effects/{object_id}", responses=described(200, "Effect", "The effect."))
def effect(view: Viewed, object_id: str) -> Response:
    """One effect, by its insight's id."""
    return view.one("effect", object_id)


@router.get("/v1/entries/{object_id:path}", responses=described(200, "Entry", "The entry."))
def entry(view: Viewed, object_id: str) -> Response:
    """One entry; ids given at import may hold any character."""
    return view.one("entry", object_id)


def _topic_cursor(topic: Topic) -> str:
    return f"{topic.size}:{topic.id}"


def _after(found: list[Topic], cursor: str) -> int:
    """Where the list goes on: behind the cursor's topic, or where its size belongs if a cycle has removed it."""
    size, colon, topic_id = cursor.partition(":")
    if not (colon and size.isascii() and size.isdecimal()):
        raise Invalid(f"cursor {cursor!r} is none: use the `next` of the page before")
    place = next((index for index, topic in enumerate(found) if topic.id == topic_id), None)
    return sum(topic.size > int(size) for topic in found) if place is None else place + 1

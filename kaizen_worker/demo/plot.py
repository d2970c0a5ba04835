"""The acts of the demo, in their order: a running Kaizen is given a help desk, and is looked at when it is done."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kaizen_api import analyses
from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Invalid, Unavailable
from kaizen_api.follow import draining, following, settling
from kaizen_api.producer import Producer
from kaizen_api.queries import MAX_PAGE, Queries
from kaizen_api.schema import Cycle, Effect, Gap, Insight, Topic
from kaizen_worker.demo.assistant import converse
from kaizen_worker.demo.desk import Desk
from kaizen_worker.demo.verdict import Caught, catches, topics_of_subjects
from kaizen_worker.engine.runtime import Runtime, Tenant
from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.simulate import Played

_DAY = timedelta(hours=24)
_LATER = timedelta(hours=6)
_CYCLE_SECONDS = 600.0
_FILL_SECONDS = 120.0

Say = Callable[[str], None]
"""Takes what a step is at; the last word stays."""

Step = Callable[[str], AbstractContextManager[Say]]
"""Begins a line of progress."""


@dataclass(frozen=True, slots=True)
class Acts:
    """All that happened."""

    desk: Desk
    first: list[Played]
    second: list[Played]
    cycles: tuple[Cycle, Cycle]
    topics: list[Topic]
    insights: list[Insight]
    caught: list[Caught]
    gaps: list[Gap]
    effects: list[Effect]
    entries: int  # of the knowledge base, in the end
    seconds: float


def perform_demo(config: KaizenConfig, *, api: str, step: Step) -> Acts:
    """Play it all on a Kaizen that runs already.

    Args:
        config: Of the running Kaizen; its `documents_path` is filled here.
        api: Its URL.
        step: Begins a line of progress.
    """
    began = time.monotonic()
    tenant = Runtime(config).tenant(config.tenant)
    queries = Queries(tenant.redis, tenant=tenant.name)
    with step("the desk opens") as say:
        desk = _open(config, tenant, say)
    now = datetime.now(UTC)
    with step("a day at the desk") as say, Producer(config) as producer:
        scenario = desk.first(now - _DAY, now - timedelta(minutes=1))
        first = converse(scenario, api=api, producer=producer, said=lambda turns: say(f"{turns} turns"))
        _drain(queries, say, len(first))
    with step("first analysis") as say:
        earlier = _analyse(config, queries, say)
        insights, topics = _all(queries, "insight"), queries.topics()
        assigned = dict(queries.assignments(earlier.id))
    with step("searching what is missing") as say:
        for left in settling(queries, seconds=_FILL_SECONDS):
            say(f"{left} gaps to go")
        tenant.retrieval.complete()
        say(_filled(queries))
    with step("the same again, in other words") as say, Producer(config) as producer:
        later = datetime.now(UTC) + timedelta(seconds=1)
        again = desk.second(later, later + _LATER)
        second = converse(again, api=api, producer=producer, said=lambda turns: say(f"{turns} turns"))
        _drain(queries, say, len(second))
    with step("second analysis") as say:
        cycles = (earlier, _analyse(config, queries, say))
    return Acts(
        desk=desk,
        first=first,
        second=second,
        cycles=cycles,
        topics=topics,
        insights=insights,
        caught=catches(scenario.faults, insights, topics_of_subjects(first, assigned)),
        gaps=_all(queries, "gap"),
        effects=_all(queries, "effect"),
        entries=sum(entry.state == "active" for entry in tenant.entries.all()),
        seconds=time.monotonic() - began,
    )


def _open(config: KaizenConfig, tenant: Tenant, say: Say) -> Desk:
    """Write the documents, and give the assistant its half of them."""
    if config.documents_path is None:
        raise Invalid("the demo needs KAIZEN_DOCUMENTS_PATH: the folder that it fills and searches")
    desk = Desk.open(config.documents_path, seed=config.seed)
    at = time.time_ns() // 1000
    for page in desk.known:
        tenant.entries.add(from_document(Document(title=page.title, text=page.text), at=at, batch="demo"))
    say("embedding")
    tenant.retrieval.complete()
    lacking = f"{len(desk.split.missing)} of {len(desk.subjects)} subjects lack theirs"
    say(f"{len(desk.known)} of {len(desk.documents)} documents known, {lacking}")
    return desk


def _drain(queries: Queries, say: Say, turns: int) -> None:
    for queue in draining(queries):
        say(f"{turns} turns, {queue.depth} to go")
    say(f"{turns} turns")


def _analyse(config: KaizenConfig, queries: Queries, say: Say) -> Cycle:
    asked = analyses.request(config, tenant=queries.tenant)
    cycle = asked
    for cycle in following(queries, asked.id, seconds=_CYCLE_SECONDS):
        say(cycle.step)
    if cycle.status != "done":
        raise Unavailable(f"the analysis ended as {cycle.status}: {cycle.error or cycle.detail}")
    say(f"{cycle.topics} topics, {cycle.insights} insights, {cycle.gaps} gaps")
    return cycle


def _filled(queries: Queries) -> str:
    gaps = _all(queries, "gap")
    entries = {entry for gap in gaps for entry in gap.entries}
    return f"{sum(gap.status == 'filled' for gap in gaps)} of {len(gaps)} gaps filled with {len(entries)} entries"


def _all(queries: Queries, kind: str) -> list[Any]:
    """Every object of a kind, page by page."""
    items: list[Any] = []
    cursor: str | None = None
    while True:
        page = queries.page(kind, cursor=cursor, limit=MAX_PAGE)
        items += page.items
        cursor = page.next
        if cursor is None:
            return items

"""The fill tempo: one gap is searched for, through a breaker for each source, and what is found becomes entries.

Guarantee: a gap is filled once, however many workers race and however often the job is repeated: entries get their ids
from their content, and each step of the gap takes effect once. What is found stays in quarantine until its insight is
applied, and what screening flags stays there even then.
"""

import time
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from kaizen_api import jobs, spans
from kaizen_api.errors import BreakerOpen, Invalid, Unavailable
from kaizen_api.knowledge import Hit
from kaizen_api.metrics.table import field
from kaizen_api.schema import Entry, Gap, GapStatus, Step
from kaizen_worker.breaker import countdown
from kaizen_worker.embedding.embedder import Embedder
from kaizen_worker.engine import disputes, lifecycle
from kaizen_worker.engine.asked import asked_before
from kaizen_worker.engine.due import fill_claim
from kaizen_worker.engine.lifecycle import longer
from kaizen_worker.engine.runtime import LOG, Tenant
from kaizen_worker.engine.saving import NO_SOURCE, STRANGE, in_scope
from kaizen_worker.knowledge.likeness import repeats
from kaizen_worker.knowledge.making import Errand, from_passage
from kaizen_worker.knowledge.vectors import WORDS
from kaizen_worker.search import Source
from kaizen_worker.search.merging import Ranking, merge
from kaizen_worker.search.screening import screen
from kaizen_worker.search.source import OWN
from kaizen_worker.store.claims import taken
from kaizen_worker.store.lexical import Lexical
from kaizen_worker.types import Floats, Passage

QUERIES = 12
"""Most searches for one gap."""

PER_QUERY = 3
"""Passages kept for one query: the best one alone recovered .33 of what three recover."""

ALIKE = 0.9
"""Cosine from which passages of two sources say the same: of pairs that near, all did."""

LEAST_RELEVANCE = 0.2
"""Mean of a passage's cosine with its query and of the share of the query's words that it has, weighed by how few of
the passages have each. Under it a passage is about something else: it keeps .99 of the passages that answer on three
collections, and of what one collection has for the questions of another half of what the cosine alone would keep."""

PASSAGES = 20
"""Most passages kept for one gap."""

_LONGEST_REASON = 200  # characters of what a source says when it fails


def fill(tenant: Tenant, gap_id: str) -> str:
    """Search for what the gap is missing and keep what is found.

    Returns:
        `filled`, `empty`, `failed` (a source is down: tried again later), `rejected` (its breaker is open: likewise),
        or `settled` (there was nothing to do).
    """
    with taken(tenant.redis, tenant=tenant.name, job=fill_claim(gap_id), seconds=jobs.CLAIM_SECONDS) as claim:
        if claim is None:
            return "settled"
        try:
            gap = None if asked_before(tenant, gap_id) else _begin(tenant, gap_id)
            if gap is None:
                return "settled"
            passages = _search(tenant, gap)
        except Unavailable as error:
            outcome = "rejected" if isinstance(error, BreakerOpen) else "failed"
            later = countdown(error)
            why = _why(error, later=later)
            LOG.warning("gap %s of %s: %s", gap_id, tenant.name, why)
        else:
            return _keep(tenant, gap, passages)
    _end(tenant, gap_id, _step(outcome, why), status="open")
    claim.put_off(later)
    return outcome


def _why(error: Unavailable, *, later: float) -> str:
    again = f"tried again in {later:.0f} s at the earliest" if later >= 1 else "tried again soon"
    return f"{str(error)[:_LONGEST_REASON]}; {again}"


def _begin(tenant: Tenant, gap_id: str) -> Gap | None:
    """The gap, marked as being filled; None if there is nothing to do, or nowhere to search: that is noted."""
    at = time.time_ns() // 1000
    nowhere = Step(at=at, event="unfilled", detail=NO_SOURCE)

    def change(old: Gap | None) -> Gap | None:
        if old is None or old.status not in {"open", "filling"}:
            return None
        if not tenant.runtime.sources:
            return replace(old, status="unfilled", history=longer(old.history, nowhere))
        return replace(old, status="filling", history=longer(old.history, Step(at=at, event="searching")))

    def counts(_old: Gap | None, new: Gap) -> dict[str, int]:
        return {field("kaizen_gapfill_triggers"): 1} if new.status == "filling" else {}

    gap = tenant.gaps.update(gap_id, change, counts=counts, rank=lifecycle.gap_rank)
    return gap if gap is not None and gap.status == "filling" else None


def _search(tenant: Tenant, gap: Gap) -> list[tuple[Passage, str]]:
    """The best passages of all sources with the query that found each, each once.

    Raises:
        BreakerOpen, Unavailable: nothing was found, and a source did not answer.
    """
    trouble: Unavailable | None = None
    rankings: list[Ranking] = []
    for source in tenant.runtime.sources:
        if gap.diagnosis == STRANGE and source.name not in OWN:  # what the whole web knows says nothing of the scope
            continue
        found: list[list[Passage]] = []
        try:
            found.extend(_ask(tenant, source, query, gap_id=gap.id) for query in gap.queries[:QUERIES])
        except Unavailable as error:  # what it found before stays
            LOG.warning("gap %s of %s: %s: %s", gap.id, tenant.name, source.name, error)
            trouble = error
        rankings.append(choose(found, gap.queries))
    best = relevant(tenant.runtime.embedder, merge(rankings, most=PASSAGES))
    if trouble is not None and not best:
        raise trouble
    return best


def _ask(tenant: Tenant, source: Source, query: str, *, gap_id: str) -> list[Passage]:
    breaker = tenant.breaker(source.name)
    try:
        with spans.span("search", source=source.name, breaker=breaker.name, gap_id=gap_id):
            found = breaker.call(lambda: source.search(query, limit=PER_QUERY))
            spans.note(passages=len(found))
            return found
    except Invalid as error:  # this query and no other: the source is well
        LOG.warning("%s of %s: %s", source.name, tenant.name, error)
        return []


def choose(found: list[list[Passage]], queries: list[str]) -> list[tuple[Passage, str]]:
    """The best passages of each query, each once, with the query that ranked it highest; the first ones first."""
    chosen: dict[tuple[str, str], tuple[Passage, str]] = {}
    for rank in range(PER_QUERY):
        for passages, query in zip(found, queries, strict=False):
            if rank < len(passages):
                chosen.setdefault((passages[rank].url, passages[rank].text), (passages[rank], query))
    return list(chosen.values())[:PASSAGES]


def relevant(embedder: Embedder, chosen: list[tuple[Passage, str]]) -> list[tuple[Passage, str]]:
    """Those that are about their query, and of what two sources say alike the first.

    A source of few documents finds something for everything.
    """
    if not chosen:
        return []
    texts = [f"{passage.title}\n{' '.join(passage.text.split()[:WORDS])}" for passage, _ in chosen]
    queries = [query for _, query in chosen]
    vectors = embedder.embed(texts)
    relevance = (np.einsum("ij,ij->i", vectors, embedder.embed(queries)) + _shares(texts, queries)) / 2
    names = np.array([passage.source for passage, _ in chosen])
    kept: list[int] = []
    for row in np.flatnonzero(relevance >= LEAST_RELEVANCE).tolist():
        others = [before for before in kept if names[before] != names[row]]
        if not others or (vectors[others] @ vectors[row]).max() < ALIKE:
            kept.append(row)
    return [chosen[row] for row in kept]


def _shares(texts: list[str], queries: list[str]) -> Floats:
    """Of the idf mass of each query, the share that its text has, (n,) 0..1; frequencies are those in these texts."""
    lexical = Lexical()
    lexical.update(enumerate(texts))
    reader = lexical.reader()
    return np.array([reader.share(reader.terms(query), row) for row, query in enumerate(queries)])


def _keep(tenant: Tenant, gap: Gap, passages: list[tuple[Passage, str]]) -> str:
    """Entries of the passages, and the gap settled; applied at once where a person asked or the settings say so."""
    at = time.time_ns() // 1000
    kept: list[str] = []
    for passage, query in ((screen(one), query) for one, query in passages):
        if not passage.text:  # nothing but markup, or what nobody sees
            continue
        errand = Errand(query=query, gap=gap.id, batch=f"{gap.id}.{at}", adapter=f"{passage.source}/1")
        entry = from_passage(passage, at=at, errand=errand)
        near = disputes.near(entry, among=tenant.retrieval)
        if not _said_already(entry, near):
            taken_in = tenant.entries.add(entry)
            disputes.mark(tenant, taken_in, [*near, *filter(None, tenant.entries.many(kept))], at=at)
            kept.append(taken_in.id)
    outcome = "filled" if kept else "empty"
    about = {"tenant": tenant.name, "insight_id": gap.insight, "gap_id": gap.id, "entry_ids": kept}
    LOG.info("gap %s of %s: %d entries", gap.id, tenant.name, len(kept), extra=about)
    step = _step(outcome, f"{len(kept)} entries")
    _end(tenant, gap.id, step, status="proposed" if kept else "unfilled", entries=kept)
    if kept:
        _apply_if_wanted(tenant, gap, at=at)
    return outcome


def _said_already(new: Entry, near: Sequence[Hit]) -> bool:
    """Whether one of another text says the same in all but the same words; the text itself is no matter."""
    return all(known.text != new.text for known in near) and any(repeats(new, known) for known in near)


def _apply_if_wanted(tenant: Tenant, gap: Gap, *, at: int) -> None:
    if gap.insight is None:  # a person asked for this very search
        lifecycle.let_in(tenant, gap.id, at=at)
        return
    insight = tenant.insights.get(gap.insight)
    if insight is None:
        return
    if insight.status == "applied":  # before there was anything to let in
        lifecycle.let_in(tenant, gap.id, at=at)
    elif insight.status == "proposed":
        lifecycle.apply_if_sure(tenant, insight, at=at)


def _step(outcome: str, detail: str) -> Step:
    return Step(at=time.time_ns() // 1000, event=outcome, detail=detail)


def _end(tenant: Tenant, gap_id: str, step: Step, *, status: GapStatus, entries: Sequence[str] = ()) -> None:
    def change(old: Gap | None) -> Gap | None:
        if old is None or old.status != "filling":
            return None
        known = [*old.entries, *(entry for entry in entries if entry not in old.entries)]
        return in_scope(replace(old, status=status, entries=known, history=longer(old.history, step)))

    def counts(_old: Gap | None, _new: Gap) -> dict[str, int]:
        return {field("kaizen_gapfill_runs_total", outcome=step.event): 1}

    tenant.gaps.update(gap_id, change, counts=counts, rank=lifecycle.gap_rank)

"""The loop closed, half of the documents missing: what filling the gaps of half of the questions does for the others.

The documents that are missing lie in a folder. Half of the questions are asked; those that the knowledge base does not
seem to answer become gaps, by the look-up's own measures and without labels, and each is filled the way of
`trigger_gap_fill_with_breaker`. The other half of the questions is then looked up: how often is a passage that answers
among the first five, before, after, and with all documents there.
"""

import random
from math import fsum

import numpy as np
import pytest

from kaizen_api import KaizenConfig, jobs
from kaizen_worker.engine import fill
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.pipeline.gaps.coverage import answerable

BARS = {"covidqa": 0.62, "xquad-en": 0.98}
SEEDS = (0, 1, 2)
DEPTH = 5
SURE = 0.8
"""Probability of an answer from which no search is made: one too many costs a search, one too few the knowledge.

On covidqa .7 asks for 73 % of the questions and recovers .61, .8 for 83 % and .66, and asking for all of them .71.
"""


def halves(size, draw):
    """Which half of so many is chosen."""
    chosen = set(draw.sample(range(size), size // 2))
    return [place in chosen for place in range(size)]


def lay_out(folder, passages):
    """A document of each passage; its address and the passage's id."""
    folder.mkdir()
    for place, passage in enumerate(passages):
        (folder / f"{place}.md").write_text(f"# {passage.title}\n\n{passage.text}\n")
    return {f"file://{place}.md": passage.id for place, passage in enumerate(passages)}


def rate(retrieval, asked, addresses):
    """Share of the questions that are answered among the first."""
    retrieval.complete()
    found = [
        gold & {addresses.get(hit.provenance.url, hit.id) for hit in retrieval.search(question, limit=DEPTH)}
        for question, gold in asked
    ]
    return sum(map(bool, found)) / len(found)


def fill_gaps(tenant, questions):
    """Ask for what is not surely answered and have it searched for; share of the questions that was asked for."""
    vectors = tenant.runtime.embedder.embed(questions).astype(np.float16)
    sure = answerable(tenant.retrieval.served(questions, vectors)) >= SURE
    for question, answered in zip(questions, sure, strict=True):
        if not answered:
            jobs.fill_query(tenant.config, tenant.name, question)
    for gap in list(tenant.gaps.all()):
        fill.fill(tenant, gap.id)
    return 1 - sure.mean()


def close(seed, read, runtime, filled):
    """hit@5 before, after and with everything there, and the share of the questions that drove a search."""
    draw = random.Random(seed)
    missing, driving = halves(len(read.passages), draw), halves(len(read.questions), draw)
    parts = {part: [p for p, m in zip(read.passages, missing, strict=True) if m == part] for part in (True, False)}
    addresses = lay_out(runtime.config.documents_path, parts[True])
    asked = list(zip(read.questions, read.gold, strict=True))
    measured = [one for one, drives in zip(asked, driving, strict=True) if not drives]
    ceiling = rate(filled("ceiling", read.passages), measured, addresses)
    before = rate(filled("default", parts[False]), measured, addresses)
    tenant = runtime.tenant("default")
    share = fill_gaps(tenant, [question for (question, _), drives in zip(asked, driving, strict=True) if drives])
    return before, rate(tenant.retrieval, measured, addresses), ceiling, share


@pytest.fixture
def runtime_of(redis, config, embedder):
    """Gives the parts of a process that searches in that folder, on an empty server."""

    def make(folder):
        redis.flushall()
        runtime = Runtime(KaizenConfig(redis_url=config.redis_url, data_dir=config.data_dir, documents_path=folder))
        runtime.embedder = embedder
        return runtime

    return make


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", BARS)
def test_what_half_of_the_questions_find_serves_the_other_half(name, collection, filled, runtime_of, tmp_path):
    read, recovered = collection(name), []
    print()
    for seed in SEEDS:
        runtime = runtime_of(tmp_path / str(seed))
        before, after, ceiling, share = close(seed, read, runtime, filled)
        recovered.append((after - before) / (ceiling - before))
        print(
            f"{name}, seed {seed}: hit@{DEPTH} {before:.3f} before, {after:.3f} after, {ceiling:.3f} with everything; "
            f"recovered {recovered[-1]:.3f}, searching for {share:.0%} of the questions"
        )
    mean = fsum(recovered) / len(recovered)
    print(f"{name}: recovered {mean:.3f}")
    assert mean >= BARS[name]

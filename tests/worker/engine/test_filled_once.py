"""The same gap, and what is all but the same, is searched for once, however many processes race."""

import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from kaizen_api import jobs, keys
from kaizen_api.metrics import field
from kaizen_api.schema import Gap
from kaizen_api.stack.variables import variables
from kaizen_worker.engine import asked, fill

WORKERS = 4
WORDS = ["how", "do", "i", "freeze", "the", "card", "that", "was", "stolen", "today"]
ENDINGS = ["", "?", "!", "??", " ?", " please", " now", ".", "...", " again"]
PROGRAM = [sys.executable, str(Path(__file__).with_name("filling.py"))]


def count(redis, name, **labels):
    return int(redis.hget(keys.metrics("default"), field(name, **labels)) or 0)


def ask(redis, *queries):
    """Gaps of these queries, as `jobs.fill_query` opens them; their ids."""
    gaps = [Gap(id=f"g{number:016x}", topic="", diagnosis="missing", users=0, queries=[query])
            for number, query in enumerate(queries)]  # fmt: skip
    redis.hset(keys.objects("default", "gap"), mapping={gap.id: msgspec.msgpack.encode(gap) for gap in gaps})
    return [gap.id for gap in gaps]


@pytest.fixture
def fill_all(settings):
    """Has processes fill gaps at the same time, each what it is given, and gives what came of it."""

    def fill_all(shares):
        with ExitStack() as stack:
            started = [stack.enter_context(worker()) for _ in shares]
            for one in started:
                assert one.stdout.readline() == "ready\n"
            for one, share in zip(started, shares, strict=True):
                one.stdin.write("".join(f"{gap}\n" for gap in share))
                one.stdin.flush()
            return Counter(line.strip() for one in started for line in one.communicate()[0].splitlines())

    def worker():
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen(PROGRAM, env={**os.environ, **variables(settings)}, **pipes)

    return fill_all


def test_one_gap_is_filled_once_by_many_processes(tenant, redis, fill_all):
    (gap,) = ask(redis, "how do I freeze my stolen card")
    outcomes = fill_all([[gap] * 5] * WORKERS)
    assert outcomes == {"filled": 1, "settled": 5 * WORKERS - 1}
    assert count(redis, "kaizen_gapfill_triggers") == count(redis, "kaizen_gapfill_runs_total", outcome="filled") == 1
    filled = tenant.gaps.get(gap)
    assert filled.status == "filled"
    assert [step.event for step in filled.history].count("filled") == 2, "searched for, and let in"
    assert len(filled.entries) == len(list(tenant.entries.all())) == count(redis, "kaizen_knowledge_base_size")


def variant(number):
    """One of 10,240 ways to write it: shouted words, and a sign or a word more."""
    shouted = (word.upper() if number >> place & 1 else word for place, word in enumerate(WORDS))
    return " ".join(shouted) + ENDINGS[number >> len(WORDS)]


@pytest.mark.timeout(600)
def test_ten_thousand_that_are_all_but_the_same_make_one_search(tenant, redis, fill_all):
    gaps = ask(redis, *(variant(number) for number in range(10_000)))
    outcomes = fill_all([gaps[place::WORKERS] for place in range(WORKERS)])
    assert outcomes == {"filled": 1, "settled": 9_999}
    assert count(redis, "kaizen_gapfill_triggers") == 1
    states = Counter(gap.status for gap in tenant.gaps.all())
    assert states == {"filled": 1, "closed": 9_999}
    (first,) = [gap.id for gap in tenant.gaps.all() if gap.status == "filled"]
    assert {gap.history[-1].detail for gap in tenant.gaps.all()} - {tenant.gaps.get(first).history[-1].detail} == {
        f"asked before, as gap {first}"
    }


def test_what_is_different_is_searched_for_and_a_search_that_failed_is_tried_again(tenant, redis, documents):
    gaps = ask(redis, "how do I freeze my stolen card", "how is cheese made of milk")
    hidden = documents.rename(documents.with_name("hidden"))
    assert fill.fill(tenant, gaps[0]) == "failed"
    said = tenant.gaps.get(gaps[0]).history[-1]
    assert repr(documents.name) in said.detail
    assert "tried again" in said.detail
    hidden.rename(documents)
    assert [fill.fill(tenant, gap) for gap in gaps] == ["filled", "filled"]


def test_only_the_latest_searches_are_compared_with(tenant, redis, monkeypatch):
    monkeypatch.setattr(asked, "REMEMBERED", 1)
    gaps = ask(redis, "how do I freeze my stolen card", "how is cheese made", "how do I freeze my stolen card?")
    assert [fill.fill(tenant, gap) for gap in gaps] == ["filled"] * 3


def test_the_same_question_again_is_the_same_gap(tenant, settings):
    for _ in range(3):
        jobs.fill_query(settings, "default", "how do I freeze my stolen card")
    assert len(list(tenant.gaps.all())) == 1

"""The command line as a user has it: its own folder, its settings from variables."""

import json
import time

import msgspec
import pytest
from click.testing import CliRunner

from kaizen_api import keys
from kaizen_api.cli.root import build
from kaizen_api.schema import Effect, Entry, Gap, Insight, Interval, Provenance, Step, Topic

AT = 1_700_000_000_000_000


@pytest.fixture(autouse=True)
def _zone():
    """Where the terminal is: an hour east of Greenwich."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "CET-1")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def kaizen(redis, server, tmp_path, monkeypatch):
    """Runs a command in this process against the real server."""
    del redis  # it is empty now
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")  # else long lines are folded
    monkeypatch.setenv("KAIZEN_REDIS_URL", server)
    monkeypatch.setenv("KAIZEN_DATA_DIR", str(tmp_path / "data"))

    def run(*args):
        return CliRunner().invoke(build(), [str(arg) for arg in args])

    return run


@pytest.fixture
def kaizen_json(kaizen):
    """The same with --json: the one document on standard output."""

    def run(*args, status=0):
        result = kaizen(*args, "--json")
        assert result.exit_code == status, result.stderr
        return json.loads(result.stdout)

    return run


@pytest.fixture
def put(redis):
    def put(kind, thing, rank=1.0):
        redis.hset(keys.objects("default", kind), thing.id, msgspec.msgpack.encode(thing))
        redis.zadd(keys.order("default", kind), {thing.id: rank})

    return put


@pytest.fixture
def found():
    """Insights, gaps, entries and effects of their id, with what else is given."""
    interval = Interval(estimate=0.25, low=0.2, high=0.3, unit="share")
    known = {
        "insight": Insight(
            id="i1",
            type="performance",
            description="slow answers",
            confidence=0.93,
            effect=interval,
            evidence=["x1", "x2"],
            recommendation="cache them",
            topic="t1",
            support=40,
            users=7,
            history=[Step(at=AT, event="proposed")],
        ),
        "gap": Gap(id="g1", topic="t1", diagnosis="stale", users=4, queries=["pin reset"], deficit=0.3, coverage=0.9),
        "entry": Entry(
            id="e1",
            title="How to reset a PIN",
            text="In the app.",
            state="quarantined",
            provenance=Provenance(source="folder", url="cards.md", retrieved_at=AT, content_hash="0" * 64, gap="g1"),
        ),
        "effect": Effect(
            id="i1",
            insight="i1",
            topic="t1",
            applied_at=AT,
            exposed=80,
            exposed_failures=8.0,
            held_out=20,
            held_out_failures=9.5,
            difference=msgspec.structs.replace(interval, estimate=-0.375, low=-0.5, high=-0.25),
            p_value=0.004,
            verdict="confirmed",
        ),
    }
    return lambda kind, **changed: msgspec.structs.replace(known[kind], **changed)


@pytest.fixture
def topics(redis):
    card = Topic(id="t1", name="card pin", size=60, failure_rate=0.5, exemplars=["reset my pin", "new pin"], share=0.6)
    card = msgspec.structs.replace(card, users=9, response_time_p50=0.8123, response_time_p95=12.0)
    card.signs = {"error": 0.05, "rephrase": 0.125}
    refund = Topic(id="t2", name="refund", size=40, failure_rate=0.1, exemplars=["money back"], share=0.4, parent="t1")
    redis.hset(keys.snapshot("default"), "topics", msgspec.msgpack.encode([card, refund]))

"""What the contract promises to those who write code: each snippet runs as it is written there."""

import asyncio
import json
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI

from kaizen_api import keys
from kaizen_api.stack.variables import variables


@pytest.fixture(autouse=True)
def _environment(config, monkeypatch, tmp_path):
    """The settings as a process would have them."""
    monkeypatch.chdir(tmp_path)
    for name, value in variables(config).items():
        monkeypatch.setenv(name, value)


def test_a_producer_pushes(redis):
    from kaizen_api import Interaction, KaizenConfig, Producer

    with Producer(KaizenConfig.from_env(), tenant="acme") as kaizen:
        kaizen.push(Interaction(query="How do I reset my card PIN?", response="...", response_time=1.2))

    assert redis.xlen(keys.stream("acme")) == 1


async def test_an_async_producer_pushes_alike(redis):
    from kaizen_api import AsyncProducer, Interaction, KaizenConfig

    async with AsyncProducer(KaizenConfig.from_env(), tenant="acme") as kaizen:
        await kaizen.push(Interaction(query="How do I reset my card PIN?", response="...", response_time=1.2))

    assert redis.xlen(keys.stream("acme")) == 1


async def test_a_gap_is_filled_through_a_breaker(redis):
    from kaizen_worker.breaker import CircuitBreaker, trigger_gap_fill_with_breaker

    breaker = CircuitBreaker(failure_threshold=3, recovery_timeout=300)
    triggered = await trigger_gap_fill_with_breaker(breaker, query="some gap")

    assert triggered.accepted
    assert redis.hlen(keys.objects("default", "gap")) == 1
    assert not breaker.is_open
    for _ in range(3):
        assert breaker.can_execute()
        breaker.call_failed()
    assert breaker.is_open
    refused = await trigger_gap_fill_with_breaker(breaker, query="another gap")
    assert not refused.accepted
    assert refused.retry_after > 0
    assert redis.hlen(keys.objects("default", "gap")) == 1


async def test_a_knowledge_base_is_rotated(tmp_path):
    from kaizen_worker.knowledge import KnowledgeBaseRotator

    kb_path = tmp_path / "kb.jsonl"
    kb_path.write_text('{"title": "PIN", "text": "Reset it in the app."}\n')
    done = await KnowledgeBaseRotator(kb_path, keep_days=30).rotate_if_needed()

    assert (done.outcome, done.records) == ("rotated", 1)
    again = await KnowledgeBaseRotator(kb_path, keep_days=30).rotate_if_needed()
    assert (again.outcome, again.archive) == ("current", done.archive)


async def test_the_engine_runs_in_process_and_serves_its_metrics():
    from kaizen_api import Interaction, KaizenConfig, Producer
    from kaizen_api.metrics import create_metrics_app, metrics_router
    from kaizen_worker.engine import KaizenEngine

    kaizen_engine = KaizenEngine(KaizenConfig.from_env(use_celery_tasks=False))
    await kaizen_engine.start()
    try:
        with Producer(kaizen_engine.config) as kaizen:
            for number in range(60):
                kaizen.push(
                    Interaction(
                        query=f"Why is my transfer number {number} so slow today?",
                        id=str(number),
                        user_id=f"u{number}",
                        occurred_at=datetime.fromtimestamp(1_700_000_000 + number * 60, UTC),
                        response_time=9.5,
                    )
                )
        cycle = await kaizen_engine.analyze()
        assert (cycle.status, cycle.interactions) == ("done", 60)
        insights = await kaizen_engine.get_insights()
        slow = next(insight for insight in insights if insight.type == "performance")
        applied = await kaizen_engine.apply_insight(slow.id)
        assert applied.status == "applied"

        app = create_metrics_app(kaizen_engine)
        mine = FastAPI()
        mine.include_router(metrics_router)
        for served in (app, mine):
            transport = httpx.ASGITransport(app=served)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                text = (await client.get("/kaizen/metrics")).text
                assert 'kaizen_interactions_total{outcome="ok"} 60.0' in text
                assert "kaizen_avg_response_time_seconds 9.5" in text
                assert "kaizen_insights_applied 1.0" in text
                assert (await client.get("/kaizen/health")).status_code == 200
    finally:
        await kaizen_engine.stop()


async def test_the_engine_starts_a_server_of_its_own(tmp_path, wait_until):
    from kaizen_api import Interaction, KaizenConfig, Producer
    from kaizen_worker.engine import KaizenEngine

    config = KaizenConfig(data_dir=tmp_path, use_celery_tasks=False, embedder="static")
    async with KaizenEngine(config) as engine:
        with Producer(config) as kaizen:
            kaizen.push(Interaction(query="alone"))
        cycle = await engine.analyze()
        assert (cycle.status, cycle.interactions) == ("insufficient_data", 1)
    await asyncio.to_thread(wait_until, lambda: not (tmp_path / "redis.sock").exists())


def test_the_legacy_dict_is_plain():
    from kaizen_api import KaizenConfig

    config = KaizenConfig.from_env()
    assert KaizenConfig(**json.loads(json.dumps(config.to_legacy_dict()))) == config

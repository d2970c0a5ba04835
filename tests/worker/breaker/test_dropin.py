"""The search for one gap through a breaker, with a real broker and without."""

import asyncio
import json
import subprocess
import sys

import msgspec
import pytest

from kaizen_api import jobs, keys
from kaizen_api.config import KaizenConfig
from kaizen_api.errors import BreakerOpen, Invalid
from kaizen_api.intake import Intake
from kaizen_api.producer.batch import user_key
from kaizen_api.schema import Interaction
from kaizen_api.voices import A_DAY
from kaizen_worker.breaker import CircuitBreaker, countdown, trigger_gap_fill_with_breaker


@pytest.fixture
def config(own_server, tmp_path):
    return KaizenConfig(redis_url=f"unix://{own_server.socket}", data_dir=tmp_path, tenant="acme")


async def test_it_enqueues_one_job(make, config, own_server):
    done = await trigger_gap_fill_with_breaker(make(), query="some gap", config=config)
    assert done.accepted
    (message,) = own_server.client().lrange(keys.BROKER_PREFIX + jobs.WORK_QUEUE, 0, -1)
    headers = json.loads(message)["headers"]
    assert (headers["id"], headers["task"]) == (done.job, jobs.FILL)
    assert own_server.client().smembers(keys.TENANTS) == {b"acme"}


async def test_a_broker_that_is_away_opens_it(make, config, tmp_path):
    away = KaizenConfig(redis_url=f"unix://{tmp_path}/nobody", data_dir=tmp_path)
    breaker = make(2, 300)
    for _ in range(2):
        refused = await trigger_gap_fill_with_breaker(breaker, query="some gap", config=away)
        assert not refused.accepted
        assert "answer" in refused.reason
    rejected = await trigger_gap_fill_with_breaker(breaker, query="some gap", config=config)
    assert (rejected.accepted, rejected.job) == (False, None)
    assert 200 < rejected.retry_after <= 300
    assert "open" in rejected.reason


async def test_an_open_breaker_enqueues_nothing(make, config, own_server):
    breaker = make(1)
    breaker.call_failed()
    assert not (await trigger_gap_fill_with_breaker(breaker, query="some gap", config=config)).accepted
    assert not own_server.client().keys()


async def test_another_tenant_can_be_named(make, config, own_server):
    await trigger_gap_fill_with_breaker(make(), query="some gap", config=config, tenant="zeta")
    assert own_server.client().smembers(keys.TENANTS) == {b"zeta"}


@pytest.fixture
def ask(make, config):
    """Asks for a search as a user; one failure would open the breaker."""
    breaker = make(1)

    async def ask(number, user_id="eve"):
        return await trigger_gap_fill_with_breaker(breaker, query=f"gap {number}", config=config, user_id=user_id)

    return ask


async def test_one_user_drives_so_many_searches_a_day_and_no_breaker_opens(ask, own_server):
    client = own_server.client()
    assert all([(await ask(number)).accepted for number in range(A_DAY)])
    refused = await ask(A_DAY)
    assert (refused.accepted, refused.job) == (False, None)
    assert "tomorrow" in refused.reason
    assert 0 < refused.retry_after <= 86_400
    assert client.hlen(keys.objects("acme", "gap")) == A_DAY
    assert (await ask(0)).accepted  # is searched for already, and the breaker is closed
    assert (await ask(A_DAY, user_id="ann")).accepted
    assert (await ask(A_DAY)).accepted  # ann's
    assert not (await ask(A_DAY + 1)).accepted
    assert client.llen(keys.BROKER_PREFIX + jobs.WORK_QUEUE) == A_DAY + 3


async def test_no_race_lets_one_more_through(ask):
    done = await asyncio.gather(*(ask(number) for number in range(A_DAY + 10)))
    assert sum(each.accepted for each in done) <= A_DAY


async def test_the_same_gap_asked_for_at_once_slips_past_no_limit(ask):
    assert all([(await ask(number)).accepted for number in range(A_DAY)])
    done = await asyncio.gather(*(ask(A_DAY) for _ in range(30)))
    assert not any(each.accepted for each in done)


@pytest.mark.parametrize("user_id", ["", "x" * 257, 5, "\ud800"], ids=["empty", "long", "number", "half"])
async def test_what_is_no_user_is_told_and_opens_nothing(ask, own_server, user_id):
    with pytest.raises(Invalid, match=r"user_id|surrogate"):
        await ask(0, user_id=user_id)
    assert not own_server.client().hlen(keys.objects("acme", "gap"))
    assert (await ask(0)).accepted


async def test_who_asks_is_charged_under_the_name_that_the_log_has(ask, config, own_server):
    await ask(0)
    client = own_server.client()
    (key,) = client.keys("*:voices:*")
    assert 0 < client.ttl(key) <= 2 * 86_400
    (people,) = map(msgspec.msgpack.decode, client.hvals(key))
    logged = Intake(user_key(client, config)).record(Interaction(query="any", user_id="eve"))
    assert people == [f"u:{logged.user}"]


def test_celery_is_loaded_only_to_enqueue():
    program = "import sys, kaizen_worker.breaker; sys.exit('celery' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_its_defaults_are_the_configured_ones(monkeypatch):
    monkeypatch.setenv("KAIZEN_GAP_FILL_MAX_RETRIES", "7")
    monkeypatch.setenv("KAIZEN_GAP_FILL_BACKOFF_SECONDS", "77")
    settings = CircuitBreaker().settings
    assert (settings.failure_threshold, settings.recovery_timeout) == (7, 77)
    settings = CircuitBreaker(2, 20).settings
    assert (settings.failure_threshold, settings.recovery_timeout) == (2, 20)


@pytest.mark.parametrize(("asked", "least", "most"), [(100, 100, 110), (0, 0, 0), (1e9, 3600, jobs.VISIBILITY_TIMEOUT)])
def test_a_task_is_tried_again_after_what_was_asked_and_before_it_is_delivered_again(asked, least, most):
    waits = {countdown(BreakerOpen("open", retry_after=asked)) for _ in range(50)}
    assert least <= min(waits) <= max(waits) <= most
    assert max(waits) < jobs.VISIBILITY_TIMEOUT
    assert (len(waits) > 1) == (asked == 100)

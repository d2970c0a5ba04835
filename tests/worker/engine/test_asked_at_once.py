"""Analyses that are asked for while one waits to begin are that one."""

from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from kaizen_api import analyses, keys
from kaizen_api.queries import Queries


def _cycles(tenant):
    return Queries(tenant.redis, tenant="default").page("cycle").items


def test_six_asked_for_at_once_are_one(tenant):
    settings = tenant.config
    with ThreadPoolExecutor(6) as pool:
        asked = list(pool.map(lambda _: analyses.request(settings, tenant="default"), range(6)))
    assert len({one.id for one in asked}) == 1
    assert [one.id for one in _cycles(tenant)] == [asked[0].id]
    assert sum(tenant.redis.llen(name) for name in tenant.redis.scan_iter(f"{keys.BROKER_PREFIX}*", _type="list")) == 1


def test_while_one_runs_the_next_waits_and_is_joined(tenant):
    settings = tenant.config
    first = analyses.request(settings, tenant="default")
    tenant.cycles.update(first.id, lambda old: replace(old, status="running"), counts=lambda *_: {}, rank=lambda _: 1.0)
    second = analyses.request(settings, tenant="default")
    assert second.id != first.id
    assert analyses.request(settings, tenant="default").id == second.id
    assert analyses.request(settings, tenant="other").id not in {first.id, second.id}


def test_what_was_cancelled_is_not_joined(tenant):
    first = analyses.request(tenant.config, tenant="default")
    analyses.cancel(tenant.config, tenant="default", cycle_id=first.id)
    assert analyses.request(tenant.config, tenant="default").id != first.id


def test_what_beat_asks_for_stays_its_own(tenant):
    first = analyses.request(tenant.config, tenant="default")
    due = [analyses.request(tenant.config, tenant="default", due=7) for _ in range(2)]
    assert {one.id for one in due} == {"y7beat"}
    assert len(_cycles(tenant)) == 2
    assert first.id in {one.id for one in _cycles(tenant)}

"""What the breakers of a tenant do is counted for the tenant and for all."""

import pytest

from kaizen_api import keys
from kaizen_api.errors import BreakerOpen
from kaizen_api.metrics import field


def counted(redis, name, **labels):
    series = field(name, breaker="default/docs", **labels)
    both = {int(redis.hget(key, series) or 0) for key in (keys.metrics("default"), keys.ROLLUP)}
    (count,) = both
    return count


def test_events_and_transitions_are_counted(tenant, redis):
    breaker = tenant.breaker("docs")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), breaker.guard():
            raise ZeroDivisionError
    assert counted(redis, "kaizen_breaker_transitions_total", state="open") == 1
    assert counted(redis, "kaizen_breaker_events_total", event="admitted") == 3
    with pytest.raises(BreakerOpen):
        breaker.admit()
    breaker.close()  # a change of state takes along what waits
    assert counted(redis, "kaizen_breaker_events_total", event="rejected") == 1
    assert counted(redis, "kaizen_breaker_transitions_total", state="closed") == 1

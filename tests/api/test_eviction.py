import pytest

from kaizen_api.errors import Conflict, Unavailable
from kaizen_api.eviction import refuse_eviction
from kaizen_api.stack import Stack


@pytest.fixture
def evicting(redis):
    redis.config_set("maxmemory-policy", "allkeys-lru")
    yield
    redis.config_set("maxmemory-policy", "noeviction")


def test_a_server_that_keeps_everything_is_taken(config):
    refuse_eviction(config)


@pytest.mark.usefixtures("evicting")
def test_one_that_may_drop_something_is_refused_with_the_reason(config):
    with pytest.raises(Conflict, match=r"allkeys-lru: set `maxmemory-policy noeviction` there"):
        refuse_eviction(config)


@pytest.mark.usefixtures("evicting")
def test_nothing_starts_on_it(config, tmp_path):
    with Stack(config, log=tmp_path / "log") as stack, pytest.raises(Conflict, match="allkeys-lru"):
        stack.start()


def test_one_that_is_away_is_told_of_as_such(unreachable_config):
    with pytest.raises(Unavailable, match="does not answer"):
        refuse_eviction(unreachable_config)

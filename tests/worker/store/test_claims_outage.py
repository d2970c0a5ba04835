"""A claim whose server is away when the job ends: the job need not wait until it runs out."""

import os
import signal

import pytest
from redis import ConnectionError as AwayError
from redis import Redis, RedisError

from kaizen_api import keys
from kaizen_api.processes import Processes
from kaizen_api.server import server_binary, start_server
from kaizen_worker.store.claims import taken

SECONDS = 600


def test_a_claim_is_given_back_when_the_server_is_there_again(tmp_path, wait_until):
    with Processes() as processes:
        url = start_server(processes, tmp_path / "server", log=tmp_path / "log")
        with Redis.from_url(url) as redis:
            with pytest.raises(AwayError):
                lose_the_server(redis, processes, wait_until)
            processes.start("redis", [server_binary(), str(tmp_path / "server" / "redis.conf")], log=tmp_path / "log")
            wait_until(lambda: answers(redis))
            wait_until(lambda: not redis.exists(keys.claim("a", "cycle:1")), seconds=20)


def lose_the_server(redis, processes, wait_until):
    """In the middle of a job."""
    with taken(redis, tenant="a", job="cycle:1", seconds=SECONDS) as claim:
        assert claim
        assert redis.ttl(keys.claim("a", "cycle:1")) > SECONDS // 2
        os.kill(processes.pids["redis"], signal.SIGKILL)
        wait_until(lambda: "redis" not in processes.pids)
        redis.ping()


def answers(redis):
    try:
        return redis.ping()
    except RedisError:
        return False

"""The engine inside an application: it needs nobody, and says so where it does."""

import os
import signal

import pytest

from kaizen_api import KaizenConfig
from kaizen_api.errors import Unavailable
from kaizen_api.processes import Processes
from kaizen_api.queries import Queries
from kaizen_api.server import start_server
from kaizen_worker.engine import KaizenEngine


async def test_without_workers_an_analysis_by_workers_is_refused_at_once(settings, redis):
    async with KaizenEngine(settings.model_copy(update={"use_celery_tasks": True})) as engine:
        with pytest.raises(Unavailable, match="use_celery_tasks=False"):
            await engine.analyze()
    assert Queries(redis, tenant="default").page("cycle").items == []


async def test_what_a_killed_server_left_is_no_server(tmp_path, wait_until):
    config = KaizenConfig(data_dir=tmp_path, embedder="static", use_celery_tasks=False)
    with Processes() as processes:
        start_server(processes, tmp_path, log=tmp_path / "log", persistent=False)
        os.kill(processes.pids["redis"], signal.SIGKILL)
        wait_until(lambda: not processes.pids)
        assert (tmp_path / "redis.sock").exists()
        async with KaizenEngine(config) as engine:
            assert await engine.get_insights() == []

"""KaizenEngine: the whole loop inside one process, for applications that run no workers."""

import asyncio
import time
from types import TracebackType
from typing import Self

from kaizen_api import analyses, jobs
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import redis_url
from kaizen_api.errors import Conflict, Unavailable
from kaizen_api.processes import Processes
from kaizen_api.queries import Queries
from kaizen_api.schema import Cycle, Insight
from kaizen_api.server import start_server
from kaizen_worker.engine import cycle, fill, lifecycle, live
from kaizen_worker.engine.runtime import Runtime, Tenant

_CYCLE_SECONDS = 3600.0


class KaizenEngine:
    """Starts, analyses, applies; results are the same as with workers.

    Without a configured Redis it runs a server of its own in the data directory, which ends with this process. Also
    serves as the source of `create_metrics_app`.

    Args:
        config: Default: that of the environment.
        tenant: Default: `config.tenant`.
    """

    def __init__(self, config: KaizenConfig | None = None, *, tenant: str | None = None) -> None:
        self.config = config or KaizenConfig.from_env()
        self.tenant = tenant or self.config.tenant
        self._processes: Processes | None = None
        self._runtime: Runtime | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect, and start a server if none is configured and none runs; a second time changes nothing.

        Raises:
            Unavailable: there is no server and none could be started.
        """
        if self._runtime is None:
            await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Close what `start` opened; a second time changes nothing."""
        if self._runtime is not None:
            await asyncio.to_thread(self._runtime.redis.close)
            self._runtime = None
        if self._processes is not None:
            await asyncio.to_thread(self._processes.close)
            self._processes = None

    async def analyze(self) -> Cycle:
        """Take in what waits in the stream, then one cycle with its searches.

        With `use_celery_tasks` workers do both, and somebody must have started them; else it happens here.

        Returns:
            The cycle when it has ended.

        Raises:
            Conflict: the engine is not started.
            Unavailable: Redis does not answer, no worker does, or the workers took over an hour.
        """
        return await asyncio.to_thread(self._analyze)

    async def get_insights(self, *, limit: int = 50, status: str | None = None) -> list[Insight]:
        """Insights, what was seen last first."""

        def matches(insight: Insight) -> bool:
            return status is None or insight.status == status

        queries = Queries(self._parts.redis, tenant=self.tenant)
        page = await asyncio.to_thread(queries.page, "insight", limit=limit, where=matches)
        return page.items

    async def apply_insight(self, insight_id: str) -> Insight:
        """Let an insight take effect.

        Raises:
            NotFound: there is none under that id.
        """
        at = time.time_ns() // 1000
        return await asyncio.to_thread(lifecycle.apply, self._parts, insight_id, at=at)

    @property
    def _parts(self) -> Tenant:
        if self._runtime is None:
            raise Conflict(
                "the engine is not started: `await engine.start()`, or `async with KaizenEngine() as engine`"
            )
        return self._runtime.tenant(self.tenant)

    def _start(self) -> None:
        try:
            redis_url(self.config)
        except Unavailable:
            self._processes = Processes()
            folder = self.config.data_dir
            folder.mkdir(parents=True, exist_ok=True)
            start_server(self._processes, folder, log=folder / "redis.log", appendfsync=self.config.appendfsync)
        self._runtime = Runtime(self.config)

    def _analyze(self) -> Cycle:
        tenant = self._parts
        if self.config.use_celery_tasks:
            return self._wait(self._ask_workers())
        while live.consume(tenant, place="0"):
            pass
        asked = analyses.note(self.config, tenant=self.tenant)
        for gap_id in cycle.analyze(tenant, asked.id):
            fill.fill(tenant, gap_id)
        return self._wait(asked)

    def _ask_workers(self) -> Cycle:
        if not jobs.answering_workers(self.config):
            raise Unavailable(
                "no worker answers: start some (`kaizen worker`, `kaizen beat`), or set use_celery_tasks=False"
            )
        return analyses.request(self.config, tenant=self.tenant)

    def _wait(self, asked: Cycle) -> Cycle:
        deadline = time.monotonic() + _CYCLE_SECONDS
        while time.monotonic() < deadline:
            present = self._parts.cycles.get(asked.id)
            if present is not None and present.status not in {"queued", "running"}:
                return present
            time.sleep(0.1)
        raise Unavailable(f"cycle {asked.id} is not done after {_CYCLE_SECONDS:.0f} s: are workers running?")

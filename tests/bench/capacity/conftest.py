"""An installation of real processes on one server, and what each of them has cost so far."""

import importlib
import os
import socket
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from redis import Redis

from kaizen_api import Interaction, KaizenConfig, keys, stack
from kaizen_api.jobs import answering_workers
from kaizen_api.processes import Processes
from kaizen_api.server import start_server
from kaizen_api.stack.services import Service, api, exporter, worker

ANSWER = "It is done in the settings, under the second heading. " * 6
QUIET = {"analysis_interval": 86_400, "min_data_points": 1000}
SERVER = ("cpu", "to Redis", "from Redis", "commands")


class Installation:
    """What the benchmark started: its settings, a client, the pids by name.

    Args:
        folder: Where the processes log.
    """

    def __init__(self, config: KaizenConfig, redis: Redis, folder: Path, processes: Processes) -> None:
        self.config, self.redis, self.pids = config, redis, dict[str, int]()
        self._folder, self._processes = folder, processes

    def start(self, service: Service) -> None:
        """One of Kaizen's processes."""
        path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
        own = {**path, **stack.variables(self.config), **service.variables}
        log = self._folder / service.name
        self.pids[service.name] = self._processes.start(service.name, list(service.argv), log=log, env=own)

    def cpu(self, name: str) -> float:
        """Processor time of a process and of all below it, s."""
        return tree_cpu(self.pids[name])

    def scheduled(self, name: str) -> tuple[float, float]:
        """Of a worker's process that does the jobs: on a processor, and waiting for one, s."""
        parent = self.pids[name]
        [child] = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        ran, waited, _ = map(int, Path(f"/proc/{child}/schedstat").read_text().split())
        return ran / 1e9, waited / 1e9

    def server(self) -> dict[str, float]:
        """Of Redis so far: processor time in s, bytes, commands with those in scripts."""
        used, stats = self.redis.info("cpu"), self.redis.info("stats")
        cpu = used["used_cpu_user"] + used["used_cpu_sys"]
        counts = ("total_net_input_bytes", "total_net_output_bytes", "total_commands_processed")
        return dict(zip(SERVER, (cpu, *(float(stats[name]) for name in counts)), strict=True))

    def waits(self, *tenants: str) -> int:
        """Interactions that are not committed."""
        return sum(self.redis.xlen(keys.stream(tenant)) for tenant in tenants)


def tree_cpu(pid: int) -> float:
    """Processor time of a process and of all below it, those that ended included, s."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, parts[11:15])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(tree_cpu(int(child)) for child in children)


def questions(name: str, number: int) -> list[Interaction]:
    """So many interactions of 60 bytes asked and 320 answered, each question another."""
    return [
        Interaction(
            query=f"How do I change part {part} of order {name} {part * 7919 % 100_003}?",
            response=ANSWER,
            response_time=1.0,
            session_id=f"s{part // 3}",
            user_id=f"u{part // 5}",
        )
        for part in range(number)
    ]


@pytest.fixture(scope="session", name="questions")
def _questions() -> Callable[[str, int], list[Interaction]]:
    return questions


@pytest.fixture(scope="session")
def queueing() -> Iterator[ModuleType]:
    """The simulation beside this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        yield importlib.import_module("queueing")


@pytest.fixture(scope="session")
def tree() -> Callable[[int], float]:
    """Processor time of a process and of all below it."""
    return tree_cpu


@pytest.fixture
def installation(tmp_path, wait_until) -> Iterator[Callable[..., Installation]]:
    """Starts API, exporter, so many workers, and what else is named; all end with the test."""
    with Processes() as processes:
        url = start_server(processes, tmp_path, log=tmp_path / "log")
        with Redis.from_url(url) as client:
            ports = dict(zip(("api_port", "prometheus_port", "flower_port"), _free_ports(3), strict=True))

            def begin(*services: Service, workers: int, **settings: Any) -> Installation:
                config = KaizenConfig(redis_url=url, data_dir=tmp_path, workers=workers, **QUIET, **ports, **settings)
                made = Installation(config, client, tmp_path, processes)
                for service in (api(config), exporter(config), *services, *map(worker, range(1, workers + 1))):
                    made.start(service)
                wait_until(lambda: len(answering_workers(config)) == workers, seconds=120)
                wait_until(lambda: _listens(config.api_port) and _listens(config.prometheus_port), seconds=120)
                return made

            yield begin


def _free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def spread(ratios: list[float]) -> str:
    """Median, and the least and most."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


@pytest.fixture(scope="session", name="spread")
def _spread() -> Callable[[list[float]], str]:
    return spread

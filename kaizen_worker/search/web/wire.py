"""Connections that are checked where they are made, and end when their time is over."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any

import httpcore

from kaizen_api.errors import Unavailable
from kaizen_worker.search.web.addresses import is_public

Resolve = Callable[[str, int], list[str]]
"""Host and port to addresses, in the order in which to try them; OSError where there are none."""


def system(host: str, port: int) -> list[str]:
    """The addresses that the system knows."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class Deadline:
    """A moment by which everything is over.

    Args:
        seconds: From now.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds; never 0.

        Raises:
            httpcore.TimeoutException: There are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline is over")
        return left


class Wire(httpcore.NetworkBackend):
    """Connects to the very addresses that it checked: a name that changes its answer changes nothing.

    Args:
        deadline: Of everything on the connections.
        foreign: Whether only public addresses may be reached.
        resolve: What looks up names.
        sockets: What connects to addresses.
    """

    def __init__(
        self, deadline: Deadline, *, foreign: bool, resolve: Resolve, sockets: httpcore.NetworkBackend
    ) -> None:
        self._deadline = deadline
        self._foreign = foreign
        self._resolve = resolve
        self._sockets = sockets

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  # the deadline is what counts
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address that takes one.

        Raises:
            Unavailable: The host has an address that must not be reached.
        """
        trouble: Exception = httpcore.ConnectError("no address")
        for address in self._checked(host, port):
            try:
                stream = self._sockets.connect_tcp(address, port, self._deadline.left(), local_address, socket_options)
            except httpcore.ConnectError as error:
                trouble = error
            else:
                return _Stream(stream, self._deadline)
        raise trouble

    def _checked(self, host: str, port: int) -> list[str]:
        addresses = _in_time(lambda: self._resolve(host, port), self._deadline)
        if self._foreign and not all(map(is_public, addresses)):
            raise Unavailable(f"{host} has an address that is not public")
        return addresses


class _Stream(httpcore.NetworkStream):
    """A stream whose every step has what is left of the deadline: one byte in time does not buy another one."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  # likewise
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  # likewise
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  # likewise
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _in_time(look_up: Callable[[], list[str]], deadline: Deadline) -> list[str]:
    """A look-up of the system knows no deadline, so it gets a thread that may be left behind."""
    found: SimpleQueue[list[str] | OSError] = SimpleQueue()

    def run() -> None:
        try:
            found.put(look_up())
        except (OSError, UnicodeError) as error:
            found.put(OSError(str(error)))

    threading.Thread(target=run, name="look-up", daemon=True).start()
    try:
        answer = found.get(timeout=deadline.left())
    except Empty:
        raise httpcore.ConnectTimeout("the look-up of the name took too long") from None
    if isinstance(answer, OSError):
        raise httpcore.ConnectError("the host is not known") from None
    return answer

"""Script calls over connections of our own: packed once, written once, their answer read as it stands.

Of a call by redis-py most of the time goes into its layers, not to the server. Guarantees: every wait has the
connection's time-out; a connection is used by one call at a time, and one whose answer was not read to its end, for
whatever reason (a time-out, a signal, a soft time limit), is closed and never used again; one that the server closed
in the meantime is found out before anything is sent, so that no call is sent twice.
"""

import os
import select
from collections.abc import Sequence
from typing import Any

from redis import Connection, ConnectionPool, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import NoScriptError, ResponseError

from kaizen_worker.breaker.scripts import Argument, Script

_PLAIN: tuple[type, ...] = (Connection, UnixDomainSocketConnection)
_ENOUGH = 4096  # bytes; an answer has at most thirteen numbers


class Wire:
    """Calls to one server.

    Args:
        pool: How to connect: address, credentials, time-outs. None of its connections is used.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._idle: list[_Line] = []  # appending and popping are atomic
        self._pid = os.getpid()

    @staticmethod
    def fits(pool: ConnectionPool) -> bool:
        """Whether it can be used: not with TLS, whose sockets hold back bytes, nor with connections of other makes."""
        return pool.connection_class in _PLAIN

    def run(self, script: Script, args: Sequence[Argument]) -> list[int]:
        """Run the script by its hash; where the server does not know it (restart, `SCRIPT FLUSH`), by its text.

        Raises:
            RedisError, OSError: no answer, or an error.
        """
        line = self._take()
        try:
            try:
                reply = line.ask(script.pack(args))
            except NoScriptError:
                reply = line.ask(script.pack(args, by_text=True))
        except BaseException:
            line.close()
            raise
        self._idle.append(line)
        return reply

    def _take(self) -> "_Line":
        if self._pid != os.getpid():  # forked: the parent goes on using its own
            self._idle, self._pid = [], os.getpid()
        while self._idle:
            try:
                line = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if line.rests():
                return line
            line.close()
        return _Line(self._pool.connection_class(**self._pool.connection_kwargs))


class _Line:
    """One connection, made by redis-py, which knows about credentials and databases."""

    __slots__ = ("_arrivals", "_connection", "_socket")

    def __init__(self, connection: Any) -> None:
        connection.connect()
        self._connection = connection
        self._socket = connection._sock  # noqa: SLF001  # it has no public name
        self._arrivals = select.poll()
        self._arrivals.register(self._socket, select.POLLIN)

    def rests(self) -> bool:
        """Whether nothing came since the last answer: neither the connection's end nor what nobody asked for."""
        return not self._arrivals.poll(0)

    def ask(self, packed: bytes) -> list[int]:
        """Send one call and wait for its numbers."""
        self._socket.sendall(packed)
        reply: bytes = self._socket.recv(_ENOUGH)
        while not _complete(reply):
            more = self._socket.recv(_ENOUGH)
            reply += more
            if not more:
                raise NotConnected("the server closed the connection")
        return _numbers(reply)

    def close(self) -> None:
        self._connection.disconnect()


def _complete(reply: bytes) -> bool:
    if not reply.endswith(b"\r\n"):
        return False
    if not reply.startswith(b"*"):
        return True
    head, _, rest = reply.partition(b"\r\n")
    return rest.count(b"\r\n") == int(head[1:])


def _numbers(reply: bytes) -> list[int]:
    """The numbers of an array of them.

    Raises:
        NoScriptError: the server does not know the script.
        ResponseError: any other error, or what a script of ours never answers.
    """
    if reply.startswith(b"*"):
        return [int(line[1:]) for line in reply.split(b"\r\n")[1:-1]]
    said = reply[1:-2].decode(errors="replace")
    raise (NoScriptError if said.startswith("NOSCRIPT") else ResponseError)(said)

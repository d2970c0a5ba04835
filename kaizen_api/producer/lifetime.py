"""What producers do when their process forks or ends.

Guarantee: a fork's child begins with nothing waiting, so that nothing is appended twice, and with connections of its
own; an interpreter that ends appends what waits in producers that nobody closed. One that ends through `os._exit`, as
children of `multiprocessing` do, or by a signal, does not: close the producer there, or give it a spool.
"""

import atexit
import logging
import os
import weakref
from typing import Protocol

from kaizen_api.errors import Unavailable

_LOG = logging.getLogger("kaizen.producer")


class Mortal(Protocol):
    """What has to know."""

    def forget(self) -> None:
        """In the child of a fork: begin anew."""

    def leave(self) -> None:
        """At the end of the interpreter: append what waits, within the bound of `close`.

        Raises:
            Unavailable: it could not be.
        """


_ALIVE: "weakref.WeakSet[Mortal]" = weakref.WeakSet()


def watch(producer: Mortal) -> None:
    """Tell it of forks and of the end, for as long as it lives."""
    _ALIVE.add(producer)


def _after_fork() -> None:
    for producer in list(_ALIVE):
        producer.forget()


def _at_exit() -> None:
    for producer in list(_ALIVE):
        try:
            producer.leave()
        except Unavailable as error:
            _LOG.error("%s", error)


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)

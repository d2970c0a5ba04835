"""Threads in which the questions of coroutines wait for Redis.

They are the breakers' own: in the event loop's, which has few, a question would wait for whatever else the program
does there. Their number bounds the connections that coroutines take, too.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

AT_ONCE = 8
"""Questions of one process's coroutines that are under way at the same time; each takes a store time-out at most."""

P = ParamSpec("P")
T = TypeVar("T")


def begin(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """The function under way in one of the threads."""
    return _threads(os.getpid()).submit(function, *args, **kwargs)


async def end(begun: Future[T]) -> T:
    """What it returns. If cancelled, it goes on all the same."""
    return await asyncio.shield(asyncio.wrap_future(begun))


@cache
def _threads(_process: int) -> ThreadPoolExecutor:  # a fork has none of its parent's threads
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="breaker")

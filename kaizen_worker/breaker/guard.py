"""Calls under a breaker: as a context manager, or around a function. Nothing is held while the call runs."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from kaizen_api.errors import BreakerOpen
from kaizen_worker.breaker.permit import Permit

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
T = TypeVar("T")


class Gate(Protocol):
    """Whoever admits calls and hears how they ended."""

    def admit(self) -> Permit:
        """Leave for one call, or `BreakerOpen`."""

    async def admit_async(self) -> Permit:
        """The same for coroutines."""

    def settle(self, permit: Permit, error: BaseException | None) -> None:
        """The call ended, with that error if any."""

    async def settle_async(self, permit: Permit, error: BaseException | None) -> None:
        """The same for coroutines."""

    def release(self, permit: Permit) -> None:
        """The end of the call could not be told."""


class Guard:
    """One call, `with` or `async with`: admitted on entering, judged by how it is left.

    Args:
        gate: Who admits.
        permit: Leave that was given already.
    """

    __slots__ = ("_gate", "_permit")

    def __init__(self, gate: Gate, permit: Permit | None = None) -> None:
        self._gate = gate
        self._permit = permit

    def __enter__(self) -> Permit:
        """The permit, or `BreakerOpen`."""
        self._permit = self._permit or self._gate.admit()
        return self._permit

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Report; the error goes on its way."""
        try:
            self._gate.settle(cast("Permit", self._permit), error)
        except BaseException:  # a signal that came just now
            self._gate.release(cast("Permit", self._permit))
            raise

    async def __aenter__(self) -> Permit:
        """The permit, or `BreakerOpen`."""
        self._permit = self._permit or await self._gate.admit_async()
        return self._permit

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Report; the error goes on its way."""
        await self._gate.settle_async(cast("Permit", self._permit), error)


def protect(gate: Gate, function: F, fallback: Callable[..., Any] | None = None) -> F:
    """The function under a breaker; a coroutine function stays one.

    Args:
        gate: Who admits each call.
        function: What is called.
        fallback: Takes the same arguments and answers where the call is rejected; None: `BreakerOpen` is raised. An
            error of the call itself is never covered up by it.
    """
    wrap = _protect_async if inspect.iscoroutinefunction(function) else _protect_sync
    return cast("F", wrap(gate, function, fallback))


def _protect_sync(gate: Gate, function: Callable[..., Any], fallback: Callable[..., Any] | None) -> Callable[..., Any]:
    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return call(gate, function, fallback, *args, **kwargs)

    return guarded


def _protect_async(gate: Gate, function: Callable[..., Any], fallback: Callable[..., Any] | None) -> Callable[..., Any]:
    @functools.wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        return await call_async(gate, function, fallback, *args, **kwargs)

    return guarded


def call(gate: Gate, function: Callable[P, T], fallback: Callable[P, T] | None, *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function returns, or the fallback where the call is rejected."""
    try:
        permit = gate.admit()
    except BreakerOpen:
        if fallback is None:
            raise
        return fallback(*args, **kwargs)
    # Not a `with`: between the admission and its block a signal could strike, and the permit would be lost.
    error: BaseException | None = None
    try:
        return function(*args, **kwargs)
    except BaseException as raised:
        error = raised
        raise
    finally:
        try:
            gate.settle(permit, error)
        except BaseException:
            gate.release(permit)
            raise
        finally:
            error = None  # which holds this frame


async def call_async(
    gate: Gate,
    function: Callable[P, Awaitable[T]],
    fallback: Callable[P, Awaitable[T] | T] | None,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """The same for coroutines; the fallback may be either."""
    try:
        permit = await gate.admit_async()
    except BreakerOpen:
        if fallback is None:
            raise
        answer = fallback(*args, **kwargs)
        return cast("T", await answer if inspect.isawaitable(answer) else answer)
    async with Guard(gate, permit):
        return await function(*args, **kwargs)

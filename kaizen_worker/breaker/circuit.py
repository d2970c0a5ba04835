"""CircuitBreaker: admits calls to a service, hears how they ended, and rejects them while the service is down."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from typing import TypeVar, Unpack

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import BreakerOpen, Invalid
from kaizen_worker.breaker.apart import begin, end
from kaizen_worker.breaker.guard import F, Guard, call, call_async, protect
from kaizen_worker.breaker.permit import UNBOUND, Outcome, Permit, bounded, judge, retry_after_of
from kaizen_worker.breaker.referee import Observer, Referee
from kaizen_worker.breaker.reply import BreakerState
from kaizen_worker.breaker.scripts import Client
from kaizen_worker.breaker.settings import DAY, Options, Settings
from kaizen_worker.breaker.shared import Order

ORDER_SECONDS = DAY
"""How long an order of the operator holds, unless told otherwise."""

LONGEST_ORDER = 30 * DAY

_MAX_NAME = 256

T = TypeVar("T")


class CircuitBreaker:
    """One breaker, shared by all processes of its name. Safe for threads and coroutines; connects at the first call.

    Args:
        failure_threshold: Failures in a row that open it; None: the configured `gap_fill_max_retries`.
        recovery_timeout: Seconds that it stays open at first; None: the configured `gap_fill_backoff_seconds`.
        name: What it guards, like `acme/folder`.
        redis: The server, decoding or not; None: that of the configuration, connected at the first call.
        observe: Told each event and its count, in the thread where it happens: `to_closed`, `to_open`, `to_half_open`
            (once each over all processes), `admitted`, `probe` (an admission that is one), `rejected`, `stale`,
            `lease_lost`, `store_error`, `forced_open`, `forced_closed`, `forced_auto`.
        options: See `Settings`.

    Raises:
        Invalid: a setting is out of its range.
    """

    def __init__(
        self,
        failure_threshold: int | None = None,
        recovery_timeout: float | None = None,
        *,
        name: str = "gap_fill",
        redis: Client | None = None,
        observe: Observer | None = None,
        **options: Unpack[Options],
    ) -> None:
        if not 1 <= len(name) <= _MAX_NAME:
            raise Invalid(f"name = {name!r}: must have 1 to {_MAX_NAME} characters")
        self.name = name
        if failure_threshold is None or recovery_timeout is None:
            config = KaizenConfig.from_env()
            failure_threshold = config.gap_fill_max_retries if failure_threshold is None else failure_threshold
            recovery_timeout = config.gap_fill_backoff_seconds if recovery_timeout is None else recovery_timeout
        self.settings = Settings(failure_threshold=failure_threshold, recovery_timeout=recovery_timeout, **options)
        self._referee = Referee(name, self.settings, redis=redis, observe=observe)
        self._held: ContextVar[Permit | None] = ContextVar("held", default=None)

    def admit(self) -> Permit:
        """Leave to make one call; report its outcome with the permit.

        Raises:
            BreakerOpen: no call may be made now; `retry_after` says when to ask again, in seconds.
        """
        return self._referee.known() or self._referee.ask()

    async def admit_async(self) -> Permit:
        """The same; the event loop never waits for Redis. If cancelled, the permit is given back."""
        if known := self._referee.known():
            return known
        asked = begin(self._referee.ask)
        try:
            return await end(asked)
        except asyncio.CancelledError:
            await end(begin(self._give_back, asked))
            raise

    def _give_back(self, asked: Future[Permit]) -> None:
        with suppress(BreakerOpen):
            self.release(asked.result())

    def report(self, permit: Permit, outcome: Outcome, *, retry_after: float = 0.0) -> None:
        """How the call ended. Never fails for Redis: without it the outcome counts in this process.

        Args:
            permit: Of that call.
            outcome: `ignore` is no verdict.
            retry_after: Seconds that the service asked to be left alone; an opening lasts at least as long.
        """
        self._referee.hear(permit, outcome, floor=bounded(retry_after))

    async def report_async(self, permit: Permit, outcome: Outcome, *, retry_after: float = 0.0) -> None:
        """The same; the event loop never waits for Redis. If cancelled, the report still arrives."""
        if permit.worth_reporting(outcome):
            await end(begin(self.report, permit, outcome, retry_after=retry_after))
        else:
            self.report(permit, outcome)  # which asks nobody

    def settle(self, permit: Permit, error: BaseException | None) -> None:
        """The call ended, with that error if any: what it means follows from its class (`permit.judge`)."""
        if error is None:
            self._referee.hear(permit, "success", floor=0.0)
        else:
            self.report(permit, judge(error, ignore=self.settings.ignore), retry_after=retry_after_of(error))

    async def settle_async(self, permit: Permit, error: BaseException | None) -> None:
        """The same; the event loop never waits for Redis."""
        outcome = judge(error, ignore=self.settings.ignore)
        await self.report_async(permit, outcome, retry_after=retry_after_of(error))

    def release(self, permit: Permit) -> None:
        """The call's end could not be told: give the place of a probe back, without a verdict."""
        self._referee.release(permit)

    def guard(self) -> Guard:
        """One call as a context manager, `with` or `async with`."""
        return Guard(self)

    def __call__(self, function: F) -> F:
        """The function, or coroutine function, under this breaker."""
        return protect(self, function)

    def call(self, function: Callable[[], T], *, fallback: Callable[[], T] | None = None) -> T:
        """Call it, or the fallback if it is rejected.

        Raises:
            BreakerOpen: rejected, and there is no fallback.
        """
        return call(self, function, fallback)

    async def call_async(
        self, function: Callable[[], Awaitable[T]], *, fallback: Callable[[], Awaitable[T]] | None = None
    ) -> T:
        """The same for coroutines."""
        return await call_async(self, function, fallback)

    def can_execute(self) -> bool:
        """Whether a call may be made; if so, `call_succeeded` or `call_failed` must follow in that task or thread."""
        try:
            self._held.set(self.admit())
        except BreakerOpen:
            return False
        return True

    def call_succeeded(self) -> None:
        """The call that `can_execute` admitted went well."""
        self.report(self._take_held(), "success")

    def call_failed(self, *, retry_after: float = 0.0) -> None:
        """The call that `can_execute` admitted failed."""
        self.report(self._take_held(), "failure", retry_after=retry_after)

    @property
    def is_open(self) -> bool:
        """Whether it rejects every call now. Takes no permit."""
        return self._referee.is_known_open() or self.state().is_open

    def state(self) -> BreakerState:
        """The breaker as it stands, with nothing changed; without Redis, as this process sees it."""
        return self._referee.look()

    def open(self, *, seconds: float = ORDER_SECONDS) -> None:
        """Reject every call for so long, or until `close` or `auto`; everyone knows within about a second.

        Args:
            seconds: Up to 30 days.

        Raises:
            Unavailable: Redis does not answer; the order may have arrived or not.
        """
        self._order("open", seconds)

    def close(self, *, seconds: float = ORDER_SECONDS) -> None:
        """Admit every call and count nothing for so long, or until `open` or `auto`; past failures are forgotten."""
        self._order("closed", seconds)

    def auto(self) -> None:
        """Let it move by itself again."""
        self._order("auto", 0.0)

    def _order(self, order: Order, seconds: float) -> None:
        if order != "auto" and not 0 < seconds <= LONGEST_ORDER:
            raise Invalid(f"seconds = {seconds}: must be over 0 and up to {LONGEST_ORDER:g}")
        self._referee.order(order, seconds=seconds)

    def _take_held(self) -> Permit:
        permit = self._held.get()
        self._held.set(None)
        return permit or UNBOUND

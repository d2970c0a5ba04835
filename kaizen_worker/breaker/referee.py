"""Decides on calls: by the shared record while Redis answers, and alone, by what was known, while it does not."""

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from kaizen_api.errors import BreakerOpen
from kaizen_worker.breaker.link import StoreDown
from kaizen_worker.breaker.local import LocalBreaker
from kaizen_worker.breaker.permit import UNBOUND, Outcome, Permit, ends_the_task
from kaizen_worker.breaker.reply import LEASE_LOST, PROBE, REJECTED, SECOND, STALE, STATES, BreakerState, Reply
from kaizen_worker.breaker.scripts import Client
from kaizen_worker.breaker.settings import Settings
from kaizen_worker.breaker.shared import Order, SharedBreaker
from kaizen_worker.breaker.view import View

Observer = Callable[[str, int], object]

_EVENTS = {STALE: "stale", LEASE_LOST: "lease_lost"}
_LOG = logging.getLogger(__name__)


class Referee:
    """The decisions of one breaker in one process. Safe for threads.

    Args:
        name: Of the breaker.
        settings: When it moves.
        redis: The server; None: that of the configuration, connected at the first call.
        observe: Told each event and its count; what it raises is logged.
    """

    def __init__(self, name: str, settings: Settings, *, redis: Client | None, observe: Observer | None) -> None:
        self._name = name
        self._settings = settings
        self._observe = observe
        self._shared = SharedBreaker(name, settings, redis=redis)
        self._local = LocalBreaker(settings)
        self._alone = False  # the in-process breaker has decided since Redis last answered
        self._view = View(recheck=settings.recheck, closed_cache=settings.closed_cache)
        self._unsure: deque[str] = deque()  # tokens that may hold a lease nobody has: asked with again before new ones

    def known(self) -> Permit | None:
        """What needs no question: a permit while known to be closed, None if Redis has to be asked.

        Raises:
            BreakerOpen: known to be open.
        """
        if rest := self._view.rejects():
            raise self._rejection(rest)
        permit = self._view.admits()
        if permit is None:
            return None
        self._emit("admitted")
        return replace(permit, started=time.monotonic())

    def ask(self) -> Permit:
        """A permit. Whatever interrupts this, a soft time limit say, leaves no lease behind.

        Raises:
            BreakerOpen: there is none now.
        """
        token = self._token()
        try:
            return self._ask(token)
        except BreakerOpen:
            raise
        except BaseException:
            self._give_back(token)
            raise

    def _ask(self, token: str) -> Permit:
        try:
            reply = self._shared.admit(token)
        except StoreDown as down:
            if down.tried:
                self._unsure.append(token)
            return self._decide_alone(down)
        self._learn(reply)
        return self._rule(reply, token, "shared")

    def _token(self) -> str:
        with suppress(IndexError):
            return self._unsure.popleft()
        return secrets.token_hex(8)

    def release(self, permit: Permit) -> None:
        """Give the place of a probe back without a verdict, also where its outcome may have been heard already."""
        if permit.probe and permit.origin == "shared":
            self._give_back(permit.token)
        elif permit.probe:
            self._local.report(permit, "ignore", floor=0.0)

    def _give_back(self, token: str) -> None:
        """The lease that the token may hold: now, or with the next question if Redis does not answer."""
        try:
            self._shared.report(Permit(generation=0, token=token), "ignore", floor=0.0)
        except StoreDown:
            self._unsure.append(token)

    def hear(self, permit: Permit, outcome: Outcome, *, floor: float) -> None:
        """Take the outcome of a call; `floor` is the least length in seconds of an opening that follows from it."""
        if permit.origin == "none":
            return
        if self._settings.watches_shares and outcome != "ignore":
            outcome = self._count(permit, outcome)
        if not permit.worth_reporting(outcome):
            return
        if permit.origin == "local":
            self._announce(self._local.report(permit, outcome, floor=floor))
            return
        try:
            self._learn(self._shared.report(permit, outcome, floor=floor))
        except StoreDown as down:
            self._miss(down)
            if permit.probe:
                self._unsure.append(permit.token)
            if self._settings.store_down == "local":
                self._announce(self._local.report(UNBOUND, outcome, floor=floor))

    def _count(self, permit: Permit, outcome: Outcome) -> Outcome:
        """Count it for the shares; what it means for a probe."""
        watches = self._settings.slow_rate > 0 and permit.started > 0
        slow = watches and time.monotonic() - permit.started >= self._settings.slow_seconds
        if permit.probe:
            return "failure" if slow else outcome
        tally = self._local.tally if permit.origin == "local" else self._shared.tally
        tally.add(permit.generation, failed=outcome == "failure", slow=slow)
        return outcome

    def order(self, order: Order, *, seconds: float) -> None:
        """Force it open or closed for so long, or let it move by itself again.

        Raises:
            StoreDown: Redis does not answer; whether the order arrived is open.
        """
        self._learn(self._shared.order(order, seconds=seconds))
        self._emit(f"forced_{order}")

    def is_known_open(self) -> bool:
        """Whether it is open as far as this process knows without asking."""
        return self._view.rejects() > 0

    def look(self) -> BreakerState:
        """The breaker as it stands, with nothing changed; without Redis, as this process sees it."""
        try:
            return BreakerState.of(self._shared.look(), name=self._name, shared=True)
        except StoreDown as down:
            self._miss(down)
        state = BreakerState.of(self._local.look(), name=self._name, shared=False)
        rest = self._view.last_open()
        return replace(state, state="open", retry_after=rest) if rest > 0 else state

    def _decide_alone(self, down: StoreDown) -> Permit:
        self._miss(down)
        if rest := self._view.last_open():
            raise self._rejection(rest)
        if self._settings.store_down == "reject":
            raise self._rejection(down.retry_after)
        if self._settings.store_down == "pass":
            self._emit("admitted")
            return Permit(generation=0, origin="none")
        token = secrets.token_hex(8)
        reply = self._local.admit(token)
        self._announce(reply)
        return self._rule(reply, token, "local")

    def _rule(self, reply: Reply, token: str, origin: Literal["shared", "local"]) -> Permit:
        if reply.code == REJECTED:
            raise self._rejection(reply.retry_after / SECOND)
        probe = reply.code == PROBE
        self._emit("admitted")
        if probe:
            self._emit("probe")
        return Permit(
            generation=reply.generation,
            token=token,
            probe=probe,
            started=time.monotonic(),
            failures=reply.failures,
            origin=origin,
        )

    def _rejection(self, rest: float) -> BreakerOpen:
        self._emit("rejected")
        return BreakerOpen(f"the circuit breaker {self._name} is open, ask again in {rest:.3g} s", retry_after=rest)

    def _learn(self, reply: Reply) -> None:
        if self._alone:
            self._local, self._alone = LocalBreaker(self._settings), False
        self._view.learn(reply)
        self._announce(reply)

    def _miss(self, down: StoreDown) -> None:
        self._alone = True
        if down.tried:
            self._emit("store_error")

    def _announce(self, reply: Reply) -> None:
        if reply.entered:
            self._emit(f"to_{STATES[reply.state]}")
        if event := _EVENTS.get(reply.code):
            self._emit(event)

    def _emit(self, event: str) -> None:
        if self._observe is None:
            return
        try:
            self._observe(event, 1)
        except Exception as error:  # whatever it is, the guarded call is worth more than its count
            if ends_the_task(error):
                raise
            _LOG.exception("the observer of the circuit breaker %s failed on %s", self._name, event)

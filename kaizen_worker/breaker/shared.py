"""The record of one breaker in Redis, and what the scripts need to move it."""

import random
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Literal

from redis import Redis

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect
from kaizen_api.errors import Unavailable
from kaizen_worker.breaker.link import PAUSE, Link, StoreDown, link_to
from kaizen_worker.breaker.permit import Outcome, Permit
from kaizen_worker.breaker.reply import SECOND, Reply
from kaizen_worker.breaker.scripts import Argument, Client, Script
from kaizen_worker.breaker.settings import Settings
from kaizen_worker.breaker.window import Counts, Tally

Order = Literal["open", "closed", "auto"]


def micros(seconds: float) -> int:
    """The length in µs, at least one where there is any."""
    return max(round(seconds * SECOND), 1) if seconds > 0 else 0


class SharedBreaker:
    """The state that all processes share. Every method is one round trip and raises `StoreDown`.

    Args:
        name: Whose record.
        settings: When it moves.
        redis: The server; None: that of the configuration, looked up at the first call.
    """

    def __init__(self, name: str, settings: Settings, *, redis: Client | None) -> None:
        self._name = name
        self._settings = settings
        self._redis = redis
        self._registered = False
        self.tally = Tally()
        own = (keys.breaker(name), keys.leases(name))
        self._admit = Script(
            "admit",
            own,
            (settings.permitted_calls, micros(settings.lease_seconds), micros(settings.recovery_timeout)),
        )
        self._enlist = Script("enlist", (keys.BREAKERS,), (name,))
        self._report = Script(
            "report",
            own,
            (
                settings.failure_threshold,
                settings.success_threshold,
                micros(settings.recovery_timeout),
                settings.multiplier,
                micros(max(settings.longest_recovery, settings.recovery_timeout)),
            ),
        )

    def admit(self, token: str) -> Reply:
        """Decide on one call, by what this process has counted too; a probe holds its lease under the token."""
        taken = self.tally.take()
        reply = self._call(self._admit, (token, *self._told(*taken)) if taken else (token,))
        if reply.created or not self._registered:
            self._register()
        return reply

    def look(self) -> Reply:
        """The record as it stands, with nothing changed."""
        return self._call(self._admit, ("",))

    def report(self, permit: Permit, outcome: Outcome, *, floor: float) -> Reply:
        """Take the outcome of a call; `floor` is the least length in seconds of an opening that follows from it."""
        return self._move(outcome, permit.generation, permit.token, floor)

    def order(self, order: Order, *, seconds: float) -> Reply:
        """Force it open or closed for so long, or let it move by itself again."""
        reply = self._move(order, 0, "", seconds)
        self._register()
        return reply

    def _move(self, what: Outcome | Order, generation: int, token: str, seconds: float) -> Reply:
        return self._call(self._report, (what, generation, token, self._stretch(), micros(seconds)))

    def _told(self, generation: int, counts: Counts) -> tuple[Argument, ...]:
        chosen = self._settings
        shares = (chosen.failure_rate, chosen.slow_rate, chosen.minimum_calls, micros(chosen.window_seconds))
        longest = micros(max(chosen.longest_recovery, chosen.recovery_timeout))
        return (generation, *counts, *shares, chosen.multiplier, longest, self._stretch())

    def _stretch(self) -> float:
        return 1 + self._settings.jitter * random.random()

    def _call(self, script: Script, args: Sequence[Argument]) -> Reply:
        return Reply(*self._link.call(script, args))

    def _register(self) -> None:
        # For the lists only, in another slot than the record; what fails here is made good by the next call.
        with suppress(StoreDown):
            self._link.call(self._enlist, ())
            self._registered = True

    @cached_property
    def _link(self) -> Link:
        return link_to(self._redis or _configured(self._settings.store_timeout), timeout=self._settings.store_timeout)


def _configured(timeout: float) -> Redis:
    try:
        return connect(KaizenConfig.from_env(), timeout=timeout)
    except Unavailable as error:
        raise StoreDown(str(error), retry_after=PAUSE, tried=True) from None

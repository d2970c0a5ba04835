"""Producer: pushes interactions from threads."""

import logging
import os
import threading
import weakref
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Self

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, reaching
from kaizen_api.errors import Backpressure, Conflict, Unavailable
from kaizen_api.intake import Intake
from kaizen_api.producer.batch import (
    BUFFER,
    CLOSED,
    MAX_BATCH,
    REFUSED,
    SCRIPT,
    Appended,
    check_tenant,
    read_reply,
    script_call,
    user_key,
)
from kaizen_api.schema import Interaction, Record

_LOG = logging.getLogger("kaizen.producer")
_ALIVE: "weakref.WeakSet[Producer]" = weakref.WeakSet()


class Producer:
    """Appends interactions to a tenant's stream; thread-safe, fork-safe, every call bounded in time.

    `push` checks and masks at once and appends in the background, in groups; leaving the block appends what is left.
    `append` does it now and says what became of each.

    Args:
        config: Default: that of the environment.
        tenant: Default: `config.tenant`.
        linger: Seconds a pushed interaction may wait for company.

    Raises:
        Invalid: the tenant's name is none.
        Unavailable: no Redis is configured.
    """

    def __init__(self, config: KaizenConfig | None = None, *, tenant: str | None = None, linger: float = 0.1) -> None:
        self.config = config or KaizenConfig.from_env()
        self.tenant = check_tenant(tenant or self.config.tenant)
        self.accepted = 0
        self.duplicates = 0
        self._linger = linger
        self._redis = connect(self.config)
        self._script = self._redis.register_script(SCRIPT)
        self._intake: Intake | None = None
        self._closed = False
        self._forget()
        _ALIVE.add(self)

    def _forget(self) -> None:
        """A new process begins with nothing: what waits in its parent is appended there."""
        self._lock = threading.Lock()
        self._appending = threading.Lock()
        self._waiting: list[Record] = []
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def intake(self) -> Intake:
        """What turns interactions into records here; the key of user ids is read from Redis once."""
        if self._intake is None:
            self._intake = Intake(user_key(self._redis, self.config))
        return self._intake

    def push(self, interaction: Interaction) -> str:
        """Take one interaction; it is appended within `linger`, or when Redis is back.

        Returns:
            Its id.

        Raises:
            Invalid: a field is wrong; the text names it. Nothing else is lost.
            Backpressure: `BUFFER` records wait already; this one was not taken.
            Conflict: the producer is closed.
        """
        self._refuse_if_closed()  # before it connects again
        record = self.intake.record(interaction)
        with self._lock:
            self._refuse_if_closed()  # meanwhile
            if len(self._waiting) >= BUFFER:
                raise Backpressure(f"{BUFFER} interactions wait for Redis: this one was not taken, retry later")
            self._waiting.append(record)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="kaizen-producer", daemon=True)
                self._thread.start()
            if len(self._waiting) >= MAX_BATCH:
                self._wake.set()
        return record.id

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Conflict(CLOSED)

    def append(self, interactions: Iterable[Interaction]) -> Appended:
        """Append interactions now, up to a thousand at a time, each batch whole or not at all.

        Raises:
            Invalid: a field is wrong; nothing of its batch was taken.
            Unavailable: Redis does not answer, or the stream is full (`Backpressure`).
        """
        records = (self.intake.record(interaction) for interaction in interactions)
        accepted, duplicates, done = 0, list[int](), 0
        while batch := list(islice(records, MAX_BATCH)):
            appended = self.append_records(batch)
            accepted += appended.accepted
            duplicates += [done + index for index in appended.duplicates]
            done += len(batch)
        return Appended(accepted, tuple(duplicates))

    def append_records(self, records: Sequence[Record]) -> Appended:
        """Append one batch of what `intake` made."""
        script_keys, arguments = script_call(records, tenant=self.tenant, config=self.config)
        with reaching(self.config):
            reply = self._script(keys=script_keys, args=arguments)
        appended = read_reply(reply, tenant=self.tenant)
        self.accepted += appended.accepted
        self.duplicates += len(appended.duplicates)
        return appended

    def count_refused(self, number: int) -> None:
        """Count what was no interaction; without Redis it goes uncounted."""
        with suppress(Unavailable), reaching(self.config):
            pipe = self._redis.pipeline()
            for key in (keys.metrics(self.tenant), keys.ROLLUP):
                pipe.hincrby(key, REFUSED, number)
            pipe.execute()

    def flush(self) -> None:
        """Append what waits.

        Raises:
            Unavailable: Redis does not answer, or the stream is full; what waits still waits.
        """
        with self._appending:
            while True:
                with self._lock:
                    batch = self._waiting[:MAX_BATCH]
                if not batch:
                    return
                self.append_records(batch)  # again after a failure: the ids make a replay harmless
                with self._lock:
                    del self._waiting[: len(batch)]

    def close(self) -> None:
        """Append what waits and close the connection.

        Raises:
            Unavailable: it could not be appended; the text says how many are lost with this process.
        """
        with self._lock:  # whatever is taken before is appended below
            self._closed = True
        self._wake.set()
        try:
            self.flush()
        except Unavailable as error:
            raise Unavailable(f"{len(self._waiting)} interactions were not appended: {error}") from None
        finally:
            self._redis.close()

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(self._linger)
            self._wake.clear()
            try:
                self.flush()
            except Unavailable as error:
                _LOG.warning("%d interactions wait: %s", len(self._waiting), error)
                self._wake.wait(error.retry_after)


def _after_fork() -> None:
    for producer in list(_ALIVE):
        producer._forget()  # noqa: SLF001  # its own module


os.register_at_fork(after_in_child=_after_fork)

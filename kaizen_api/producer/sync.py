"""Producer: pushes interactions from threads."""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Self

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, count_keys, reaching
from kaizen_api.errors import Conflict, Unavailable
from kaizen_api.intake import Intake
from kaizen_api.knowledge import Knowledge
from kaizen_api.producer.appending import Appender
from kaizen_api.producer.batch import (
    CLOSED,
    FLUSH_SECONDS,
    MAX_BATCH,
    REFUSED,
    Appended,
    Pair,
    check_tenant,
    encode,
    user_key,
)
from kaizen_api.producer.knowledge import SECONDS, question
from kaizen_api.producer.lifetime import watch
from kaizen_api.producer.waiting import Waiting, waiting_room
from kaizen_api.schema import Interaction, Record

_LOG = logging.getLogger("kaizen.producer")


class Producer:
    """Appends interactions to a tenant's stream; thread-safe, fork-safe, every call bounded in time.

    `push` checks and masks at once and appends in the background, in groups; leaving the block appends what is left,
    and so does an interpreter that ends. `append` does it now and says what became of each.

    What waits to be appended is in memory, at most `BUFFER` records, or, where `spool_dir` is set, on disk: then `push`
    returns once the record is there, `kill -9` does not lose it, and this producer or the next one on that folder
    appends it, in order, before newer ones.

    Where Redis refuses or hangs, each call tells so within `CALL_SECONDS` (kaizen_api.connection), as soon as one batch
    of a thousand fails; a hung one costs about two seconds. `flush` and `close` end within `FLUSH_SECONDS` and one such
    call. `push` waits for Redis only the first time, for the key of user ids, and never where `user_key` is set.

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
        self._appender = Appender(self._redis, self.config, tenant=self.tenant)
        self._intake: Intake | None = None
        self._closed = False
        self._begin()
        watch(self)

    def forget(self) -> None:
        """A new process begins with nothing: what waits in its parent is appended there."""
        self._waiting.release()
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._appending = threading.Lock()
        self._waiting: Waiting = waiting_room(self.config, tenant=self.tenant)
        self._pushed = 0  # since the thread was last woken
        self._wake = threading.Event()
        self._ending = threading.Event()
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
            Backpressure: too much waits already; this one was not taken.
            Unavailable: the spool cannot be written; it was not taken.
            Conflict: the producer is closed.
        """
        self._refuse_if_closed()  # before it connects again
        (pair,) = encode([self.intake.record(interaction)])
        with self._lock:
            self._refuse_if_closed()  # meanwhile
            self._waiting.add(pair)
            self._pushed += 1
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="kaizen-producer", daemon=True)
                self._thread.start()
            if self._pushed >= MAX_BATCH:
                self._wake.set()
        return pair[0]

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Conflict(CLOSED)

    def append(self, interactions: Iterable[Interaction]) -> Appended:
        """Append interactions now, up to a thousand at a time, each batch whole or not at all.

        Raises:
            Invalid: a field is wrong; nothing of its batch was taken.
            Unavailable: Redis does not answer, or takes no more (`Backpressure`); or it has the batch, and too few
                replicas do. Sending it again is harmless.
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
        """Append one batch, at most `MAX_BATCH`, of what `intake` made; raises as `append` does."""
        return self._append(encode(records))

    def _append(self, pairs: Sequence[Pair]) -> Appended:
        if not pairs:
            return Appended(0, ())
        appended = self._appender.append(pairs)
        with self._lock:
            self.accepted += appended.accepted
            self.duplicates += len(appended.duplicates)
        return appended

    def knowledge(
        self, query: str, *, session_id: str | None = None, limit: int = 5, seconds: float = SECONDS
    ) -> Knowledge:
        """What the knowledge base has for a question, for the assistant to answer with.

        A conversation of the hold-out goes without what is being measured: send the same `session_id` with the
        interaction, and its `entry_ids`.

        Args:
            query: What the user asked; its first `MOST_ASKED` characters count.
            session_id: The conversation; it decides on the hold-out.
            limit: Most entries, 1 to 50.
            seconds: How long to wait at most.

        Raises:
            Invalid: the question, or the key, is none that the API takes; the text says why.
            Unavailable: no answer in time, from the API or from the Redis behind it: answer without.
        """
        asked = question(self.config, query, tenant=self.tenant, session_id=session_id, limit=limit)
        return asked.wait(seconds)

    def count_refused(self, number: int) -> None:
        """Count what was no interaction; without Redis it goes uncounted."""
        with suppress(Unavailable), reaching(self.config):
            pipe = self._redis.pipeline()
            for key in count_keys(self._redis, self.tenant):
                pipe.hincrby(key, REFUSED, number)
            pipe.execute()

    def flush(self) -> None:
        """Append what waits.

        Raises:
            Unavailable: Redis does not answer, or takes no more, or the time is up; what waits still waits.
        """
        deadline = time.monotonic() + FLUSH_SECONDS
        while self._append_first(deadline - time.monotonic()):
            pass

    def _append_first(self, seconds: float) -> bool:
        """Append the first batch that waits; False if there is none."""
        if seconds <= 0 or not self._appending.acquire(timeout=seconds):
            raise Unavailable(f"{self._waiting} still wait after {FLUSH_SECONDS:g} s: flush again")
        try:
            with self._lock:
                pairs = self._waiting.first()
            self._append(pairs)  # again after a failure: the ids make a replay harmless
            if pairs:
                with self._lock:
                    self._waiting.forget_first()
            return bool(pairs)
        finally:
            self._appending.release()

    def close(self) -> None:
        """Append what waits and close the connection. What waits in a spool and cannot be appended stays there.

        Raises:
            Unavailable: it could not be appended; the text says how many are lost with this process.
        """
        with self._lock:  # whatever is taken before is appended below
            self._closed = True
        self._wake.set()
        self._ending.set()
        try:
            self.flush()
        except Unavailable as error:
            if not self._waiting.lasting:
                raise Unavailable(f"{self._waiting} were not appended: {error}") from None
            _LOG.warning("%s wait for the next producer: %s", self._waiting, error)
        finally:
            self._release()

    def _release(self) -> None:
        """What the thread has in hand is its own to end: it takes no longer than a call."""
        with self._appending, self._lock:
            with suppress(Unavailable):
                self._waiting.sync()
            self._waiting.release()
        self._redis.close()

    def leave(self) -> None:
        """Close it at the end of the interpreter, unless somebody has."""
        if not self._closed:
            self.close()

    def hand_over(self, waiting: Waiting) -> None:
        """Append what waits elsewhere, and close; raises as `close` does."""
        self._waiting = waiting
        self.close()

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(self._linger)
            self._wake.clear()
            self._pushed = 0
            try:
                while self._append_first(threading.TIMEOUT_MAX):
                    pass
            except Unavailable as error:
                _LOG.warning("%s wait: %s", self._waiting, error)
                self._keep()
                self._ending.wait(error.retry_after)  # what is pushed meanwhile is no reason to hurry

    def _keep(self) -> None:
        with self._appending, suppress(Unavailable):  # the next push tells what is wrong with the disk
            self._waiting.sync()

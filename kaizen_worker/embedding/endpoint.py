"""Any OpenAI-compatible endpoint, behind a breaker that all processes share.

Guarantees: what is sent is masked, whoever calls; a reply counts only if it is one finite vector for each text, all of
one length; nothing waits longer than the deadline; an outage, a limit or a wrong setting raises `Unavailable`, so that
the stream waits and nothing is lost; the key stands in no error and no log.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from logging import getLogger

import msgspec
import numpy as np
from pydantic import SecretStr

from kaizen_api.errors import BreakerOpen, Unavailable
from kaizen_api.masking import mask
from kaizen_worker.breaker import CircuitBreaker
from kaizen_worker.embedding.answer import Malformed, read_rows
from kaizen_worker.embedding.embedder import settle
from kaizen_worker.posting import Reply, post
from kaizen_worker.types import Floats, Vectors

BATCH = 128
"""Most texts of one request."""

BATCH_CHARACTERS = 200_000
"""Most characters of one request, unless it is of one text."""

MAX_CHARACTERS = 8000
"""What is sent of a text: the 8,192 tokens that most endpoints take, where a character is hardly ever more than one."""

SHORTEST = 64
"""Characters; a text that is refused is cut by half down to this."""

MAX_BYTES = 64 * 1024 * 1024
"""Of a reply: a full batch of the longest vectors in use takes a fifth."""

DEADLINE = 30.0
"""Seconds that one request may take with all its repetitions."""

_PAUSES = (0.5, 2.0)  # seconds before each repetition, at least
_OK = 200
_FAILED = 500  # of these texts or of all, as some servers answer for a vector that is no number
_REFUSED = frozenset({400, 413, 422})  # there is something about these texts that it does not take
_PROBE = "a question"
_SET_UP = {401: "KAIZEN_EMBEDDER_KEY", 403: "KAIZEN_EMBEDDER_KEY", 404: "KAIZEN_EMBEDDER_URL and KAIZEN_EMBEDDER_MODEL"}
_LOG = getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model that a server has.

    Attributes:
        url: What `/embeddings` is added to, like `http://127.0.0.1:8000/v1`.
        model: Its id there.
        key: Sent as a bearer token.
        dimensions: Asked for; None: the model's own.
    """

    url: str
    model: str
    key: SecretStr | None = None
    dimensions: int | None = None


class Endpoint:
    """An embedder behind HTTP. Safe for threads; connects at the first text.

    Args:
        served: The model.
        breaker: Admits each request.
        deadline: Seconds, see `DEADLINE`.
    """

    def __init__(self, served: Served, *, breaker: CircuitBreaker, deadline: float = DEADLINE) -> None:
        self._url = served.url.rstrip("/")
        self._served = served
        self._breaker = breaker
        self._deadline = deadline

    @cached_property
    def name(self) -> str:
        """Model, dimension, and a digest of both and the URL, for servers give their models names as they like.

        Raises:
            Unavailable: The dimension is not known yet, and the endpoint does not tell.
        """
        place = sha256(f"{self._url}\0{self._served.model}".encode()).hexdigest()[:12]
        return f"openai-{self._served.model}-{self.dimension}-{place}-1"

    @cached_property
    def dimension(self) -> int:
        """As asked for, else as the endpoint answers.

        Raises:
            Unavailable: It does not.
        """
        return self._served.dimensions or self._vectors([_PROBE]).shape[1]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Each distinct text is sent once, blank ones never: they get the first axis.

        Raises:
            Unavailable: The endpoint is down, its limit is reached, a setting is wrong, or the breaker is open.
        """
        sent = [mask(text)[:MAX_CHARACTERS] for text in texts]
        distinct = [text for text in dict.fromkeys(sent) if text.strip()]
        found = {"": np.zeros(self.dimension)}
        for batch in _batches(distinct):
            rows = self._vectors(batch)
            if rows.shape[1] != self.dimension:
                raise Unavailable(self._told(f"vectors of {rows.shape[1]} in place of {self.dimension} numbers"))
            found.update(zip(batch, rows, strict=True))
        return settle(np.array([found.get(text, found[""]) for text in sent]).reshape(-1, self.dimension))

    def _vectors(self, texts: Sequence[str]) -> Floats:
        """(u, d) of texts that are not blank. Of refused ones halves are tried: of the batch, then of the text.

        Texts over which it fails while it answers others are refused ones.
        """
        try:
            rows = self._ask(texts)
        except _Struck:
            if list(texts) == [_PROBE] or not self._answers():
                raise
            rows = None  # it answers others: the cause is among these
        if rows is not None:
            return rows
        if len(texts) > 1:
            middle = len(texts) // 2
            return np.vstack([self._vectors(texts[:middle]), self._vectors(texts[middle:])])
        if len(texts[0]) > SHORTEST:
            return self._vectors([texts[0].strip()[: len(texts[0]) // 2]])
        probe = self._ask([_PROBE])
        if probe is None:
            raise Unavailable(self._told("a refusal of every text: see KAIZEN_EMBEDDER_MODEL and _DIMENSIONS"))
        _LOG.warning("the embedder's endpoint refuses a text of %d characters: it gets the first axis", len(texts[0]))
        return np.zeros_like(probe)

    def _answers(self) -> bool:
        """Whether it has vectors of a plain question now."""
        try:
            return self._admitted([_PROBE], self._deadline) is not None
        except Unavailable:
            return False

    def _ask(self, texts: Sequence[str]) -> Floats | None:
        """The vectors, or None where the endpoint refuses the texts; repeated within the deadline."""
        until = time.monotonic() + self._deadline
        for pause in _PAUSES:
            try:
                return self._admitted(texts, until - time.monotonic())
            except BreakerOpen:
                raise
            except Unavailable as error:
                wait = max(pause, error.retry_after)
                if time.monotonic() + wait >= until:
                    raise
            time.sleep(wait)
        return self._admitted(texts, until - time.monotonic())

    def _admitted(self, texts: Sequence[str], seconds: float) -> Floats | None:
        key = self._served.key
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        question: dict[str, object] = {"model": self._served.model, "input": list(texts)}
        if self._served.dimensions:
            question["dimensions"] = self._served.dimensions
        with self._breaker.guard():
            body = msgspec.json.encode(question)
            reply = post(f"{self._url}/embeddings", body, headers=headers, seconds=seconds, most=MAX_BYTES)
            return None if reply.status in _REFUSED else self._read(reply, len(texts))

    def _read(self, reply: Reply, number: int) -> Floats:
        if reply.status != _OK:
            remedy = _SET_UP.get(reply.status)
            told = self._told(f"status {reply.status}" + (f": see {remedy}" if remedy else ""))
            kind = _Struck if reply.status == _FAILED else Unavailable
            raise kind(told, retry_after=max(reply.retry_after, 0.1))
        try:
            return read_rows(reply.body, number)
        except Malformed as error:
            raise Unavailable(self._told(str(error))) from None

    def _told(self, what: str) -> str:
        return f"the embedder's endpoint {self._url} answers with {what}"


class _Struck(Unavailable):
    """It failed, perhaps over these very texts."""


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch, length = list[str](), 0
    for text in texts:
        if batch and (len(batch) == BATCH or length + len(text) > BATCH_CHARACTERS):
            yield batch
            batch, length = [], 0
        batch.append(text)
        length += len(text)
    if batch:
        yield batch

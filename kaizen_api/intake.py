"""From what an application says to what is stored: checked, cut, masked, with an id and a time.

Every door (producer, HTTP, files) passes here, so nothing unmasked and no plain user id ever reaches Redis. The same
interaction gives the same record: where it has no id, one is derived from its masked content.
"""

import hashlib
import hmac
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

import msgspec
from msgspec.structs import replace

from kaizen_api import spans
from kaizen_api.errors import Invalid
from kaizen_api.masking import mask, mask_value
from kaizen_api.schema import MAX_FUTURE_SECONDS, MAX_NAMES, MAX_TEXT_BYTES, Interaction, Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = frozenset(Interaction.__struct_fields__)
_MAX_METADATA_BYTES = MAX_TEXT_BYTES
_MASKED_CHARACTERS = 2 * MAX_TEXT_BYTES  # more is cut off anyway, unless masking shortened it by half

_SURELY_SHORT = MAX_TEXT_BYTES // 4  # characters take four bytes at most
_CONTENT = tuple(name for name in Record.__struct_fields__ if name not in {"id", "occurred_at", "trace"})
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")


class _Decoded(Interaction, forbid_unknown_fields=True):
    """The same fields, of JSON that had no others: their types and ranges are right."""


_ONE = msgspec.json.Decoder(_Decoded)
_MANY = msgspec.json.Decoder(list[_Decoded])


def decode(line: bytes | str) -> Interaction:
    """One interaction from JSON; unknown fields go under `metadata`.

    Raises:
        Invalid: not JSON, not an object, a wrong type or range; the text names the field.
    """
    try:
        return _ONE.decode(line)
    except msgspec.ValidationError:
        return from_mapping(_object(line))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"not JSON in UTF-8: {error}") from None
    except RecursionError:
        raise Invalid("nested too deeply: send what you break down by") from None


def decode_array(text: bytes) -> Sequence[Interaction] | None:
    """All interactions of a JSON array; None where one of them needs a look of its own, with `decode`."""
    try:
        return _MANY.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _object(line: bytes | str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"not an interaction in UTF-8: {error}") from None


def from_mapping(fields: Mapping[str, Any]) -> Interaction:
    """One interaction from a mapping; unknown fields go under `metadata`, None and absent are the same.

    Raises:
        Invalid: a wrong type or range; the text names the field.
    """
    known = {name: value for name, value in fields.items() if name in _FIELDS and value is not None}
    unknown = {name: value for name, value in fields.items() if name not in _FIELDS}
    if unknown:
        metadata = known.get("metadata", {})
        known["metadata"] = {**metadata, **unknown} if isinstance(metadata, Mapping) else metadata
    try:
        return msgspec.convert(known, Interaction)
    except msgspec.ValidationError as error:
        raise Invalid(_remedy(str(error))) from None


def _remedy(message: str) -> str:
    if "missing required field `query`" in message:
        return "the field `query` is missing: every interaction needs the text that was asked"
    return message


class Intake:
    """Turns interactions into records for one tenant.

    Args:
        user_key: Secret of the keyed hash of user ids, shared by all producers of an installation.
    """

    def __init__(self, user_key: bytes) -> None:
        self._token = lru_cache(4096)(self.token)
        self._hash = lru_cache(4096)(partial(_keyed, user_key))  # the same users and conversations come again and again

    def record(self, interaction: Interaction, *, now: float | None = None) -> Record:
        """The record to store.

        Args:
            interaction: Built in Python or decoded; checked either way.
            now: Seconds since the epoch that stand in for an absent `occurred_at` and bound the future.

        Raises:
            Invalid: a wrong type or range, a blank query, a time too far ahead; the text names the field.
        """
        checked = interaction if type(interaction) is _Decoded else _checked(interaction)
        try:
            return self._record(checked, now=time.time() if now is None else now)
        except UnicodeEncodeError:
            raise Invalid("a text holds half of a surrogate pair: send valid UTF-8") from None

    def _record(self, checked: Interaction, *, now: float) -> Record:
        query, query_cut = _text(checked.query)
        response, response_cut = _text(checked.response)  # an empty one is an answer that says nothing, none is not
        if not query.strip():
            raise Invalid("`query` is blank: every interaction needs the text that was asked")
        record = Record(
            id=self.token(checked.id) or "",
            occurred_at=_microseconds(checked.occurred_at, now=now),
            query=query,
            session=checked.session_id and self._token(checked.session_id),
            user=checked.user_id and self._hash(checked.user_id),
            response=None if checked.response is None else response,
            response_time=checked.response_time,
            error=checked.error and _word(checked.error),
            feedback=checked.feedback,
            level=checked.consciousness_level,
            critics={_word(name): score for name, score in checked.critics.items()} if checked.critics else None,
            accepted=checked.accepted,
            entry_ids=[_word(entry) for entry in checked.entry_ids] if checked.entry_ids else None,
            model=checked.model and _word(checked.model),
            tool=checked.tool and _word(checked.tool),
            metadata=_metadata(checked.metadata),
            truncated=query_cut or response_cut,
            trace=spans.here(),
        )
        if not record.id:
            return replace(record, id=_content_id(record, timed=checked.occurred_at is not None))
        record.id.encode()
        return record

    def token(self, value: str | None) -> str | None:
        """An opaque name as it is, unless personal data stands in it: then its keyed hash, so that it still joins."""
        return value if value is None or mask(value) == value else self._hash(value)


def _keyed(key: bytes, value: str) -> str:
    return hmac.digest(key, value.encode(), "sha256").hex()[:20]


def _checked(interaction: Interaction) -> Interaction:
    if not isinstance(interaction, Interaction):
        raise Invalid(f"got a {type(interaction).__name__}: give an Interaction, like Interaction(query=...)")
    builtins = {name: value for name in _FIELDS if (value := getattr(interaction, name, None)) is not None}
    scores = builtins.get("critics")
    numbers = {**builtins, **scores} if isinstance(scores, Mapping) else builtins
    for name, value in numbers.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise Invalid(f"`{name}` is {value}: give a finite number, or leave it out")
    try:
        return msgspec.convert(builtins, Interaction)
    except msgspec.ValidationError as error:
        raise Invalid(_remedy(str(error))) from None


def _microseconds(occurred_at: datetime | None, *, now: float) -> int:
    if occurred_at is None:
        return int(now * 1e6)
    moment = occurred_at if occurred_at.tzinfo else occurred_at.replace(tzinfo=UTC)
    if moment.timestamp() > now + MAX_FUTURE_SECONDS:
        raise Invalid(
            f"`occurred_at` is {moment.isoformat()}, more than 24 h in the future: check the clock or the unit"
        )
    return int((moment - _EPOCH).total_seconds() * 1e6)


_word = lru_cache(4096)(mask)
"""For what is said again and again: models, tools, kinds of error."""


def _text(text: str | None) -> tuple[str, bool]:
    """Masked first, then cut: a cut through a number would hide it from the mask."""
    if not text:
        return "", False
    masked = mask(text[:_MASKED_CHARACTERS])
    if len(text) <= _SURELY_SHORT and len(masked) <= _SURELY_SHORT:
        return masked, False
    encoded = masked.encode()
    if len(encoded) <= MAX_TEXT_BYTES and len(text) <= _MASKED_CHARACTERS:
        return masked, False
    return encoded[:MAX_TEXT_BYTES].decode(errors="ignore"), True


def _metadata(metadata: dict[str, Any] | None) -> dict[str, Any] | None:
    if not metadata:
        return None
    if len(metadata) > MAX_NAMES:
        raise Invalid(f"`metadata` has {len(metadata)} fields, {MAX_NAMES} at most: send what you break down by")
    try:
        encoded = msgspec.json.encode(metadata)
        plain = msgspec.json.decode(encoded)  # sets, bytes and times as what they are in JSON
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Invalid(f"`metadata` is not JSON: {error}") from None
    if len(encoded) > _MAX_METADATA_BYTES:
        raise Invalid(
            f"`metadata` takes {len(encoded)} bytes, {_MAX_METADATA_BYTES} at most: send what you break down by"
        )
    masked: dict[str, Any] = mask_value(plain)
    try:
        _ENCODER.encode(masked)
    except OverflowError:
        raise Invalid("`metadata` holds a whole number of more than 64 bits: send it as text") from None
    return masked


def _content_id(record: Record, *, timed: bool) -> str:
    fields = {name: getattr(record, name) for name in _CONTENT}
    fields["response"] = record.response or None  # as it was before an empty one was told from none: the same id
    if timed:
        fields["occurred_at"] = record.occurred_at
    return "c" + hashlib.blake2b(_ENCODER.encode(fields), digest_size=12).hexdigest()

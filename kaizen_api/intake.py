"""From what an application says to what is stored: checked, cut, masked, with an id and a time.

Every door (producer, HTTP, files) passes here, so nothing unmasked and no plain user id ever reaches Redis. The same
interaction gives the same record: where it has no id, one is derived from its masked content.
"""

import hashlib
import hmac
import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from kaizen_api.errors import Invalid
from kaizen_api.masking import mask, mask_value
from kaizen_api.schema import MAX_FUTURE_SECONDS, MAX_NAMES, MAX_TEXT_BYTES, Interaction, Record

_FIELDS = frozenset(Interaction.__struct_fields__)
_MAX_METADATA_BYTES = MAX_TEXT_BYTES
_MASKED_CHARACTERS = 2 * MAX_TEXT_BYTES  # more is cut off anyway, unless masking shortened it by half

_CONTROLS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor movements
    r"|\x1b[\]PX^_][^\x07\x1b]{0,256}(?:\x07|\x1b\\)?"  # titles and other strings for the terminal
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")


class _Strict(Interaction, forbid_unknown_fields=True):
    """The same fields; tells at decoding speed whether there are others."""


_STRICT = msgspec.json.Decoder(_Strict)


def decode(line: bytes | str) -> Interaction:
    """One interaction from JSON; unknown fields go under `metadata`.

    Raises:
        Invalid: not JSON, not an object, a wrong type or range; the text names the field.
    """
    try:
        return _STRICT.decode(line)
    except msgspec.ValidationError:
        return from_mapping(_object(line))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"not JSON in UTF-8: {error}") from None
    except RecursionError:
        raise Invalid("nested too deeply: send what you break down by") from None


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
        self._user_key = user_key

    def record(self, interaction: Interaction, *, now: float | None = None) -> Record:
        """The record to store.

        Args:
            interaction: Built in Python or decoded; checked here either way.
            now: Seconds since the epoch that stand in for an absent `occurred_at` and bound the future.

        Raises:
            Invalid: a wrong type or range, a blank query, a time too far ahead; the text names the field.
        """
        try:
            return self._record(interaction, now=time.time() if now is None else now)
        except UnicodeEncodeError:
            raise Invalid("a text holds half of a surrogate pair: send valid UTF-8") from None

    def _record(self, interaction: Interaction, *, now: float) -> Record:
        checked = _checked(interaction)
        occurred_at = _microseconds(checked.occurred_at, now=now)
        query, query_cut = _text(checked.query)
        response, response_cut = _text(checked.response)
        if not query.strip():
            raise Invalid("`query` is blank: every interaction needs the text that was asked")
        fields: dict[str, Any] = {
            "query": query,
            "session": self.token(checked.session_id),
            "user": self._hash(checked.user_id),
            "response": response or None,
            "response_time": checked.response_time,
            "error": _name(checked.error) if checked.error else None,
            "feedback": checked.feedback,
            "level": checked.consciousness_level,
            "critics": {_name(name): score for name, score in (checked.critics or {}).items()} or None,
            "accepted": checked.accepted,
            "entry_ids": [_name(entry) for entry in checked.entry_ids or ()] or None,
            "model": _name(checked.model) if checked.model else None,
            "tool": _name(checked.tool) if checked.tool else None,
            "metadata": _metadata(checked.metadata),
            "truncated": query_cut or response_cut,
        }
        content_id = _content_id(fields if checked.occurred_at is None else {**fields, "occurred_at": occurred_at})
        interaction_id = self.token(checked.id) or content_id
        interaction_id.encode()
        return Record(id=interaction_id, occurred_at=occurred_at, **fields)

    def _hash(self, value: str | None) -> str | None:
        return value and hmac.new(self._user_key, value.encode(), hashlib.sha256).hexdigest()[:20]

    def token(self, value: str | None) -> str | None:
        """An opaque name as it is, unless personal data stands in it: then its keyed hash, so that it still joins."""
        return value if value is None or _name(value) == value else self._hash(value)


def _checked(interaction: Interaction) -> Interaction:
    builtins = {name: value for name in _FIELDS if (value := getattr(interaction, name, None)) is not None}
    for name, value in [*builtins.items(), *(builtins.get("critics") or {}).items()]:
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
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)


def _name(text: str) -> str:
    """Masked, and without what drives a terminal: nothing that is stored can do so wherever it is shown."""
    return mask(_CONTROLS.sub("", text) if _CONTROLS.search(text) else text)


def _text(text: str | None) -> tuple[str, bool]:
    """Masked first, then cut: a cut through a number would hide it from the mask."""
    if not text:
        return "", False
    masked = _name(text[:_MASKED_CHARACTERS])
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
    return masked


def _content_id(fields: dict[str, Any]) -> str:
    return "c" + hashlib.blake2b(_ENCODER.encode(fields), digest_size=12).hexdigest()

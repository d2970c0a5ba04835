"""The shape of an OTLP request in JSON, down to its spans or log records; what is in those, each reader sees itself."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kaizen_api.errors import Invalid

_Objects = list[dict[str, Any]] | None


class _Attributed(msgspec.Struct):
    attributes: _Objects = None


class _Spans(msgspec.Struct):
    spans: list[_Attributed] | None = None


class _Records(msgspec.Struct, rename="camel"):
    log_records: list[_Attributed] | None = None


class _OfSpans(msgspec.Struct, rename="camel"):
    resource: _Attributed | None = None
    scope_spans: list[_Spans] | None = None


class _OfRecords(msgspec.Struct, rename="camel"):
    resource: _Attributed | None = None
    scope_logs: list[_Records] | None = None


class _Traces(msgspec.Struct, rename="camel"):
    resource_spans: list[_OfSpans] | None = None


class _Logs(msgspec.Struct, rename="camel"):
    resource_logs: list[_OfRecords] | None = None


_SHAPES: Mapping[str, type[msgspec.Struct]] = {"traces": _Traces, "logs": _Logs}


def check_shape(payload: Any, signal: str) -> None:
    """Nothing, where it has the shape; fields that are absent, null or unknown are allowed, as the protocol has it.

    Args:
        payload: Decoded JSON.
        signal: "traces" or "logs".

    Raises:
        Invalid: it has not; the text names the field.
    """
    try:
        msgspec.convert(payload, _SHAPES[signal])
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        field = place.strip("`").removeprefix("$").removeprefix(".") or "the body"
        raise Invalid(f"no OTLP {signal} in JSON: {field}: {what[:1].lower()}{what[1:]}") from None

"""OTLP in protobuf as the mapping that OTLP in JSON is, so that one reading serves both.

The protocol's own JSON mapping differs from protobuf's: ids are hexadecimal and enums numbers.
"""

import base64
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from kaizen_api.errors import Invalid

_REQUESTS: dict[str, type[Message]] = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}


def decode_request(body: bytes, signal: str) -> dict[str, Any]:
    """A request as OTLP in JSON has it.

    Args:
        body: The encoded ExportTraceServiceRequest or ExportLogsServiceRequest.
        signal: "traces" or "logs".

    Raises:
        Invalid: it is no such message.
    """
    try:
        message = _REQUESTS[signal].FromString(body)
    except DecodeError:
        raise Invalid(f"the body is no protobuf message of OTLP {signal}") from None
    return _mapping(message)


def _mapping(message: Message) -> dict[str, Any]:
    return {field.json_name: _value(field, value) for field, value in message.ListFields()}


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.is_repeated:
        return [_single(field, item) for item in value]
    return _single(field, value)


def _single(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _mapping(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode() if field.name == "bytes_value" else value.hex()
    return value


def encode_answer(signal: str, *, rejected: int, message: str) -> bytes:
    """The answer with its `partial_success`; empty where everything was taken, as the protocol says."""
    if not rejected:
        return b""
    if signal == "traces":
        spans = ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
        return ExportTraceServiceResponse(partial_success=spans).SerializeToString()
    records = ExportLogsPartialSuccess(rejected_log_records=rejected, error_message=message)
    return ExportLogsServiceResponse(partial_success=records).SerializeToString()

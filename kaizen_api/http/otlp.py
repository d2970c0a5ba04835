"""POST /v1/traces and /v1/logs: OTLP over HTTP, in protobuf and JSON, plain, gzip or deflate.

A span or record that is no conversation is left aside in silence, as exporters send all they have. One that is and
cannot be taken is counted in `partial_success`, after Redis has the others; an exporter does not send it again.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from kaizen_api.errors import Invalid, Unavailable
from kaizen_api.formats.contract import Refused
from kaizen_api.formats.otlp import interactions_from_logs, interactions_from_traces
from kaizen_api.http.answers import Receipt, Refusal, answer
from kaizen_api.http.batch import Batch, make_batch
from kaizen_api.http.body import is_short, media_type, read_body
from kaizen_api.http.ingest import take
from kaizen_api.http.malformed import complaint
from kaizen_api.http.openapi import body
from kaizen_api.http.problems import ProblemError
from kaizen_api.http.protobuf import decode_request, encode_answer
from kaizen_api.http.service import service_of
from kaizen_api.http.shapes import check_shape
from kaizen_api.http.tenants import tenant_of
from kaizen_api.intake import Intake
from kaizen_api.schema import Interaction

router = APIRouter(tags=["OpenTelemetry"])

PROTOBUF = "application/x-protobuf"
_MEDIA = frozenset({"application/json", PROTOBUF})
_REJECTED = {"traces": "rejectedSpans", "logs": "rejectedLogRecords"}
_READERS: Mapping[str, Callable[[Mapping[str, Any]], Iterable[Interaction | Refused]]] = {
    "traces": interactions_from_traces,
    "logs": interactions_from_logs,
}
_RETRY_AFTER = 3.0
"""Seconds, where less would do: an exporter in Python tries six times, for 10 s if not told otherwise, then drops what
it has; asked to wait for one second each time, it would drop it after five."""
_BODY = body({"application/json": {"type": "object"}, PROTOBUF: {"type": "string", "format": "binary"}})
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Taken; `partialSuccess` says what was not, and why.",
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": {"partialSuccess": {"type": "object"}}},
            },
            PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post("/v1/traces", responses=_ANSWER, openapi_extra=_BODY)
async def traces(request: Request) -> Response:
    """Spans of an OpenTelemetry exporter: GenAI conventions, OpenInference, and the legacy attributes."""
    return await _export(request, "traces")


@router.post("/v1/logs", responses=_ANSWER, openapi_extra=_BODY)
async def logs(request: Request) -> Response:
    """Log records of an OpenTelemetry exporter: events of the GenAI conventions."""
    return await _export(request, "logs")


async def _export(request: Request, signal: str) -> Response:
    try:
        return await _taken(request, signal)
    except Unavailable as error:
        raise type(error)(str(error), retry_after=max(error.retry_after, _RETRY_AFTER)) from None


async def _taken(request: Request, signal: str) -> Response:
    service, tenant = service_of(request), tenant_of(request)
    media = media_type(request, _MEDIA) or "application/json"
    content = await read_body(request)
    intake = await service.door(tenant).intake()
    try:
        if is_short(content):
            batch = _batch(content, media, signal, intake)
        else:
            batch = await asyncio.to_thread(_batch, content, media, signal, intake)
    except Invalid as error:
        raise ProblemError(400, str(error)) from None
    return _answer(await take(service, tenant, batch), media, signal)


def _batch(content: bytes, media: str, signal: str, intake: Intake) -> Batch:
    payload = decode_request(content, signal) if media == PROTOBUF else _decode(content, signal)
    items = enumerate(_READERS[signal](payload))
    return make_batch(((index, _refusal(index, item)) for index, item in items), intake)


def _refusal(index: int, item: Interaction | Refused) -> Interaction | Refusal:
    return Refusal(index=index, reason=item.reason) if isinstance(item, Refused) else item


def _decode(content: bytes, signal: str) -> dict[str, Any]:
    try:
        payload: dict[str, Any] = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is no OTLP request: {complaint(content) or error}") from None
    check_shape(payload, signal)
    return payload


def _answer(receipt: Receipt, media: str, signal: str) -> Response:
    rejected = len(receipt.refused)
    message = f"{receipt.refused[0].reason}" if rejected else ""
    if media == PROTOBUF:
        return Response(encode_answer(signal, rejected=rejected, message=message), media_type=PROTOBUF)
    if not rejected:
        return answer({})
    return answer({"partialSuccess": {_REJECTED[signal]: str(rejected), "errorMessage": message}})

"""POST /v1/interactions: taken, counted, refused; answered only after Redis has what was taken."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from kaizen_api.http.answers import Receipt, Refusal, answer
from kaizen_api.http.batch import JSON, LINES, Batch, read_batch
from kaizen_api.http.body import media_type, read_body
from kaizen_api.http.openapi import body, described
from kaizen_api.http.problems import ProblemError, problem_of
from kaizen_api.http.service import Service, service_of
from kaizen_api.http.tenants import tenant_of

_PATH = "/v1/interactions"

router = APIRouter(tags=["interactions"])

_BODY = body(
    {
        "application/json": {
            "oneOf": [
                {"$ref": "#/components/schemas/Interaction"},
                {"type": "array", "items": {"$ref": "#/components/schemas/Interaction"}},
            ]
        },
        "application/x-ndjson": {"type": "string", "description": "An interaction a line."},
    }
)


@router.post(
    _PATH,
    status_code=202,
    responses=described(202, "Receipt", "What was taken, and what was refused and why."),
    openapi_extra=_BODY,
)
async def push(request: Request) -> Response:
    """Take one interaction, an array of them, or NDJSON, plain, gzip or deflate; each of at most 4 MiB.

    Sending the same again is harmless: it is counted once. What is wrong is refused alone; where everything is, the
    answer is 422 with the same counts.
    """
    service, tenant = service_of(request), tenant_of(request)
    media = media_type(request, JSON | LINES)
    content = await read_body(request)
    batch = await read_batch(content, media, await service.door(tenant).intake())
    receipt = await take(service, tenant, batch)
    check_any_taken(receipt.refused, taken=len(batch.records))
    return answer(receipt, 202)


class Front:
    """The same as plain ASGI, before all of the application's routing, which every single interaction would pay for.

    Args:
        app: The application, whose own route serves where this one is mounted under another.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is raised is answered as everywhere."""
        if scope["type"] != "http" or scope["path"] != _PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = router.routes[0]  # by which the request is known where it is traced
        request = Request(scope, receive)
        try:
            response = await push(request)
        except Exception as error:  # noqa: BLE001  # what nobody expects is raised again
            response = await problem_of(request, error)
        await response(scope, receive, send)


async def take(service: Service, tenant: str, batch: Batch) -> Receipt:
    """Append what is good and count what is not.

    Raises:
        Unavailable: Redis does not answer, or the stream is full.
    """
    taken = await service.door(tenant).append(batch.records)
    await service.count_refused(tenant, len(batch.refused))
    return Receipt(accepted=taken.accepted, duplicate=taken.duplicate, refused=list(batch.refused))


def check_any_taken(refused: Sequence[Refusal], *, taken: int) -> None:
    """Raise 422 where everything was refused."""
    if refused and not taken:
        more = {"accepted": 0, "duplicate": 0, "refused": list(refused)}
        raise ProblemError(422, f"every interaction was refused; the first: {refused[0].reason}", more=more)

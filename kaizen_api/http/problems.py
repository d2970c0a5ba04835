"""Every error as a problem document (RFC 9457), with the remedy and without internals.

The status follows from the class: wrong input 4xx, what may go through later 429 or 503 with Retry-After.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from redis import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from kaizen_api.connection import unavailable
from kaizen_api.errors import (
    Backpressure,
    Conflict,
    Invalid,
    InvalidConfig,
    KaizenError,
    NotFound,
    Unavailable,
)
from kaizen_api.http.answers import problem_answer
from kaizen_api.http.service import service_of

_STATUS: tuple[tuple[type[KaizenError], int], ...] = (
    # the first that fits
    (NotFound, 404),
    (Conflict, 409),
    (InvalidConfig, 500),
    (Invalid, 422),
    (Backpressure, 429),
    (Unavailable, 503),
)


_ROUTES = {
    "`kaizen topics`": "GET /v1/topics",
    "`kaizen insights`": "GET /v1/insights",
    "`kaizen gaps`": "GET /v1/gaps",
    "`kaizen effects`": "GET /v1/effects",
    "`kaizen kb search` finds some": "GET /v1/entries lists them",
    "`kaizen analyze`": "POST /v1/analyses",
    "`kaizen analyze --list`": "GET /v1/analyses",
}
"""The remedies of a terminal → those of whoever calls over HTTP."""


class ProblemError(Exception):
    """An answer other than success, raised where it is found.

    Args:
        status: HTTP status.
        detail: What is wrong with this request, and the remedy.
        headers: Of the answer.
        more: Further fields of the document.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.more = more or {}


def problem(
    status: int, detail: str, *, headers: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None
) -> Response:
    """A problem document."""
    return problem_answer(status, detail, title=HTTPStatus(status).phrase, headers=headers or {}, more=more or {})


def describe_problems(app: FastAPI) -> None:
    """Have every error of the application answered with a problem document."""
    for kind, answer in _ANSWERS:
        app.exception_handler(kind)(answer)
    app.exception_handler(Exception)(_unexpected)


async def problem_of(request: Request, error: Exception) -> Response:
    """What an error is answered with; one that nobody expects is raised again, for the server's log."""
    for kind, answer in _ANSWERS:
        if isinstance(error, kind):
            return await answer(request, error)
    raise error


async def _raised(_: Request, error: ProblemError) -> Response:
    return problem(error.status, error.detail, headers=error.headers, more=error.more)


async def _ours(request: Request, error: KaizenError) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return await _unexpected(request, error)
    wait = {"Retry-After": str(math.ceil(error.retry_after))} if isinstance(error, Unavailable) else {}
    return problem(status, _over_http(str(error)), headers=wait)


def _over_http(detail: str) -> str:
    for command, route in _ROUTES.items():
        detail = detail.replace(command, route)
    return detail


async def _redis(request: Request, error: RedisError) -> Response:
    """Whatever the engine does not translate itself."""
    return await _ours(request, unavailable(error, service_of(request).config))


async def _http(_: Request, error: HTTPException) -> Response:
    return problem(error.status_code, str(error.detail), headers=error.headers)


async def _validation(_: Request, error: RequestValidationError) -> Response:
    """Says where and what, and never repeats the input."""
    errors = [{"place": ".".join(map(str, each["loc"])), "reason": each["msg"]} for each in error.errors()]
    detail = "; ".join(f"{each['place']}: {each['reason']}" for each in errors)
    return problem(422, detail, more={"errors": errors})


async def _gone(_: Request, __: ClientDisconnect) -> Response:
    return problem(400, "the request ended before its body did")


async def _unexpected(_: Request, __: Exception) -> Response:
    return problem(500, "an error on our side; the server's log has it")


_ANSWERS: tuple[tuple[type[Exception], Callable[[Request, Any], Awaitable[Response]]], ...] = (
    (ProblemError, _raised),
    (KaizenError, _ours),
    (RedisError, _redis),
    (HTTPException, _http),
    (RequestValidationError, _validation),
    (ClientDisconnect, _gone),
)

"""What answers look like: JSON that is never cached or guessed at, and the shapes that are no struct of the schema."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import Response

from kaizen_api.rendering import plain

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Refusal(msgspec.Struct, kw_only=True, frozen=True):
    """One interaction that was not taken."""

    index: int  # into the array, or among the lines that are not blank, from 0
    reason: str


class Receipt(msgspec.Struct, kw_only=True, frozen=True):
    """What became of a request's interactions; it is given only after Redis has what was accepted."""

    accepted: int
    duplicate: int  # their id was taken before: counted once
    refused: list[Refusal]


class Problem(msgspec.Struct, kw_only=True, frozen=True):
    """An error, by RFC 9457; more fields may follow where they help."""

    type: str
    title: str
    status: int
    detail: str


def answer(value: Any, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Structs and plain values as JSON, with every field and readable times."""
    return Response(
        msgspec.json.encode(plain(value)),
        status,
        media_type="application/json",
        headers={**_HEADERS, **(headers or {})},
    )


def problem_answer(status: int, detail: str, *, title: str, headers: Mapping[str, str], more: Any) -> Response:
    """A problem document."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(
        msgspec.json.encode({**document, **plain(more)}),
        status,
        media_type="application/problem+json",
        headers={**_HEADERS, **headers},
    )

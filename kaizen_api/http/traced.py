"""A span for each request under /v1/, which goes on the trace of whoever asks.

It holds the route, never the address as it came: what is looked up stands in that.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from kaizen_api import spans

_ID = re.compile(r"[\w.:-]{1,64}")  # ours are such; what else is asked for may be anything


class Traced:
    """Serves with a span around what serves.

    Args:
        app: What serves.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return

        async def noting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                _note(scope, message["status"])
            await send(message)

        parent = Headers(scope=scope).get(spans.TRACEPARENT)
        with spans.span(scope["method"], kind="SERVER", parent=parent):
            try:
                await self._app(scope, receive, noting)
            except Exception:
                _note(scope, 500)  # which is said further outside
                raise


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def sending(lifespan: Lifespan, send: Callable[[], None]) -> Lifespan:
    """The same, with the last spans sent before the process is done."""

    @asynccontextmanager
    async def longer(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app):
            yield
        await asyncio.to_thread(send)

    return longer


def _note(scope: Scope, status: int) -> None:
    route = getattr(scope.get("route"), "path", "")
    present = spans.loaded().get_current_span()
    if route:
        present.update_name(f"{scope['method']} {route}")
    named = {"http.request.method": scope["method"], "http.route": route, "http.response.status_code": status}
    present.set_attributes({name: value for name, value in named.items() if value})
    spans.note(**{name: it for name, it in scope.get("path_params", {}).items() if _ID.fullmatch(str(it))})
    if status >= 500:  # noqa: PLR2004  # what is wrong with us, not with what was asked
        spans.failed(str(status))

"""A session with an MCP server over streamable HTTP, bounded in bytes; here alone the SDK is imported."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from kaizen_api.errors import Unavailable


@asynccontextmanager
async def connected(url: str, *, headers: Mapping[str, str], most: int) -> AsyncIterator[ClientSession]:
    """A session that has been greeted. The caller sets a deadline.

    Redirections leave neither the server nor the method; proxies are not used.

    Args:
        url: The endpoint.
        headers: Of every request.
        most: Bytes of all answers together.
    """
    sent = {"Accept-Encoding": "identity", **headers}
    async with (
        httpx2.AsyncClient(transport=_Bounded(most), headers=sent, trust_env=False, timeout=None) as client,
        streamable_http_client(url, http_client=client) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        yield session


class _Bounded(httpx2.AsyncHTTPTransport):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._left = most

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise Unavailable("the MCP server packs what was to come plain")
        stream = response.stream
        if isinstance(stream, httpx2.AsyncByteStream):
            response.stream = _Counted(stream, self)
        return response

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise Unavailable("the MCP server answers with too many bytes")


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, bound: _Bounded) -> None:
        self._stream = stream
        self._bound = bound

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._bound.take(len(chunk))
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()

"""Any MCP server with a search tool, by the official SDK: what the tool takes and answers is read from itself.

The server is the operator's choice; an answer has a deadline and a bound of bytes, and is no instruction to anybody.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from kaizen_api.errors import Unavailable
from kaizen_worker.search.service import PATIENCE, Service
from kaizen_worker.types import Passage

if TYPE_CHECKING:
    from mcp.types import CallToolResult, Tool

_QUERY = ("query", "q", "search", "search_query", "question", "text", "keywords")
_LIMIT = ("limit", "max_results", "num_results", "count", "top_k", "k", "n")
_TITLE = ("title", "name", "headline")
_TEXT = ("text", "content", "snippet", "summary", "abstract", "description", "body")
_URL = ("url", "link", "uri", "href", "source")


class Mcp:
    """What a tool of a server finds, reached by streamable HTTP.

    Args:
        service: The server's endpoint, with its key, if any; its bounds are those of one search, with the greeting.
        tool: The tool's name.
        trust: Of its passages.
    """

    name = "mcp"

    def __init__(self, service: Service, *, tool: str, trust: float) -> None:
        self._service = service
        self._tool = tool
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """The tool's results; no scores, for there is no common one.

        Raises:
            Unavailable: The extra is not installed, or the server or its tool gives no answer that can be read.
        """
        with self._service.pace.turn(patience=PATIENCE, longest=self._service.door.seconds + 1):
            try:
                answer = anyio.run(self._ask, query, limit)
            except ImportError:
                raise Unavailable("the source mcp is an extra: pip install 'kaizen[mcp]'") from None
            except Exception as error:  # noqa: BLE001  # the SDK raises groups of whatever its tasks raise
                raise _told(error) from None
        return [
            Passage(self.name, title, text, url, score=0.0, trust=self._trust)
            for title, text, url in results(answer)[:limit]
        ]

    async def _ask(self, query: str, limit: int) -> "CallToolResult":
        from kaizen_worker.search.mcp_wire import connected  # noqa: PLC0415  # an extra

        place, bounds = self._service, self._service.door
        headers = {"User-Agent": bounds.agent, **place.headers}
        with anyio.fail_after(bounds.seconds):
            async with connected(str(place.base), headers=headers, most=bounds.most) as session:
                tools = {tool.name: tool for tool in (await session.list_tools()).tools}
                if self._tool not in tools:
                    raise Unavailable(
                        f"the MCP server has no tool {self._tool}: it has {', '.join(sorted(tools))[:200]}"
                    )
                answer: CallToolResult = await session.call_tool(self._tool, arguments(tools[self._tool], query, limit))
        if answer.is_error:
            raise Unavailable(f"the tool {self._tool} of the MCP server failed")
        return answer


def arguments(tool: "Tool", query: str, limit: int) -> dict[str, str | int]:
    """Query and limit under the names that the tool's schema has for them.

    Raises:
        Unavailable: It takes no query under any name we know, or needs more than that.
    """
    known: Mapping[str, Any] = tool.input_schema.get("properties", {})
    asked = next((name for name in _QUERY if name in known), None)
    most = next((name for name in _LIMIT if name in known), None)
    needed = set(tool.input_schema.get("required", ())) - {asked, most}
    if asked is None or needed:
        raise Unavailable(f"the tool {tool.name} is no search: it takes {', '.join(sorted(known))[:200] or 'nothing'}")
    return {asked: query} | ({most: limit} if most else {})


def results(answer: "CallToolResult") -> list[tuple[str, str, str]]:
    """Title, text and address of each result: of what is structured, of JSON in a text, or the texts themselves."""
    found = _rows(answer.structured_content)
    texts = [block.text for block in answer.content if block.type == "text"]
    if not found:
        found = [row for text in texts for row in _rows(_decoded(text))]
    read = [(_first(row, _TITLE), _first(row, _TEXT), _first(row, _URL)) for row in found]
    if kept := [one for one in read if one[1].strip()]:
        return kept
    return [("", text, "") for text in texts if text.strip() and _decoded(text) is None]


def _rows(value: object) -> Sequence[Mapping[str, object]]:
    """The objects of a list, or of the first list in an object."""
    if isinstance(value, Mapping):
        lists = [part for part in value.values() if isinstance(part, list)]
        value = lists[0] if lists else [value]
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _decoded(text: str) -> object:
    try:
        decoded: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict | list) else None


def _first(row: Mapping[str, object], names: Sequence[str]) -> str:
    return next((value for name in names if isinstance(value := row.get(name), str)), "")


def _told(error: BaseException) -> Unavailable:
    """What lies inmost in groups of errors: ours as it is, another one by its kind alone."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    if isinstance(error, Unavailable):
        return error
    return Unavailable(f"the MCP server gives no answer ({type(error).__name__})")

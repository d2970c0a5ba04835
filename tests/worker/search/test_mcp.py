"""MCP servers made with the official SDK, on a real socket; and one that is none."""

import socket
import threading
from importlib.util import find_spec

import pytest
import uvicorn

from kaizen_api.errors import Unavailable

if find_spec("mcp") is None:
    pytest.skip("the extra is not installed: pip install 'kaizen[mcp]'", allow_module_level=True)

from mcp.server import MCPServer

KEY = "sk-secret-0123456789"


@pytest.fixture(scope="module")
def library():
    """URL of an endpoint with tools of every kind."""
    made = MCPServer("library")

    @made.tool()
    def search(query: str, limit: int = 5) -> list[dict[str, str]]:
        rows = [{"title": f"{query} {n}", "content": f"Text {n}.", "url": f"https://a.example/{n}"} for n in range(9)]
        return rows[:limit]

    @made.tool()
    def ask(q: str) -> str:
        return f"Freeze it: {q}"

    @made.tool()
    def nothing(query: str) -> list[dict[str, str]]:
        return [] if query else [{}]

    @made.tool()
    def fail(query: str) -> str:
        raise ValueError(query)

    @made.tool()
    def flood(query: str) -> str:
        return query[0] * 5_000_000

    @made.tool()
    def delete(query: str, folder: str) -> str:
        return query + folder

    listening = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(made.streamable_http_app(), log_config=None, lifespan="on", ws="none"))
    serving = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    serving.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
    running.should_exit = True
    serving.join()
    listening.close()


def test_structured_results_are_passages(library, source):
    passages = source("mcp", url=library, index="search").search("card", limit=3)
    assert [(one.title, one.text, one.url) for one in passages] == [
        (f"card {n}", f"Text {n}.", f"https://a.example/{n}") for n in range(3)
    ]
    assert {(one.source, one.trust) for one in passages} == {("mcp", 0.5)}


def test_a_text_is_a_passage(library, source):
    [one] = source("mcp", url=library, index="ask").search("card", limit=3)
    assert one.text.strip('{"}').endswith("Freeze it: card")


def test_nothing_is_no_error(library, source):
    assert source("mcp", url=library, index="nothing").search("card", limit=3) == []


@pytest.mark.parametrize(
    ("tool", "told"),
    [("fail", "failed"), ("flood", "no answer|too many"), ("delete", "no search"), ("gone", "no tool")],
)
def test_a_tool_that_fails_or_is_no_search_is_told(tool, told, library, source):
    with pytest.raises(Unavailable, match=told):
        source("mcp", url=library, index=tool).search("card", limit=3)


@pytest.mark.parametrize("status", [302, 401, 404, 500, 200])
def test_a_server_that_is_no_mcp_server(status, source, contract):
    contract.always(status, b"{}", Location="http://site.example/")
    with pytest.raises(Unavailable) as error:
        source("mcp", index="search").search("card", limit=3)
    assert KEY not in f"{error.value!r}"
    sent = {name.lower(): value for name, value in contract.asked[0].headers.items()}
    assert sent["authorization"] == f"Bearer {KEY}"


@pytest.mark.timeout(30)
def test_a_server_that_drips_ends(source, contract):
    contract.answer = lambda _asked: lambda handler: handler.drip()
    with pytest.raises(Unavailable, match="TimeoutError"):
        source("mcp", index="search").search("card", limit=3)

"""What the doctor says of sources: a server that answers, one that does not, a folder that is not there."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kaizen_api import KaizenConfig
from kaizen_worker.checks import _sources


@pytest.fixture
def url():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"hits": [{"title": "T", "text": "Water."}]}).encode()
            self.send_response(200 if self.path == "/indexes/docs/search" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def test_each_source_is_asked(config, url, tmp_path):
    def checks(index, **more):
        chosen = {"search_sources": ["folder", "meilisearch"], "search": {"meilisearch": {"url": url, "index": index}}}
        return _sources(KaizenConfig(**config.to_legacy_dict() | chosen | more))

    [well] = checks("docs")
    assert (well.name, well.ok) == ("search source meilisearch", True)
    [ill] = checks("gone")
    assert (ill.ok, "404" in ill.detail, "docs/sources.md" in ill.remedy) == (False, True, True)
    folder, _ = checks("docs", documents_path=tmp_path / "none")
    assert (folder.name, folder.ok) == ("search source folder", False)


def test_no_source_is_told_and_no_failure(config):
    [check] = _sources(config)
    assert check.ok
    assert "none" in check.detail


def test_a_source_that_is_stuck_is_told_and_ends_the_look(config):
    """It takes the connection and never answers: the look ends by the time-out of the door to the web."""
    with socket.create_server(("127.0.0.1", 0)) as stuck:
        url = f"http://127.0.0.1:{stuck.getsockname()[1]}"
        chosen = {"search_sources": ["meilisearch"], "search": {"meilisearch": {"url": url, "index": "docs"}}}
        [check] = _sources(KaizenConfig(**config.to_legacy_dict() | chosen))
    assert (check.name, check.ok) == ("search source meilisearch", False)
    assert "no whole answer within" in check.detail

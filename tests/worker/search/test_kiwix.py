"""kiwix-serve itself, over a ZIM file that is written here."""

import shutil
import socket
import struct
import subprocess
import zlib

import httpx
import pytest

from kaizen_api.errors import Unavailable
from kaizen_api.processes import Processes

ARTICLES = {
    "Stolen cards": "To freeze a stolen card, open the app, choose Cards, then Freeze.",
    "Cheese": "Cheese is made of milk and rennet, and is aged in caves for months.",
    "Opening hours": "The branch opens at nine and closes at five on weekdays.",
    "Foreign fees": "Withdrawing cash abroad costs two percent, at least three euros.",
}


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + b"\xff" * 48 * 3 for _ in range(48)))
    head = struct.pack(">IIBBBBB", 48, 48, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def kiwix(tmp_path_factory):
    """URL of the server."""
    missing = [tool for tool in ("kiwix-serve", "zimwriterfs") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed: apt-get install kiwix-tools zim-tools")
    folder = tmp_path_factory.mktemp("kiwix")
    (folder / "html").mkdir()
    (folder / "html/icon.png").write_bytes(png())
    for title, text in ARTICLES.items():
        page = (
            f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
        )
        (folder / "html" / f"{title.replace(' ', '_')}.html").write_text(page)
    about = ["-w", "Cheese.html", "-I", "icon.png", "-l", "eng", "-t", "Bank", "-d", "Bank", "-c", "we", "-p", "we"]
    subprocess.run(
        ["zimwriterfs", *about, "-n", "bank", "html", "bank.zim"], cwd=folder, check=True, capture_output=True
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Processes() as processes:
        command = ["kiwix-serve", "--address", "127.0.0.1", "--port", str(port), str(folder / "bank.zim")]
        processes.start("kiwix", command, log=folder / "log")
        url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                httpx.get(f"{url}/search?pattern=x&format=xml", timeout=1.0)
                break
            except httpx.HTTPError:
                socket.create_connection(("127.0.0.1", port), timeout=0.05) if False else None
        yield url

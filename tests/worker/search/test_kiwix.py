"""kiwix-serve itself, over a ZIM file that is written here."""

import shutil
import socket
import struct
import subprocess
import zlib

import httpx
import pytest

from kaizen_api.errors import KaizenError, Unavailable

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


@pytest.fixture
def kiwix(tmp_path_factory, wait_until):
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
    url = f"http://127.0.0.1:{port}"
    command = ["kiwix-serve", "--address", "127.0.0.1", "--port", str(port), str(folder / "bank.zim")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as serving:
        wait_until(lambda: answers(url))
        yield url
        serving.terminate()


def answers(url):
    try:
        return httpx.get(f"{url}/search?pattern=x&format=xml", timeout=1.0, trust_env=False).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("book", ["bank", None])
@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How do I freeze my stolen card?", "Stolen cards"),
        ("When does the branch open in the morning?", "Opening hours"),
        ("What does it cost to withdraw cash abroad?", "Foreign fees"),
        ('card OR ("cheese") AND -rennet', "Cheese"),
    ],
)
def test_a_question_finds_its_article(question, title, book, kiwix, source):
    best = source("kiwix", url=kiwix, index=book, key=None).search(question, limit=3)[0]
    assert (best.title, best.source, best.url) == (title, "kiwix", f"{kiwix}/bank/{title.replace(' ', '_')}.html")
    assert ARTICLES[title] in best.text


def test_what_it_does_not_have_it_does_not_find(kiwix, source):
    assert source("kiwix", url=kiwix, index="bank").search("zebra quagga", limit=3) == []


def test_a_book_that_is_not_there_is_told(kiwix, source):
    with pytest.raises(KaizenError):
        source("kiwix", url=kiwix, index="nothing").search("card", limit=3)


def test_a_server_that_is_gone_is_told(source, contract):
    contract.always(500, b"", kind="text/html")
    with pytest.raises(Unavailable):
        source("kiwix").search("card", limit=3)


@pytest.mark.parametrize("link", ["http://127.0.0.1:1/x", "//site.example/x", "../../x y", "", "file:///etc/passwd"])
def test_a_link_leads_to_no_other_server(link, source, contract, internet):
    items = f"<item><title>T</title><link>{link}</link><description>D</description></item>"
    feed = f'<rss version="2.0"><channel>{items}</channel></rss>'.encode()
    contract.always(200, feed, kind="application/rss+xml")
    source("kiwix").search("card", limit=3)
    assert set(internet.connected) == {"127.0.0.1"}
    assert set(internet.looked_up) == {"127.0.0.1"}

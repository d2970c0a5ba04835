"""A server that is slow, endless, packed, wrong or leads elsewhere: every exchange ends, within its bounds."""

import gzip
import time

import httpx
import pytest

from kaizen_api.errors import Invalid, Unavailable

JSON = {"application/json"}
HTML = {"text/html"}
MOST = 100_000


def ask(door, contract, *, own=True, **more):
    return door.ask(httpx.URL(f"{contract.url}/search?q=secret"), own=own, kinds=JSON, **more)


def test_a_server_of_the_operator_is_asked_on_loopback_and_one_of_nobody_is_not(door, contract):
    contract.always(200, {"a": 1})
    assert ask(door(), contract).body == b'{"a": 1}'
    with pytest.raises(Unavailable, match="not public"):
        ask(door(), contract, own=False)
    assert len(contract.asked) == 1


def test_a_redirection_of_a_source_is_an_answer_and_not_followed(door, contract, internet):
    contract.always(302, Location="http://site.example/")
    assert ask(door(), contract, headers={"Authorization": "Bearer k"}).status == 302
    assert internet.connected == ["127.0.0.1"]


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/", "http://2130706433/",
        "//127.0.0.1/", "http://site.example:6379/", "file:///etc/passwd", "http://u:p@site.example/", "",
        "gopher://site.example/", "http://inside.example/",
    ],
)  # fmt: skip
def test_a_redirection_that_leads_inside_is_refused(location, door, contract, internet):
    internet.names["inside.example"] = [["10.0.0.7"]]
    contract.always(302, Location=location)
    with pytest.raises((Invalid, Unavailable)):
        door().read("http://site.example/", kinds=HTML)
    assert internet.connected in (["93.184.216.34"], ["93.184.216.34"] * 4)


def test_redirections_are_followed_a_few_times(door, contract):
    contract.answer = lambda asked: (
        (200, {"Content-Type": "text/html; charset=utf-8"}, b"there")
        if asked.path == "/3"
        else (301, {"Location": f"/{int(asked.path[1:] or 0) + 1}"}, b"")
    )
    answer = door().read("http://site.example/", kinds=HTML)
    assert (answer.body, answer.url, answer.kind) == (b"there", "http://site.example/3", "text/html")
    contract.always(302, Location="/")
    with pytest.raises(Unavailable, match="more than 3"):
        door().read("http://site.example/", kinds=HTML)


def test_bytes_are_counted_plain(door, contract):
    contract.always(200, b" " * MOST)
    assert len(ask(door(most=MOST), contract).body) == MOST
    contract.always(200, b" " * (MOST + 1))
    with pytest.raises(Unavailable, match="more than"):
        ask(door(most=MOST), contract)


@pytest.mark.parametrize("size", [MOST + 1, 300_000_000])
def test_a_bomb_does_not_go_off(size, door, contract):
    packed = gzip.compress(b"\0" * size, compresslevel=9 if size < 1_000_000 else 1)
    contract.always(200, packed, Content_Encoding="gzip")
    with pytest.raises(Unavailable, match="more than"):
        ask(door(most=MOST), contract)


def test_what_is_packed_is_unpacked_whole(door, contract):
    contract.always(200, gzip.compress(b"[1]"), Content_Encoding="gzip")
    assert ask(door(), contract).body == b"[1]"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(gzip.compress(b"x" * 1000)[:-9], "gzip", id="cut"),
        pytest.param(b"no gzip", "gzip", id="plain"),
        pytest.param(gzip.compress(b"x") + b"more", "gzip", id="trailing"),
        pytest.param(gzip.compress(gzip.compress(b"x")), "gzip, gzip", id="twice"),
        pytest.param(b"x", "br", id="br"),
        pytest.param(b"x", "zstd", id="zstd"),
        pytest.param(b"x", "deflate", id="deflate"),
    ],
)
def test_what_is_packed_otherwise_or_broken_is_refused(body, encoding, door, contract):
    contract.always(200, body, Content_Encoding=encoding)
    with pytest.raises(Unavailable, match="packed"):
        ask(door(), contract)


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", "", "image/svg+xml", "application/jsonx"])
def test_another_kind_is_refused_unread(kind, door, contract):
    contract.always(200, b"{}", kind=kind)
    with pytest.raises(Unavailable, match="answers with"):
        ask(door(), contract)


def drip_head(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not handler.server.over.wait(0.02):
        handler.wfile.write(b"X-A: b\r\n")


def hints(handler):
    while not handler.server.over.wait(0.01):
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")


HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SLOW = {
    "silence": lambda handler: handler.server.over.wait(60),
    "a byte now and then": lambda handler: handler.drip(),
    "endless": lambda handler: handler.drip(every=0, piece=b" " * 65_536),
    "headers that drip": drip_head,
    "early hints for ever": hints,
    "half of it": lambda handler: handler.wfile.write(f"{HEAD}Content-Length: 9\r\n\r\n{{".encode()),
    "no HTTP": lambda handler: handler.wfile.write(b"+PONG\r\n"),
    "a head without end": lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000),
}  # fmt: skip


@pytest.mark.parametrize("behave", SLOW.values(), ids=SLOW)
@pytest.mark.timeout(20)
def test_every_exchange_ends(behave, door, contract):
    contract.answer = lambda _asked: behave
    with pytest.raises(Unavailable) as error:
        ask(door(seconds=0.3, most=MOST), contract)
    assert "secret" not in str(error.value)


@pytest.mark.timeout(20)
def test_a_look_up_that_hangs_ends(door):
    with pytest.raises(Unavailable, match="ConnectTimeout"):
        door(seconds=0.2, resolve=lambda *_: time.sleep(5)).read("http://site.example/", kinds=HTML)


def test_a_name_that_nobody_knows(door):
    with pytest.raises(Unavailable, match="ConnectError"):
        door().read("http://nobody.example/", kinds=HTML)

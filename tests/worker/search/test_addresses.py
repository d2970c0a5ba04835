"""Every way we know of writing an address that leads inside: none is reached."""

import socket

import pytest

from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.search.web.addresses import is_public, parse
from kaizen_worker.search.web.wire import system

DISGUISED = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://127.000.000.001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://192.88.99.1/",
    "http://224.0.1.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://intranet/",
    "http://user@site.example/",
    "http://user:password@site.example/",
    "http://@site.example/",
    "http://site.example@127.0.0.1/",
    "http://site.example:80@127.0.0.1/",
    "http://site.example:22/",
    "http://site.example:6379/",
    "http://site.example:8080/",
    "http://site.example:0/",
    "http://site.example:99999/",
    "https://site.example:-1/",
    "http://site.example\\@127.0.0.1/",
    "http://127.0.0.1\\.site.example/",
    "http://site.example\t.evil/",
    "http://site.example\r\nHost: inside/",
    "http:// 127.0.0.1/",
    "http://%31%32%37.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://ⓛocalhost/",
    "http://127。0。0。1/",
    "http:///etc/passwd",
    "http:127.0.0.1/",
    "//127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://site.example/",
    "dict://127.0.0.1:11211/",
    "data:text/html,x",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "http://8.8.8.0x8/",
    "http://134744072/",
    "http://xn--a.example/",
    "http://xn--zz--.example/",
    "",
    "http://",
    "http://site.example/" + "x" * 2000,
]


@pytest.mark.parametrize("url", DISGUISED)
def test_no_disguise_is_read(url, door, contract, internet):
    with pytest.raises(Invalid):
        parse(url)
    with pytest.raises(Invalid):
        door().read(url, kinds={"text/html"})
    assert (internet.looked_up, internet.connected, contract.asked) == ([], [], [])


@pytest.mark.parametrize(
    "url", ["http://site.example", "https://site.example:443/a?b=c", "http://8.8.8.8/", "http://[2606:4700::1111]:80/"]
)
def test_plain_addresses_are_taken(url):
    assert parse(url).host


@pytest.mark.parametrize("host", ["127.1", "2130706433", "017700000001", "0x7f000001", "0", "localhost"])
def test_what_the_system_makes_of_a_disguise_is_not_public_either(host):
    assert not any(map(is_public, system(host, 80)))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1%lo",
        "169.254.169.254",
    ],
)
def test_a_name_with_one_address_inside_is_not_reached_by_any(address, door, internet):
    internet.names["two.example"] = [["93.184.216.34", address]]
    with pytest.raises(Unavailable, match="not public"):
        door().read("http://two.example/", kinds={"text/html"})
    assert internet.connected == []


def test_a_name_that_changes_its_answer_is_connected_to_where_it_was_checked(door, internet, contract):
    internet.names["rebind.example"] = [["93.184.216.34"], ["127.0.0.1"]]
    contract.always(200, b"<p>hello", kind="text/html")
    assert door().read("http://rebind.example/", kinds={"text/html"}).status == 200
    assert internet.connected == ["93.184.216.34"]
    with pytest.raises(Unavailable, match="not public"):
        door().read("http://rebind.example/", kinds={"text/html"})
    assert internet.connected == ["93.184.216.34"]


def test_an_address_that_does_not_answer_gives_way_to_the_next(door, internet, contract):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        internet.places["93.184.216.1"] = closed.getsockname()
        internet.names["two.example"] = [["93.184.216.1", "93.184.216.34"]]
        contract.always(200, b"<p>hello", kind="text/html")
        assert door().read("http://two.example/", kinds={"text/html"}).body == b"<p>hello"

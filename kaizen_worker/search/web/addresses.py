"""Which addresses a foreign text may make us reach: public ones, written as addresses are, on the web's own ports."""

import re
from ipaddress import IPv6Address, ip_address, ip_network

import httpx

from kaizen_api.errors import Invalid

LONGEST = 2_000
"""Characters of an address."""

_PORTS = frozenset({None, 80, 443})
_NAME = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?"
)
_NUMBER = re.compile(r"(?:\d+|0x[0-9a-f]*)\.?")
_PRINTED = re.compile(r"[!-~]+")
_STRANGE = re.compile(r"[\\\"<>^`{|}]")

_LOGIN = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//[^/?#]*@")

_WITHIN = tuple(
    ip_network(block)
    for block in (
        "64:ff9b::/96",  # NAT64, well known: an IPv4 address inside, whichever
        "64:ff9b:1::/48",  # NAT64, local
        "2002::/16",  # 6to4, likewise
        "2001::/32",  # Teredo, likewise
        "::ffff:0:0/96",  # IPv4-mapped
        "fec0::/10",  # site-local of old
        "192.0.0.0/24",  # protocols' own
        "192.88.99.0/24",  # relays of 6to4
        "168.63.129.16/32",  # a cloud's own service to its machines
    )
)
"""Blocks that `ipaddress` calls global, or may, and that lead inside all the same."""


def is_public(address: str) -> bool:
    """Whether the address, as a resolver gives it, belongs to the public internet."""
    ip = ip_address(address)
    if not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    if isinstance(ip, IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip.teredo or ip.scope_id):
        return False
    return not any(ip in block for block in _WITHIN if block.version == ip.version)


def parse(url: str, *, base: httpx.URL | None = None) -> httpx.URL:
    """A foreign address, if it is one that a browser and we read alike.

    Args:
        url: As it was found.
        base: What a relative one is relative to.

    Raises:
        Invalid: It is another one; the text does not repeat it.
    """
    if len(url) > LONGEST or not _PRINTED.fullmatch(url) or _STRANGE.search(url):
        raise Invalid("no plain web address")
    try:
        found = httpx.URL(url) if base is None else base.join(url)
        port, _ = found.port, found.host  # whose name may be none that can be decoded
    except (httpx.InvalidURL, ValueError):
        raise Invalid("no plain web address") from None
    if found.scheme not in {"http", "https"}:
        raise Invalid("no web address")
    if found.userinfo or _LOGIN.match(url):
        raise Invalid("an address with a login")
    if port not in _PORTS:
        raise Invalid(f"port {port} is none of the web's")
    _check_host(found.raw_host.decode("ascii").lower())
    return found.copy_with(fragment=None)


def _check_host(host: str) -> None:
    """Refuse addresses in disguise: what stands for one is the plain form of it, or a name with a dot."""
    try:
        ip = ip_address(host.strip("[]"))
    except ValueError:
        if _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]) or not _NAME.fullmatch(host):
            raise Invalid("a host that is neither a name nor a plain address") from None
        return
    if not is_public(str(ip)):
        raise Invalid("an address that is not public")

"""Addresses to listen on: which are none at all, and which only this machine reaches."""

import re
from ipaddress import ip_address

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)*(?!\d+$){_LABEL}")  # a last label of digits: a broken address


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it: localhost, 127.0.0.0/8, ::1; no other name is trusted to stay here."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_host(text: str) -> bool:
    """Whether it is an address, or could be the name of a host."""
    try:
        ip_address(text)
    except ValueError:
        return _NAME.fullmatch(text) is not None
    return True

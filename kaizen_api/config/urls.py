"""URLs of servers: what is wrong with one, told without a password, and how one is shown without it."""

import re
from urllib.parse import parse_qsl, urlsplit

_SCHEMES = ("redis://", "rediss://", "unix://")
_OPTIONS = frozenset(
    {"db", "protocol", "ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"}
)
_PASSWORD = re.compile(r"(?i)(pass(?:word|wd)?=)[^&#]*")
_FORM = "is no URL of a server: give it as redis://USER:PASSWORD@HOST:PORT/DB, signs like / and @ in a password as %XX"


def check_url(url: str) -> str:
    """The URL, if a client can use all of it; the parsers' own words are not passed on, which repeat what is wrong.

    Raises:
        ValueError: it cannot.
    """
    if not url.startswith(_SCHEMES):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    try:
        parts = urlsplit(url)
        options = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))}
        usable = parts.port != 0 and (parts.scheme == "unix" or re.fullmatch(r"/?\d*/?", parts.path) is not None)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(_FORM)
    if strange := sorted(options - _OPTIONS):
        raise ValueError(
            f"has the option {strange[0]}: a password stands before the @, and options there are {sorted(_OPTIONS)}"
        )
    return url


def check_chat_url(url: str) -> str:
    """The URL of a chat endpoint, if requests can be sent there; the key is a setting of its own.

    Raises:
        ValueError: they cannot.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.port != 0 and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment or not re.fullmatch(r"[!-~]+", url):
        raise ValueError("must be like https://HOST:PORT/v1, without a login, a query or blanks")
    return url


def mask_url(url: str) -> str:
    """The URL with stars for a password; also of what is no URL, for it is shown because it is wrong."""
    scheme, between, rest = url.partition("://")
    login, at, place = rest.rpartition("@")
    if at:
        rest = f"{login.partition(':')[0]}:***@{place}"
    return _PASSWORD.sub(r"\1***", scheme + between + rest)

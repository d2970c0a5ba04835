"""Which servers a Redis URL names: one, the master that Sentinels know, or a cluster.

| spelling | names |
| --- | --- |
| `redis://`, `rediss://`, `unix://` | one server |
| `redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME/DB` | Sentinels, and the master that they call NAME |
| `redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT` | some nodes of a cluster, which tell the others |

The login is the servers'; a password of the Sentinels themselves is the option `sentinel_password`.
"""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

SENTINEL, CLUSTER = "redis+sentinel://", "redis+cluster://"
SENTINEL_OPTIONS = frozenset({"sentinel_password"})

Kind = Literal["one", "sentinel", "cluster"]
Address = tuple[str, int]
_PORTS = {"redis+sentinel": 26379, "redis+cluster": 6379}


@dataclass(frozen=True, slots=True)
class Topology:
    """What a URL names.

    Attributes:
        kind: Of servers.
        url: As it was given.
        hosts: Of Sentinels, or of nodes of the cluster; none of one server.
        login: `USER:PASSWORD@` as it stands in the URL, or ''.
        master: What the Sentinels call it.
        database: Its number; a cluster has one only.
        sentinel_password: Of the Sentinels.
    """

    kind: Kind
    url: str = field(repr=False)
    hosts: tuple[Address, ...] = ()
    login: str = field(default="", repr=False)
    master: str = ""
    database: int = 0
    sentinel_password: str | None = field(default=None, repr=False)

    def server_url(self, host: str, port: int) -> str:
        """The URL of one of the servers."""
        return f"redis://{self.login}{_bracketed(host)}:{port}/{self.database}"


def topology(url: str) -> Topology:
    """What a URL names.

    Raises:
        ValueError: it is none of that spelling.
    """
    if not url.startswith((SENTINEL, CLUSTER)):
        return Topology("one", url)
    parts = urlsplit(url)
    login, at, places = parts.netloc.rpartition("@")
    hosts = tuple(_address(place, _PORTS[parts.scheme]) for place in places.split(","))
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme == "redis+cluster":
        if parts.path not in {"", "/", "/0"}:
            raise ValueError(url)  # databases have numbers on one server only
        return Topology("cluster", url, hosts, login + at)
    name, database = _master(parts)
    return Topology("sentinel", url, hosts, login + at, name, database, options.get("sentinel_password"))


def _master(parts: SplitResult) -> tuple[str, int]:
    name, _, database = parts.path.strip("/").partition("/")
    if not name:
        raise ValueError(parts.path)
    return name, int(database or 0)


def _address(place: str, port: int) -> Address:
    parts = urlsplit(f"//{place}")
    if not parts.hostname or parts.port == 0 or parts.path:
        raise ValueError(place)
    return parts.hostname, parts.port or port


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host

"""Whether ports are free, before anything is started on them."""

import socket
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from kaizen_api.errors import Invalid, Unavailable
from kaizen_api.stack.services import Service

_LOOK = 0.2


def check_ports(urls: Mapping[str, str], *, patience: float = 0.0) -> None:
    """Look at the port of each part's URL.

    Args:
        urls: Part → URL.
        patience: Seconds to wait for one that is still in use.

    Raises:
        Invalid: two parts share one.
        Unavailable: something else listens there.
    """
    deadline = time.monotonic() + patience
    taken: dict[int, str] = {}
    for part, url in urls.items():
        address = urlsplit(url)
        host, port = address.hostname or "", address.port or 0
        if port in taken:
            raise Invalid(
                f"{taken[port]} and {part} cannot both listen on port {port}: give one another (--{part}-port)"
            )
        taken[port] = part
        while not port_is_free(host, port):
            if time.monotonic() > deadline:
                option = "--port" if part == "api" else f"--{part}-port"
                raise Unavailable(f"port {port} of the {part} is in use: choose another with {option}")
            time.sleep(_LOOK)


def check_port(service: Service, *, option: str) -> None:
    """Look at the port of one service.

    Raises:
        Unavailable: something else listens there; the text names the option that chooses another.
    """
    address = urlsplit(service.url or "")
    if not port_is_free(address.hostname or "", address.port or 0):
        raise Unavailable(f"port {address.port} of the {service.name} is in use: choose another with {option}")


def port_is_free(host: str, port: int) -> bool:
    """Whether one could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one in TIME_WAIT is free
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True

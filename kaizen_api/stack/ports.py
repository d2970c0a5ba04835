"""Whether ports are free, before anything is started on them."""

import errno
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
        Unavailable: something else listens there, or nothing of this machine can.
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
        while (error := _refusal(host, port)) is not None:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                option = "--port" if part == "api" else f"--{part}-port"
                raise _unavailable(part, url, error, option=option)
            time.sleep(_LOOK)


def check_port(service: Service, *, option: str) -> None:
    """Look at the port of one service.

    Raises:
        Unavailable: something else listens there, or the address is none of this machine; the text names the option
            that chooses another.
    """
    url = service.url or ""
    address = urlsplit(url)
    error = _refusal(address.hostname or "", address.port or 0)
    if error is not None:
        raise _unavailable(service.name, url, error, option=option)


def port_is_free(host: str, port: int) -> bool:
    """Whether one could listen there now."""
    return _refusal(host, port) is None


def _refusal(host: str, port: int) -> OSError | None:
    """Why one cannot listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one in TIME_WAIT is free
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def _unavailable(part: str, url: str, error: OSError, *, option: str) -> Unavailable:
    address = urlsplit(url)
    if error.errno == errno.EADDRINUSE:
        return Unavailable(f"port {address.port} of the {part} is in use: choose another with {option}")
    return Unavailable(
        f"the {part} cannot listen on {address.hostname} ({error.strerror}): name an address of this machine"
    )

"""Who answers over HTTP: a look that is bounded in time and says no rather than raise."""

import http.client
import urllib.error
import urllib.request

_OK = 200


def answers(url: str, *, timeout: float = 2.0) -> bool:
    """Whether a GET brings 200."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:  # noqa: S310  # our own services
            return bool(reply.status == _OK)
    except (OSError, http.client.HTTPException):
        return False

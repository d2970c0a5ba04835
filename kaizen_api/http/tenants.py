"""Who calls, and whose data it is: a key opens its tenants and no other.

Without keys only programs of this machine may call, for the one tenant of the configuration. A web page from elsewhere
that somebody on this machine has open is no such program, so a foreign Host or Origin is refused.
"""

import hmac
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from kaizen_api.config import KaizenConfig
from kaizen_api.http.problems import ProblemError
from kaizen_api.http.service import Serving

_BEARER = HTTPBearer(auto_error=False, description="The tenant's key.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key, in a header of its own.")


async def _tenant(
    request: Request,
    service: Serving,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    header: Annotated[str | None, Security(_HEADER)],
    tenant: Annotated[str | None, Query(max_length=63, description="Whose; the key must open it.")] = None,
) -> str:
    """The tenant that the request is about.

    Raises:
        ProblemError: 401 without a valid key, 403 where the key does not open the tenant named.
    """
    if service.config.api_keys:
        opened = _opened(service.config, bearer.credentials if bearer else header)
    else:
        _check_local(request)
        opened = [service.config.tenant]
    if tenant is None:
        return service.config.tenant if service.config.tenant in opened else opened[0]
    if tenant not in opened:
        raise ProblemError(403, "the tenant named is not one that this key opens")
    return tenant


Tenant = Annotated[str, Depends(_tenant)]


def _opened(config: KaizenConfig, key: str | None) -> list[str]:
    """Tenants whose key this is; every key is compared in full, so the time tells nothing."""
    given = (key or "").encode()
    opened = [
        tenant
        for tenant, known in sorted(config.api_keys.items())
        if hmac.compare_digest(known.get_secret_value().encode(), given) and given
    ]
    if not opened:
        raise ProblemError(
            401,
            "a valid key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return opened


def _check_local(request: Request) -> None:
    host = request.headers.get("host", "")
    if not _is_loopback(urlsplit(f"//{host}").hostname or ""):
        raise ProblemError(403, f"without KAIZEN_API_KEYS only this machine is served, not as {host!r}: set keys")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise ProblemError(403, "a web page of another origin may not call without a key")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

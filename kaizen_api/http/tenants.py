"""Who calls, and whose data it is: a key opens its tenants and no other.

Without keys only programs of this machine may call, for the one tenant of the configuration, whatever address is
listened on. A web page from elsewhere that somebody on this machine has open is no such program, so a foreign Host or
Origin is refused.
"""

import hmac
from functools import lru_cache
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from kaizen_api import spans
from kaizen_api.config import KaizenConfig, is_loopback
from kaizen_api.http.problems import ProblemError
from kaizen_api.http.service import service_of

_BEARER = "bearer "
_is_here = lru_cache(1024)(is_loopback)  # of addresses, which come again with each request; a Host may be any text


def tenant_of(request: Request) -> str:
    """The tenant that the request is about: the one that `?tenant=` names, else the key's own.

    Raises:
        ProblemError: 401 without a valid key, 403 where the key does not open the tenant named.
    """
    config = service_of(request).config
    if config.api_keys:
        opened = _opened(config, _key(request))
    else:
        _check_local(request)
        opened = [config.tenant]
    named = request.query_params.get("tenant", config.tenant if config.tenant in opened else opened[0])
    if named not in opened and not config.api_keys:
        raise ProblemError(
            403, f"without KAIZEN_API_KEYS there is one tenant, {config.tenant}: leave ?tenant= out, or set keys"
        )
    if named not in opened:
        raise ProblemError(403, "the tenant named is not one that this key opens")
    spans.note(tenant=named)
    return named


async def _tenant(request: Request) -> str:
    return tenant_of(request)


Tenant = Annotated[str, Depends(_tenant)]


def _key(request: Request) -> str:
    authorization = request.headers.get("authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip()
    return request.headers.get("x-api-key", "")


def _opened(config: KaizenConfig, key: str) -> list[str]:
    """Tenants whose key this is; every key is compared in full, so the time tells nothing."""
    given = key.encode()
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
    if request.client is not None and not _is_here(request.client.host):  # on a Unix socket there is none
        raise ProblemError(
            403, f"without KAIZEN_API_KEYS only this machine is served, not {request.client.host}: set keys"
        )
    host = request.headers.get("host", "")
    name = _host_name(host)
    if not (is_loopback(name) or name.endswith(".localhost")):
        raise ProblemError(403, f"without KAIZEN_API_KEYS only this machine is served, not as {host!r}: set keys")
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != host:  # of an origin, that is all there is
        raise ProblemError(403, "a web page of another origin may not call without a key")


def _host_name(host: str) -> str:
    """Of a Host header, without the port; '' where there is none in it."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""

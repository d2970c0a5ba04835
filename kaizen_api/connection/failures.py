"""What an error of Redis means for the caller, told without passwords."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import redis
from redis.sentinel import MasterNotFoundError

from kaizen_api.config import KaizenConfig, mask_setting, topology
from kaizen_api.connection.clients import socket_path
from kaizen_api.errors import Backpressure, Unavailable

_CERTIFICATE = re.compile(r"certificate verify failed: ([^(]*)")


@contextmanager
def reaching(config: KaizenConfig) -> Iterator[None]:
    """Within the block, a Redis that cannot be reached or used raises `Unavailable` with the remedy.

    Raises:
        Unavailable: refused, hung, still loading, wrong credentials, read-only, or any other of its errors, whose class
            and text it names; `Backpressure`: out of memory.
    """
    try:
        yield
    except redis.RedisError as error:
        raise unavailable(error, config) from None


def unavailable(error: redis.RedisError, config: KaizenConfig) -> Unavailable:
    """What an error of Redis means for the caller, without passwords."""
    where = mask_setting("redis_url", config.redis_url or f"unix://{socket_path(config.data_dir)}")
    if refused := _CERTIFICATE.search(str(error)):
        return Unavailable(
            f"Redis at {where} shows a certificate that is not accepted ({refused[1].strip()}): renew it there, or "
            "name who signed it by ssl_ca_certs in KAIZEN_REDIS_URL"
        )
    if isinstance(error, MasterNotFoundError):
        return Unavailable(
            f"the Sentinels at {where} name no master that works: none of them answers, they know none of that name, "
            "or they are choosing a new one"
        )
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return Unavailable(
            f"Redis at {where} does not answer ({type(error).__name__}): start it (`kaizen up` runs one of "
            "its own), or correct KAIZEN_REDIS_URL"
        )
    if isinstance(error, redis.OutOfMemoryError):
        return Backpressure("Redis is at its maxmemory: nothing was taken; give it more, or let the workers drain")
    said = str(error)
    for password in _passwords(config.redis_url or ""):
        said = said.replace(password, "***")
    return Unavailable(f"Redis at {where} cannot be used ({type(error).__name__}: {said}): correct that and try again")


def _passwords(url: str) -> list[str]:
    known = (unquote(urlsplit(url).password or ""), topology(url).sentinel_password)
    return [password for password in known if password]

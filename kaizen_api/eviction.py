"""A server that evicts drops what was accepted, silently: nothing of Kaizen starts on one.

`allkeys-lru` dropped 11,000 of 15,000 waiting interactions in a trial, without an error anywhere.
"""

from typing import cast

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, every, reaching
from kaizen_api.errors import Conflict

KEEPS = "noeviction"
REMEDY = f"set `maxmemory-policy {KEEPS}` there: any other drops interactions that were accepted, without a word"


def refuse_eviction(config: KaizenConfig) -> None:
    """Nothing, where the server never evicts, or does not say what it does.

    Raises:
        Conflict: it may evict; the text says what to do.
        Unavailable: it does not answer.
    """
    with reaching(config), connect(config) as client:
        said = [cast("dict[str, str]", server.info("memory")) for server in every(client)]
    policies = {one.get("maxmemory_policy", KEEPS) for one in said}
    for policy in sorted(policies - {KEEPS}):
        raise Conflict(f"Redis has maxmemory-policy {policy}: {REMEDY}")

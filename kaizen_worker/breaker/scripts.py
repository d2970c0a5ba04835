"""The two Lua scripts: one round trip each, whatever the server has forgotten."""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from redis import Redis
from redis.cluster import RedisCluster
from redis.exceptions import NoScriptError

Client = Redis | RedisCluster
Argument = str | int | float


@cache
def _text(name: str) -> tuple[str, str]:
    folder = files(__package__)
    text = folder.joinpath("record.lua").read_text() + folder.joinpath(f"{name}.lua").read_text()
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()  # how Redis names scripts


def run(client: Client, name: Literal["admit", "report"], keys: Sequence[str], args: Sequence[Argument]) -> list[int]:
    """Run a script by its hash; where the server does not know it (restart, `SCRIPT FLUSH`), by its text.

    Args:
        client: Whatever it decodes, the reply is integers.
        name: Which script.
        keys: The record and the leases, in one slot.
        args: As the script's head says.
    """
    text, digest = _text(name)
    try:
        reply = client.evalsha(digest, len(keys), *keys, *args)
    except NoScriptError:
        reply = client.eval(text, len(keys), *keys, *args)
    return cast("list[int]", reply)

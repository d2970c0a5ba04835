"""The Lua scripts: one round trip each, whatever the server has forgotten."""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final, Literal, cast

from redis import Redis
from redis.cluster import RedisCluster
from redis.exceptions import NoScriptError

Client = Redis | RedisCluster
Argument = str | int | float
ScriptName = Literal["admit", "report", "enlist"]

_PARTS: Final[dict[ScriptName, tuple[str, ...]]] = {
    "admit": ("calm", "record", "window", "admit"),
    "report": ("record", "report"),
    "enlist": ("enlist",),
}


@cache
def _text(name: ScriptName) -> tuple[str, str]:
    folder = files(__package__)
    text = "".join(folder.joinpath(f"{part}.lua").read_text() for part in _PARTS[name])
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()  # how Redis names scripts


class Script:
    """One of the scripts, for the keys of one breaker and the settings that all its calls pass.

    Args:
        name: Which script.
        keys: Those it works on, in one slot.
        fixed: The first arguments, as the script's head says.
    """

    def __init__(self, name: ScriptName, keys: Sequence[str], fixed: Sequence[Argument]) -> None:
        self._keys = keys
        self._fixed = fixed
        self._text, self._digest = _text(name)
        rest = (len(keys), *keys, *fixed)
        self._count = 2 + len(rest)
        self._by_digest = _packed("EVALSHA", self._digest, *rest)
        self._by_text = _packed("EVAL", self._text, *rest)

    def pack(self, args: Sequence[Argument], *, by_text: bool = False) -> bytes:
        """A call as it goes over the wire."""
        head = self._by_text if by_text else self._by_digest
        return b"*%d\r\n%b%b" % (self._count + len(args), head, _packed(*args))

    def run(self, client: Client, args: Sequence[Argument]) -> list[int]:
        """Call it by a client, which may decode or not: the reply is integers."""
        try:
            reply = client.evalsha(self._digest, len(self._keys), *self._keys, *self._fixed, *args)
        except NoScriptError:
            reply = client.eval(self._text, len(self._keys), *self._keys, *self._fixed, *args)
        return cast("list[int]", reply)


def _packed(*values: Argument) -> bytes:
    texts = [str(value).encode() for value in values]
    return b"".join([b"$%d\r\n%b\r\n" % (len(text), text) for text in texts])

"""Where a tenant's detector stands: its place in the log, its state, and what it found, in one write.

What was found is kept with the state until it is saved: a pattern is found once, and saved however often somebody dies
in between.
"""

from importlib.resources import files
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
import zstandard
from redis import Redis

from kaizen_api import keys
from kaizen_api.schema import Insight
from kaizen_worker.pipeline.live.baseline import Baseline
from kaizen_worker.pipeline.live.detector import GROUPS, State, begin
from kaizen_worker.pipeline.live.evidence import MULTIPLES
from kaizen_worker.pipeline.live.forming import Member

_ADVANCE = files(__package__).joinpath("advance.lua").read_text()
_SAVED = files(__package__).joinpath("saved.lua").read_text()
_BEHIND = files(__package__).joinpath("behind.lua").read_text()
_LAYOUT = [GROUPS, len(MULTIPLES)]  # of the rows of a state; one with another was written by another version
_FOUND = msgspec.msgpack.Decoder(list[Insight])


class Usual(NamedTuple):
    """What is usual, and the cycle that found it so."""

    cycle: str
    baseline: Baseline


class Stand(msgspec.Struct, frozen=True):
    """What was read: where the detector stands."""

    cursor: str  # id of the last batch of the log that it saw, '' for none yet
    packed: bytes
    found: list[Insight]  # to be saved, if they are not
    cycle: str  # the last one, '' for none
    tenants: int  # all that share the false alarms


class Detection:
    """One tenant's detector, as it is stored.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose.
    """

    def __init__(self, redis: Redis, *, tenant: str) -> None:
        self._redis = redis
        self._log, self._snapshot, self._key = keys.log(tenant), keys.snapshot(tenant), keys.detector(tenant)
        self._advance = redis.register_script(_ADVANCE)
        self._saved = redis.register_script(_SAVED)
        self._behind = redis.register_script(_BEHIND)
        self._usual: Usual | None = None

    def behind(self, pipe: Any = None) -> bool:
        """Whether there is something to look at, or to save; with a pipeline, its reply will tell."""
        return bool(self._behind(keys=[self._log, self._snapshot, self._key], args=[], client=pipe))

    def read(self) -> Stand:
        """Where it stands; one round trip."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hmget(self._key, ["cursor", "state", "found"])
        pipe.hget(self._snapshot, "cycle")
        pipe.scard(keys.TENANTS)
        (cursor, packed, found), cycle, tenants = pipe.execute()
        saved = _FOUND.decode(found) if found else []
        return Stand((cursor or b"").decode(), packed or b"", saved, (cycle or b"").decode(), max(1, tenants))

    def usual(self, cycle: str) -> Usual | None:
        """What the last cycle found usual, kept as long as it is the one named; None where there is nothing."""
        if self._usual is None or self._usual.cycle != cycle:
            stored, packed = cast("list[bytes | None]", self._redis.hmget(self._snapshot, ["cycle", "baseline"]))
            self._usual = Usual(stored.decode(), unpack_baseline(packed)) if stored and packed else None
        return self._usual

    def advance(self, cursor: str, to: str, state: State, found: list[Insight]) -> bool:
        """Store where it stands now; False if somebody else was faster, and then nothing was done.

        Args:
            cursor: Where it stood, '' for nowhere yet.
            to: Where it stands.
            state: Its state there.
            found: To be saved.
        """
        arguments: list[Any] = [cursor, to, pack_state(state), msgspec.msgpack.encode(found) if found else b""]
        return bool(self._advance(keys=[self._key], args=arguments))

    def saved(self, cursor: str) -> None:
        """What was found up to there is saved."""
        self._saved(keys=[self._key], args=[cursor])


def pack_baseline(one: Baseline) -> bytes:
    """A baseline as a snapshot keeps it."""
    arrays = {
        name: _array(getattr(one, name).astype(np.float16 if name == "known" else np.float32))
        for name in ("share_limit", "error_limit", "slow_limit", "slow_over", "time", "known", "known_limit")
    }
    plain = {name: getattr(one, name) for name in ("topics", "names", "near", "fence", "known_texts", "new_limit")}
    return zstandard.compress(msgspec.msgpack.encode(plain | arrays), 1)


def unpack_baseline(packed: bytes) -> Baseline:
    """The baseline again; numbers with the precision of float32."""
    values = msgspec.msgpack.decode(zstandard.decompress(packed))
    arrays = {name: _restored(value) for name, value in values.items() if isinstance(value, dict)}
    wide = {name: array if name == "share_limit" else array.astype(np.float64) for name, array in arrays.items()}
    names = {name: tuple(values[name]) for name in ("topics", "names", "known_texts")}
    return Baseline(**values | wide | names | {"known": arrays["known"].astype(np.float32)})


def pack_state(state: State) -> bytes:
    """A state as it is stored."""
    tests, groups = state.tests, state.groups
    used = np.flatnonzero(groups.sizes)
    values = {
        "layout": _LAYOUT,
        "cycle": state.cycle,
        "topics": state.topics,
        "second": state.second,
        "turn": state.turn,
        "ring": _array(state.ring),
        "tests": [_array(column) for column in (tests.sums, tests.back, tests.raised, tests.trials, tests.hits)],
        "used": used.tolist(),
        "means": _array(groups.means[used].astype(np.float16)),
        "groups": [_array(column) for column in (groups.sizes, groups.fed, groups.asked)],
        "members": [groups.members[slot] for slot in used.tolist()],
    }
    return zstandard.compress(msgspec.msgpack.encode(values), 1)


def unpack_state(packed: bytes, now: Usual) -> State:
    """The state to go on with: a new one, the stored one, or what of it carries on under what is usual now."""
    values: dict[str, Any] = msgspec.msgpack.decode(zstandard.decompress(packed)) if packed else {}
    if values.get("layout") != _LAYOUT:
        return begin(now.cycle, now.baseline)
    state = begin(values["cycle"], now.baseline)
    state.topics = tuple(values["topics"])
    state.second, state.turn, state.ring = values["second"], values["turn"], _restored(values["ring"])
    for name, column in zip(("sums", "back", "raised", "trials", "hits"), values["tests"], strict=True):
        setattr(state.tests, name, _restored(column))
    groups, used = state.groups, values["used"]
    means = _restored(values["means"]).astype(np.float32)
    groups.means = np.zeros((len(groups.sizes), means.shape[1]), np.float32)
    groups.means[used] = means
    for name, column in zip(("sizes", "fed", "asked"), values["groups"], strict=True):
        setattr(groups, name, _restored(column))
    groups.members = [[] for _ in range(len(groups.sizes))]
    for slot, members in zip(used, values["members"], strict=True):
        groups.members[slot] = [Member(*member) for member in members]
    return state if state.cycle == now.cycle else begin(now.cycle, now.baseline, old=state)


def _array(array: Any) -> dict[str, Any]:
    return {"t": array.dtype.str, "s": array.shape, "b": array.tobytes()}


def _restored(value: dict[str, Any]) -> Any:
    return np.frombuffer(value["b"], value["t"]).reshape(value["s"]).copy()

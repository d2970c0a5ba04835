"""Where in a cluster a key lies: what its nodes say of their slots, kept until one of them says otherwise."""

from collections.abc import Iterable, Sequence
from typing import Any

from redis.crc import key_slot
from redis.exceptions import ClusterDownError, MovedError, ResponseError

from kaizen_api.config import Topology
from kaizen_api.config.topology import Address

_KEYLESS = frozenset({"INFO", "TIME", "PING", "WAIT", "SCRIPT LOAD", "SCRIPT EXISTS", "SCRIPT FLUSH"})
_SCRIPTS = frozenset({"EVAL", "EVALSHA"})

Command = tuple[tuple[Any, ...], dict[str, Any]]
"""Arguments and options, as redis-py keeps them."""


class Slots:
    """Which node has which slot.

    Args:
        named: The cluster.
    """

    def __init__(self, named: Topology) -> None:
        self._seeds = list(named.hosts)
        self._ranges: list[tuple[int, int, Address]] = []
        self._moved: dict[int, Address] = {}

    @property
    def known(self) -> bool:
        """Whether the nodes were asked."""
        return bool(self._ranges)

    @property
    def masters(self) -> list[Address]:
        """The nodes that have slots."""
        return sorted({address for _, _, address in self._ranges})

    @property
    def sources(self) -> list[Address]:
        """Whom to ask, the likeliest to answer first."""
        return list(dict.fromkeys([*self._seeds, *self.masters]))

    def learn(self, reply: Sequence[Sequence[Any]], asked: Address) -> None:
        """Take the answer to CLUSTER SLOTS of the node at `asked`, which may leave out its own name.

        Raises:
            ClusterDownError: it knows of no slots.
        """
        ranges = [(low, high, _address(master, asked)) for low, high, master, *_ in reply]
        if not ranges:
            raise ClusterDownError("CLUSTERDOWN no node has any slots")
        self._ranges, self._moved = ranges, {}

    def move(self, moved: MovedError) -> None:
        """A node said that a slot lies elsewhere."""
        self._moved[moved.slot_id] = (moved.host, moved.port)

    def forget(self, failed: Address) -> None:
        """Ask again before the next call, that node last, and whoever was ever known: those named may be gone."""
        known, self._ranges = self.sources, []
        self._seeds = [*(seed for seed in known if seed != failed), *([failed] if failed in known else [])]

    def place(self, slot: int | None) -> Address:
        """Who has a slot; of none, any of them.

        Raises:
            ClusterDownError: nobody.
        """
        if slot is None:
            return self.masters[0]
        if slot in self._moved:
            return self._moved[slot]
        for low, high, address in self._ranges:
            if low <= slot <= high:
                return address
        raise ClusterDownError(f"CLUSTERDOWN no node has slot {slot}")

    def split(self, commands: Sequence[Command], places: Sequence[int]) -> dict[Address, list[int]]:
        """Node → places of its commands, in order. What any node can answer goes where the first of the others goes."""
        first = first_slot(commands[place] for place in places)
        by_node: dict[Address, list[int]] = {}
        for place in places:
            slot = slot_of(commands[place][0])
            by_node.setdefault(self.place(first if slot is None else slot), []).append(place)
        return by_node


def slot_of(arguments: Sequence[Any]) -> int | None:
    """The slot that a command is about; None: any node can answer it."""
    name = str(arguments[0]).upper()
    if name in _KEYLESS:
        return None
    key = arguments[3] if name in _SCRIPTS else arguments[1]
    return int(key_slot(key if isinstance(key, bytes) else str(key).encode()))


def one_slot(commands: Iterable[Command]) -> int | None:
    """The slot of a transaction.

    Raises:
        ResponseError: its keys lie in several, and no node can do all of it or nothing.
    """
    slots = {slot_of(arguments) for arguments, _ in commands} - {None}
    if len(slots) > 1:
        raise ResponseError("CROSSSLOT a transaction touches keys of one slot only: of one tenant, or one of all")
    return slots.pop() if slots else None


def first_slot(commands: Iterable[Command]) -> int | None:
    """The first slot that any of them is about."""
    return next((slot for arguments, _ in commands if (slot := slot_of(arguments)) is not None), None)


def _address(node: Sequence[Any], asked: Address) -> Address:
    host, port = node[0], int(node[1])
    named = host.decode() if isinstance(host, bytes) else host
    return (named if named and named != "?" else asked[0], port)


def again(replies: Sequence[Any], commands: Sequence[Command], places: Sequence[int]) -> list[int]:
    """The places of what has to be asked once more because a slot had moved; WAIT and TIME with what they belong to."""
    moved = {place for place, reply in zip(places, replies, strict=True) if isinstance(reply, MovedError)}
    return [place for place in places if place in moved or (moved and slot_of(commands[place][0]) is None)]

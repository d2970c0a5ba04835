"""Groups that form among the unassigned: the first text opens one, those that are near to its middle join.

Their number is bounded: where all places are taken, the group that was fed least recently makes room. A new member
moves the middle only after it was counted, so what a group expects never depends on what it is tested with.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.types import Floats, Vectors

PLACES = 64
"""Groups that form at the same time."""

KNOWN = 32
"""Groups of the window's noise that are known, and tested against their own share."""

KEPT = 20
"""Members that a group remembers: its evidence, and who has spoken already."""

MEMORY = 64
"""Members after which the middle moves no slower."""


class Member(NamedTuple):
    """One interaction of a group."""

    id: str
    asker: int
    text: str
    second: int
    asked: int  # interactions between the group's first member and this one
    cosine: float  # mean to the members when it came


@dataclass(slots=True)
class Groups:
    """g places for groups; the first `known` of them hold what the window knew, and never make room."""

    known: int
    means: Vectors  # (g, d) of the members' vectors, not of unit length; through float16, to be stored to the bit
    sizes: NDArray[np.int32]  # (g,) members, 0 for a free place
    fed: NDArray[np.int64]  # (g,) when, as a running number
    asked: NDArray[np.int64]  # (g,) interactions since it was opened
    members: list[list[Member]]  # g, the last of each

    @classmethod
    def empty(cls, places: int, dimension: int, *, known: int = 0) -> "Groups":
        """Free places."""
        numbers = np.zeros((2, places), np.int64)
        means = np.zeros((places, dimension), np.float32)
        return cls(known, means, np.zeros(places, np.int32), numbers[0], numbers[1], [[] for _ in range(places)])

    def place(self, vector: NDArray[np.float32], *, near: Floats) -> tuple[int, float] | None:
        """The group that the vector (d,) belongs to most clearly, and its mean cosine to the members.

        Args:
            vector: Unit length.
            near: (g,) mean cosine to the members from which it belongs to a group.
        """
        used = np.flatnonzero(self.sizes)
        if not len(used):
            return None
        cosines = self.cosines(vector)[used]
        clear = cosines - near[used]
        best = int(clear.argmax())
        return (int(used[best]), float(cosines[best])) if clear[best] >= 0 else None

    def cosines(self, vector: NDArray[np.float32]) -> Floats:
        """Mean cosine of a vector (d,), or of the members behind a mean, to the members of each group, (g,)."""
        return np.asarray(self.means @ vector, np.float64)

    def open(self) -> int:
        """A place for a new group: a free one, else that of the group that was fed least recently."""
        free = np.flatnonzero(self.sizes[self.known :] == 0)
        slot = self.known + int(free[0] if len(free) else self.fed[self.known :].argmin())
        self.clear(slot)
        return slot

    def clear(self, slot: int) -> None:
        """Free a place."""
        self.means[slot], self.sizes[slot], self.asked[slot], self.members[slot] = 0.0, 0, 0, []

    def join(self, slot: int, vector: NDArray[np.float32], member: Member, *, turn: int) -> None:
        """Count a member in."""
        self.sizes[slot] += 1
        moved = self.means[slot] + (vector - self.means[slot]) / min(int(self.sizes[slot]), MEMORY)
        self.means[slot] = moved.astype(np.float16).astype(np.float32)
        self.fed[slot] = turn
        self.members[slot] = [*self.members[slot], member][-KEPT:]

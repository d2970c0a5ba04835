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

_MEMORY = 64  # members after which the middle moves no slower


class Member(NamedTuple):
    """One interaction of a group."""

    id: str
    asker: int
    text: str
    second: int
    asked: int  # interactions between the group's first member and this one
    cosine: float  # to the middle when it came


@dataclass(slots=True)
class Groups:
    """g places for groups; the first `known` of them hold what the window knew, and never make room."""

    known: int
    means: Vectors  # (g, d) float32, rounded through float16: what is stored comes back to the bit
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
        """The group that the vector (d,) belongs to most clearly, and the cosine to its middle.

        Args:
            vector: Unit length.
            near: (g,) cosine of an ordinary member to the true middle of its group (`reach`).
        """
        used = np.flatnonzero(self.sizes)
        if not len(used):
            return None
        cosines = self.cosines(vector)[used]
        clear = cosines - reach(self.sizes[used], near[used])
        best = int(clear.argmax())
        return (int(used[best]), float(cosines[best])) if clear[best] >= 0 else None

    def cosines(self, vector: NDArray[np.float32]) -> Floats:
        """Of a vector (d,) of unit length to the middle of each group, (g,); 0 for a free place."""
        lengths = np.sqrt(np.einsum("ij,ij->i", self.means, self.means))
        return np.asarray((self.means @ vector) / np.maximum(lengths, 1e-6), np.float64)

    def direction(self, slot: int) -> NDArray[np.float32]:
        """A group's middle at unit length, (d,)."""
        mean: NDArray[np.float32] = self.means[slot]
        return mean / np.float32(max(float(np.linalg.norm(mean)), 1e-6))

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
        moved = self.means[slot] + (vector - self.means[slot]) / min(int(self.sizes[slot]), _MEMORY)
        self.means[slot] = moved.astype(np.float16).astype(np.float32)
        self.fed[slot] = turn
        self.members[slot] = [*self.members[slot], member][-KEPT:]


def reach(sizes: NDArray[np.int32], near: Floats) -> Floats:
    """The cosine to the mean of so many members from which a text belongs to them, (g,).

    Members whose cosine to their topic's true middle is `near` have near² to each other, so to the mean of n of them
    they have near² sqrt(n / (1 + (n - 1) near²)): near² to the first one, and near in the end.
    """
    n = np.minimum(np.maximum(sizes, 1), _MEMORY).astype(np.float64)
    return near**2 * np.sqrt(n / (1 + (n - 1) * near**2))

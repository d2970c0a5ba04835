"""Where the products run that clustering and assignment cost: with numpy on the host, or with arrays of a device.

The lines are the same for all: those of the array API standard. Only the largest of a row the standard cannot select
without sorting the whole row, so a library may bring its own way. float32 is summed in another order elsewhere: cosines
of two backends agree within 1e-5, and so do labels and neighbours wherever the candidates are further apart than that.
On one machine, one backend gives the same bits each time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any
"""An array of the backend's library, on its device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One library of arrays and one device.

    Attributes:
        name: As the setting `cluster_backend` names it.
        device: What it runs on, for people.
        space: The functions of the array API standard (2024.12): argmax, max, take_along_axis.
        put: Copies rows (u, d) float32 onto the device; on the host they may stay where they are.
        get: Brings an array back as numpy's.
        top: Gives the places (b, m) of the m largest of each row (b, u), in any order.
        knn: A class like scikit-learn's `NearestNeighbors` over the library's arrays, where there is one.
    """

    name: str
    device: str
    space: Any
    put: Callable[[NDArray[np.float32]], Array]
    get: Callable[[Array], NDArray[Any]]
    top: Callable[[Array, int], Array]
    knn: Callable[..., Any] | None = None


def _partition(cosines: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """A row at a time: numpy gives a place for each of u columns, in eight bytes, and only the last are kept."""
    places = np.empty((len(cosines), count), dtype=np.intp)
    for row, own in zip(places, cosines, strict=True):
        row[:] = np.argpartition(own, -count)[-count:]
    return places


NUMPY = Backend(name="numpy", device="CPU", space=np, put=np.asarray, get=np.asarray, top=_partition)
"""The default: needs nothing, starts at once."""

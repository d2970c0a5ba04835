"""Which backend clustering and assignment run on: as the setting says, or as what is present and works allows.

Nothing of a library is imported before it is chosen, and a driver is initialised only in the process that uses it: a
parent that forks later looks no further than `require`.
"""

from collections.abc import Callable
from ctypes import CDLL
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from kaizen_api.errors import Unavailable
from kaizen_worker.pipeline.backend import NUMPY, Array, Backend

DRIVER = "libcuda.so.1"
"""What every CUDA machine has; where it is absent, `auto` need not load hundreds of megabytes to find no device."""

_GPU = "pip install 'kaizen[gpu]'"
_CUPY = "pip install array-api-compat cupy-cuda13x cuml-cu13, or the like for your CUDA"
_PACKAGES = {"torch": (("torch", "array_api_compat"), _GPU), "cuml": (("cupy", "array_api_compat"), _CUPY)}
"""Setting → what must be there, and how it gets there."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend, and why it is this one."""

    backend: Backend
    reason: str


def require(name: str) -> None:
    """Refuse a backend whose packages are absent; looks, and imports nothing.

    Raises:
        Unavailable: they are; the text says what to install.
    """
    packages, remedy = _PACKAGES.get(name, ((), ""))
    if absent := [package for package in packages if find_spec(package) is None]:
        raise Unavailable(f"KAIZEN_CLUSTER_BACKEND={name} needs {' and '.join(absent)}: {remedy}")


def choose(name: str) -> Choice:
    """Give the backend of that name, or with `auto` the first one with a CUDA device that computes, else numpy.

    Raises:
        Unavailable: it was asked for by name, and a part of it is missing or does not work.
    """
    if name == "auto":
        return _present()
    if name == "numpy":
        return Choice(NUMPY, "as set")
    require(name)
    return Choice(_working(name), "as set")


def _present() -> Choice:
    try:
        CDLL(DRIVER)
    except OSError:
        return Choice(NUMPY, "chosen for there is no CUDA driver")
    lacking = []
    for name in _MAKERS:
        try:
            require(name)
            backend = _working(name)
        except Unavailable as error:
            lacking.append(str(error))
            continue
        if backend.device != "CPU":
            return Choice(backend, "chosen for it has a CUDA device that works")
        lacking.append(f"{name} sees no CUDA device")
    return Choice(NUMPY, f"chosen for there is a CUDA driver, but {'; '.join(lacking)}")


def _working(name: str) -> Backend:
    """The backend, once it has computed something; a library that is present may be of another CUDA than the driver."""
    try:
        backend = _MAKERS[name]()
        rows = backend.put(np.eye(3, dtype=np.float32))
        right = np.array_equal(backend.get(rows @ rows.T), np.eye(3))
    except Exception as error:
        raise Unavailable(f"KAIZEN_CLUSTER_BACKEND={name} does not work here: {error}") from error
    if not right:
        raise Unavailable(f"KAIZEN_CLUSTER_BACKEND={name} computes wrong results here")
    return backend


def _torch() -> Backend:
    torch, space = import_module("torch"), import_module("array_api_compat.torch")
    cuda = torch.cuda.is_available()

    def top(cosines: Array, count: int) -> Array:
        return torch.topk(cosines, count, dim=1, sorted=False).indices

    return Backend(
        name="torch",
        device=torch.cuda.get_device_name() if cuda else "CPU",
        space=space,
        put=partial(torch.tensor, device="cuda" if cuda else "cpu"),
        get=lambda array: array.cpu().numpy(),
        top=top,
    )


def _cuml() -> Backend:
    """CuPy's arrays, and cuML's search where that is installed; no such device was at hand to run this on."""
    cupy, space = import_module("cupy"), import_module("array_api_compat.cupy")
    return Backend(
        name="cuml",
        device=cupy.cuda.runtime.getDeviceProperties(0)["name"].decode(),
        space=space,
        put=cupy.asarray,
        get=cupy.asnumpy,
        top=lambda cosines, count: cupy.argpartition(cosines, -count, axis=1)[:, -count:],
        knn=import_module("cuml.neighbors").NearestNeighbors if find_spec("cuml") else None,
    )


_MAKERS: dict[str, Callable[[], Backend]] = {"torch": _torch, "cuml": _cuml}

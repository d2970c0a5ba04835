"""The choice of a backend: by name, by what is present, and refused with what to install."""

import importlib
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import InvalidConfig, Unavailable
from kaizen_worker import app, checks
from kaizen_worker.engine import backends, live, runtime
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.pipeline.backend import NUMPY

ANY_LIBRARY = "libc.so.6"  # stands for a driver that is present


def without(*packages):
    return pytest.mark.skipif(any(find_spec(one) for one in packages), reason=f"{' or '.join(packages)} is installed")


def check(name):
    found = checks.check_engine(KaizenConfig(cluster_backend=name, embedder="static"))
    return next(one for one in found if one.name == "cluster backend")


@pytest.mark.parametrize(("name", "package"), [("torch", "torch"), ("cuml", "cupy")])
def test_what_is_asked_for_and_absent_is_refused_at_start_with_what_to_install(name, package):
    if find_spec(package):
        pytest.skip(f"{package} is installed")
    config = KaizenConfig(cluster_backend=name, redis_url="redis://127.0.0.1:1/0")
    for refused in (lambda: app.create(config), lambda: Runtime(config).tenant("a").backend):
        with pytest.raises(Unavailable, match=rf"KAIZEN_CLUSTER_BACKEND={name} needs {package}.*: pip install "):
            refused()
    app.create(config, tasks=False)  # beat and Flower cluster nothing
    seen = check(name)
    assert not seen.ok
    assert "pip install" in seen.detail


def test_there_are_four():
    with pytest.raises(InvalidConfig, match="KAIZEN_CLUSTER_BACKEND"):
        KaizenConfig(cluster_backend="abacus")


def test_numpy_is_there_for_whoever_asks():
    assert backends.choose("numpy").backend is NUMPY
    assert check("numpy").detail == "numpy on CPU, as set"


def test_without_a_driver_nothing_large_is_loaded(monkeypatch):
    monkeypatch.setattr(backends, "DRIVER", "libnone.so.1")
    monkeypatch.setattr(backends, "import_module", lambda name: pytest.fail(f"imported {name}"))
    choice = backends.choose("auto")
    assert choice.backend is NUMPY
    assert "no CUDA driver" in choice.reason


@without("cupy")
def test_auto_says_what_is_lacking_beside_a_driver(monkeypatch):
    monkeypatch.setattr(backends, "DRIVER", ANY_LIBRARY)
    choice = backends.choose("auto")
    if choice.backend.name == "torch":
        pytest.skip("there is a CUDA device")
    assert choice.backend is NUMPY
    lacking = "torch sees no CUDA device" if find_spec("torch") else "torch needs torch"
    assert lacking in choice.reason
    assert "cuml needs cupy" in choice.reason


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("put", "does not work here: out of memory"),
        ("get", "computes wrong results here"),
    ],
)
def test_a_device_that_does_not_work_is_refused(monkeypatch, broken, said):
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'kaizen[gpu]'")
    torch = importlib.import_module("torch")
    if broken == "put":

        def full(*_, **__):
            raise RuntimeError("out of memory")

        monkeypatch.setattr(torch, "tensor", full)
    else:
        monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: tensor * 2)
    with pytest.raises(Unavailable, match=said):
        backends.choose("torch")


def test_torch_on_the_cpu_only_for_whoever_asks(monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'kaizen[gpu]'")
    monkeypatch.setattr(backends, "DRIVER", ANY_LIBRARY)
    backend = Runtime(KaizenConfig(cluster_backend="torch")).tenant("a").backend
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert np.array_equal(backend.get(backend.put(rows)), rows)
    assert backends.choose("auto").backend.name == ("numpy" if backend.device == "CPU" else "torch")


def test_cycles_and_live_batches_run_on_the_one_backend(monkeypatch, tenant, push, analyse):
    copied = []

    def put(rows):
        copied.append(rows.shape)
        return rows

    noting = backends.Choice(replace(NUMPY, put=put), "a test's")
    monkeypatch.setattr(runtime, "_choose", lambda name: {"auto": noting}[name])
    push()
    analyse()
    cycle = len(copied)
    assert cycle >= 2  # the centroids and a block of texts; no batch before, for there were no topics
    push(10, first=500)
    live.consume(tenant, place="0")
    assert len(copied) == cycle + 2  # likewise
    analyse()
    assert len(copied) > cycle + 2 + cycle  # likewise, and the last topics before

"""Topics beside BERTopic's default pipeline, on the same vectors, in one run, each in a process of its own.

    KAIZEN_BERTOPIC_PYTHON=... KAIZEN_DATA=... python -m pytest -q -s tests/bench/topics/test_bertopic.py

BERTopic leaves many texts out; its accuracy is told with those wrong, as ours are, and with each put to the nearest of
its topics. Of time and memory the ratios count; nothing is asserted about them, for the machine may be busy.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.cluster.members import centroids

PEER = os.environ.get("KAIZEN_BERTOPIC_PYTHON")  # read before the tests drop our variables
FRESH = Path(__file__).with_name("fresh.py")
MISSING = """KAIZEN_BERTOPIC_PYTHON names no Python that has BERTopic. To make one, without PyTorch:
    python3 -m venv bertopic && bertopic/bin/pip install umap-learn hdbscan pandas plotly pyyaml tqdm
    bertopic/bin/pip install --no-deps bertopic"""
LARGEST = "clinc150"
FORM = "{:<16} {:>6} {:>5}   {:>5} {:>6} {:>6}   {:>7} {:>6} {:>6} {:>7}"


@pytest.mark.timeout(3600)
def test_beside_bertopic(five, accuracy, tmp_path):
    if not PEER:
        pytest.skip(MISSING)
    print("\n" + FORM.format("set", "texts", "truth", "found", "noise", "ACC", "BERTopic", "noise", "ACC", "nearest"))
    better, cost = {}, {}
    for name, of in five.items():
        (own, ours), (other, peer) = run(sys.executable, "ours", of, tmp_path), run(PEER, "peer_bertopic", of, tmp_path)
        acc = [accuracy(of.labels, labels) for labels in (own, other, joined(of, other))]
        counted = [(labels.max() + 1, f"{(labels < 0).mean():.3f}") for labels in (own, other)]
        shown = [f"{value:.3f}" for value in acc]
        print(FORM.format(name, len(of.texts), len(set(of.labels)), *counted[0], shown[0], *counted[1], *shown[1:]))
        better[name], cost[name] = acc[0] > max(acc[1:]), (ours, peer)
    ours, peer = cost[LARGEST]
    print(f"clustering {len(five[LARGEST].texts)} texts, ours and BERTopic's:")
    row("CPU", ours["cpu"], peer["cpu"], "s", "aim 10; with the processes that it starts")
    row("time", ours["wall"], peer["wall"], "s", f"on {len(os.sched_getaffinity(0))} cores")
    row("memory", ours["peak"] / 1e6, peer["peak"] / 1e6, "MB", "aim 2; of the process alone")
    print(f"  the processes that it starts have {peer['workers'] / 1e6:.0f} MB more, what they share counted in each")
    assert all(better.values()), better


def run(python, module, of, folder):
    """Labels, and what they cost, from a fresh process."""
    vectors, texts, labels = folder / "vectors.npy", folder / "texts.json", folder / "labels.npy"
    np.save(vectors, of.vectors)
    texts.write_text(json.dumps(of.texts))
    own = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} if python == sys.executable else {"PYTHONPATH": ""}
    command = [python, FRESH, module, vectors, texts, labels]
    done = subprocess.run(command, env={**os.environ, **own}, check=True, stdout=subprocess.PIPE)
    return np.load(labels), json.loads(done.stdout)


def joined(of, labels):
    """The labels, with what belongs to none put to the nearest centroid."""
    return np.where(labels < 0, nearest(of.vectors, centroids(of.vectors, labels))[0], labels)


def row(what, ours, peer, unit, note):
    print(f"  {what:<7} {ours:>7.1f} {unit} {peer:>7.1f} {unit}  ratio {peer / ours:.1f} ({note})")

"""One way to find topics, in a process of its own: `python fresh.py MODULE VECTORS.npy TEXTS.json LABELS.npy`.

The module's `topics(vectors, texts)` gives a label for each text. A first call on a part of them does not count: it
loads and compiles. Of more than 4,096 texts UMAP looks for neighbours in another way, so the part is as large.
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
from measure import measure

WARM = 5_000

module, vectors, texts, labels = sys.argv[1:]
rows, lines = np.load(vectors), json.loads(Path(texts).read_text())
topics = importlib.import_module(module).topics
topics(rows[:WARM], lines[:WARM])
found, figures = measure(lambda: topics(rows, lines))
np.save(labels, found)
sys.stdout.write(json.dumps(figures))

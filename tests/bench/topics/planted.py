"""Topics of so many texts, in a process of its own, what they cost and how right they are: `python planted.py TEXTS`.

300 topics of sizes 1, 1/2, 1/3 …, a tenth of the texts about none. Words are drawn whatever the topic.
"""

import json
import sys

import numpy as np
from measure import measure
from sklearn.metrics import adjusted_rand_score

from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.cluster.views import unit

TOPICS, DIMENSIONS, NOISE, SCATTER = 300, 384, 0.1, 0.9
BLOCK = 10_000


def plant(size):
    """Vectors (size, 384) float16, texts in their order, and the topic of each, -1 for none."""
    random = np.random.default_rng(0)
    means = unit(random.normal(size=(TOPICS, DIMENSIONS)))
    shares = 1 / np.arange(1, TOPICS + 1)
    truth = random.choice(TOPICS, size, p=shares / shares.sum())
    truth[random.random(size) < NOISE] = -1
    vectors = np.empty((size, DIMENSIONS), np.float16)
    for start in range(0, size, BLOCK):
        own = truth[start : start + BLOCK, None]
        scattered = SCATTER * random.normal(size=(len(own), DIMENSIONS)) / np.sqrt(DIMENSIONS)
        vectors[start : start + BLOCK] = unit(np.where(own < 0, 0.0, means[own[:, 0]]) + scattered)
    words = random.integers(2_000, size=(size, 6))
    return vectors, [f"{place:07d} " + " ".join(map("w{}".format, row)) for place, row in enumerate(words)], truth


def right(truth, found):
    """ARI of the texts that have a topic, noise found among them being one more; share of the others found noise."""
    member = truth >= 0
    return adjusted_rand_score(truth[member], found.labels[member]), float((found.labels[~member] < 0).mean())


vectors, texts, truth = plant(int(sys.argv[1]))
weights = np.ones(len(texts), np.int64)
first, fresh = measure(lambda: cluster(vectors, texts, weights=weights, seed=0))
again, anchored = measure(lambda: cluster(vectors, texts, weights=weights, seed=0, last=first.centroids))
ari, shut_out = right(truth, first)
found = {"found": len(first.centroids), "ari": ari, "shut_out": shut_out}
sys.stdout.write(json.dumps({"fresh": fresh, "anchored": anchored, **found}))

"""Kaizen's topics, with the settings of every tenant."""

import numpy as np

from kaizen_worker.pipeline.cluster import cluster


def topics(vectors, texts):
    return cluster(vectors, texts, weights=np.ones(len(texts), np.int64), seed=0).labels

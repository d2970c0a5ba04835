"""Texts to vectors: one Protocol, one file a model, chosen by the setting `embedder`.

Guarantees: where the model runs here, a vector depends on its own text alone: neither the batch nor the order nor the
number of threads changes a bit of it, so a stored vector stays valid as long as the embedder's name stays; another
model, version, folder or endpoint has another name. Vectors are rounded through float16: `vectors.astype(np.float16)`
may be stored, `restore` gives back the very bits that were computed. What is absent or down raises `Unavailable`, never
`Invalid`: the stream waits for it, and no interaction is taken for broken.
"""

from kaizen_worker.embedding.choice import build, load
from kaizen_worker.embedding.embedder import Embedder, restore

__all__ = ["Embedder", "build", "load", "restore"]

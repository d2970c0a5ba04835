"""The peer: the models with which BERTopic finds topics by default, UMAP and HDBSCAN. What names them is left out."""

import numpy as np
from bertopic import BERTopic


def topics(vectors, texts):
    del texts  # it looks at them for names alone
    model = BERTopic()
    return model.hdbscan_model.fit_predict(model.umap_model.fit_transform(vectors.astype(np.float32)))

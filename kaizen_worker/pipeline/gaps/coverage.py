"""Can the knowledge base answer this at all? A probability from how well it matches, before any answer is given.

The weights are one compromise between two kinds of knowledge base, passages that words tell apart and short questions
that only their meaning does; benchmarks of gaps measure it on both, with half of the answers gone and with questions
about something else. What users of this tenant said moves them, as far as they said enough.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression

from kaizen_worker.types import Codes, Floats, Served

INTERCEPT, BM25, IDF, COSINE, MARGIN = -6.65, 1.0, 3.8, 5.5, 9.0
"""Log odds of "answerable". The cosine lies between what suits short entries (8) and what suits articles that all treat
one subject, of which it tells nothing. With this intercept 8 of 10 questions that are called unanswerable are so, of
encyclopaedic paragraphs; of abstracts nearly all."""

MIN_OUTCOMES = 50
"""Answers that helped, and that did not, from which the weights follow this tenant's."""

PRIOR_WEIGHT = 100.0
"""How many outcomes the fitted weights are worth beside those of the tenant."""


def answerable(served: Served) -> Floats:
    """Probability that the knowledge base holds an answer, (u,) 0..1, with the fitted weights."""
    odds = INTERCEPT + BM25 * served.bm25 + IDF * served.idf + COSINE * served.cosine + MARGIN * served.margin
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def calibrated(served: Served, text: Codes, helped: Floats) -> Floats:
    """The same, (u,) 0..1, moved by what users said, if there is enough of both kinds.

    The fitted weights enter as outcomes that they predict themselves (Clogg et al. 1991, a prior by added data), and
    the tenant's outcomes are weighted to the same balance, because unhappy users rate more often. Weights that turn
    negative would say that better matches help less, which is about something else than knowledge: they are refused.

    Args:
        served: How well each of the u texts is covered.
        text: (n,) into the texts.
        helped: (n,) 1 the answer helped, 0 it did not, NaN unknown.
    """
    prior = answerable(served)
    known = np.isfinite(helped)
    outcome = helped[known]
    if min((outcome == 1).sum(), (outcome == 0).sum()) < MIN_OUTCOMES:
        return prior
    columns = np.column_stack((served.bm25, served.idf, served.cosine, served.margin))
    rated = text[known]
    balance = np.where(
        outcome == 1, prior[rated].mean() / outcome.mean(), (1 - prior[rated].mean()) / (1 - outcome.mean())
    )
    each = PRIOR_WEIGHT / len(prior)
    model = LogisticRegression(C=1e6, max_iter=1000).fit(
        np.concatenate((columns, columns, columns[rated])),
        np.concatenate((np.ones(len(prior)), np.zeros(len(prior)), outcome)),
        np.concatenate((each * prior, each * (1 - prior), balance)),
    )
    return np.asarray(model.predict_proba(columns)[:, 1]) if (model.coef_ >= 0).all() else prior

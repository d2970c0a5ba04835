"""Names of the topics that clustering finds: do they share a word stem with the majority intent's name?"""

import re
from collections import Counter

import numpy as np
import pytest
import snowballstemmer

from kaizen_worker.embedding import load
from kaizen_worker.engine.topics import LEAST
from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.naming import JOINT, exemplars, name

SEEDS = range(4)
STEMMER = snowballstemmer.stemmer("english")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("file", ["clinc150", "banking77", "hwu64", "dstc11_dev"])
def test_names_share_a_stem_with_the_majority_intent(file, read):
    of = read(file)
    texts, vectors, weights = of.texts, of.vectors, of.weights
    intents = dict(zip(texts, of.labels, strict=True))
    shares = []
    for seed in SEEDS:
        found = cluster(vectors, texts, weights=weights, seed=seed)
        rows = [np.flatnonzero(found.labels == topic) for topic in range(len(found.centroids))]
        typical = [vectors[own].astype(np.float32) @ mean for own, mean in zip(rows, found.centroids, strict=True)]
        counts = [
            weights[own] * near.clip(LEAST) ** 2 for own, near in zip(rows, typical, strict=True)
        ]  # as a cycle does
        members = [[texts[i] for i in own] for own in rows]
        names = name(members, [own.round(6).tolist() for own in counts], embed=load("static").embed)
        assert len({each.casefold() for each in names}) == len(names)
        majority = [Counter(intents[text] for text in own).most_common(1)[0] for own in members]
        first = np.array([hit(each.split(JOINT)[0], intent) for each, (intent, _) in zip(names, majority, strict=True)])
        whole = np.array([hit(each, intent) for each, (intent, _) in zip(names, majority, strict=True)])
        shares.append((first.mean(), whole.mean()))
        print(f"\n{file}, seed {seed}: {len(names)} topics, top phrase {first.mean():.3f}, name {whole.mean():.3f}")
        if not seed:
            shown = exemplars(vectors, texts, labels=found.labels, centroids=found.centroids)
            for topic in np.flatnonzero(~first):
                intent, number = majority[topic]
                print(f"  {names[topic]!r}: {intent} {number / len(members[topic]):.0%}, {shown[topic][:2]}")
    top, name_ = np.mean(shares, axis=0)
    print(f"{file}, mean of {len(SEEDS)} seeds: top phrase {top:.3f}, name {name_:.3f}")
    assert file != "clinc150" or (top > 0.77 and name_ >= 0.83)  # the aim of .8 for the top phrase alone: see the print


def hit(phrase, intent):
    return bool(stems(phrase) & stems(intent.replace("_", " ")))


def stems(text):
    apart = re.sub("(?<=[a-z])(?=[A-Z])", " ", text)  # as in FileClaim
    return set(STEMMER.stemWords(re.findall(r"[^\W_]+", apart.lower())))

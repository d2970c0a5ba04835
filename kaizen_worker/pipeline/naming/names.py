"""Names of topics out of their own queries: readable, distinct, and the same every time.

Numbers and order of topics do not matter to a name, only the texts do.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import combinations, count
from math import exp, log, sqrt

from kaizen_worker.pipeline.naming.meaning import Embed, cosines
from kaizen_worker.pipeline.naming.phrases import Stems
from kaizen_worker.pipeline.naming.vocabulary import READ, Read, Vocabulary, heaviest, vocabularies

CANDIDATES = 12
"""Best phrases of a topic that a name may use."""

MEANT = 75
"""Of the queries that a name is made from, so many, spread over them, are what its phrases are compared with."""

SHARPNESS = 8.0
"""How much a phrase's cosine to its topic counts: .1 more outweighs half of the queries that have it."""

JOINT = " · "
"""Between the phrases of a name."""

FALLBACK = 60
"""Characters of a query that names a topic without phrases."""

Scores = dict[Stems, float]
"""Phrases of a topic, the best first."""


def name(
    texts: Sequence[Sequence[str]],
    weights: Sequence[Sequence[float]],
    *,
    taken: Collection[str] = (),
    embed: Embed | None = None,
) -> tuple[str, ...]:
    """Name k topics by the phrases that are frequent in them and rare in the others, no two alike.

    Args:
        texts: Distinct queries of each topic.
        weights: What each query counts.
        taken: Names that none of them may get.
        embed: Gives vectors of phrases and queries; without it phrases are judged by counts alone.

    Returns:
        k names: the best phrase with the second best, as people say them in one, else side by side. Phrases count by
        class-based TF-IDF (Grootendorst 2022) over stems, the best of them also by how near they are to the queries,
        and show in their most frequent surface form.
    """
    order = sorted(range(len(texts)), key=lambda topic: (-sum(weights[topic]), sorted(texts[topic])))
    known = vocabularies([texts[topic] for topic in order], [weights[topic] for topic in order])
    ranked = _by_counts(known)
    if embed is not None:
        read = [_spread(heaviest(texts[topic], weights[topic], READ)) for topic in order]
        ranked = _by_meaning(known, ranked, read, embed)
    used = {other.casefold() for other in taken}
    names = [""] * len(texts)
    for topic, vocabulary, best in zip(order, known, ranked, strict=True):
        shortest = min(texts[topic], key=lambda text: (len(text), text))
        choices = _choices(vocabulary, list(best), shortest)
        names[topic] = next(choice for choice in choices if choice.casefold() not in used)
        used.add(names[topic].casefold())
    return tuple(names)


def _choices(own: Vocabulary, ranked: Sequence[Stems], fallback: str) -> Iterator[str]:
    """Give names from the best to the last resort; endless, so that there is always one that is not taken."""
    for first, second in combinations([*ranked, None], 2):
        if first is not None and second is None:
            yield own.shown(first)
        elif first is not None and second is not None and not set(first) & set(second):
            both = own.together(first, second)
            if both or own.tells_alone(second):
                yield own.shown(both) if both else f"{own.shown(first)}{JOINT}{own.shown(second)}"
    seen = "".join(sign for sign in fallback if sign.isprintable())[:FALLBACK].strip() or "…"
    yield seen
    yield from (f"{seen} ({number})" for number in count(2))


def _spread(read: Read) -> Read:
    return read[:: -(-len(read) // MEANT) or 1]


def _by_counts(known: Sequence[Vocabulary]) -> list[Scores]:
    """The best phrases by class-based TF-IDF; a longer phrase says more, so each further word adds half."""
    everywhere: Counter[Stems] = Counter()
    for own in known:
        everywhere.update(own.shares)

    def score(own: Vocabulary, stems: Stems) -> float:
        return own.shares[stems] * log(1 + len(known) / everywhere[stems]) * (1 + own.lengths[stems]) / 2

    return [_best({stems: score(own, stems) for stems in own.surfaces}) for own in known]


def _by_meaning(
    known: Sequence[Vocabulary], ranked: Sequence[Scores], read: Sequence[Read], embed: Embed
) -> list[Scores]:
    """The same phrases, those nearest to their topic first; how many queries have it counts half as much then."""
    pairs = list(zip(known, ranked, strict=True))
    shown = [[own.shown(stems) for stems in best] if own.language.meant else [] for own, best in pairs]
    found = []
    for own, best, near in zip(known, ranked, cosines(shown, read, embed), strict=True):
        meant = zip(best.items(), near.tolist(), strict=False)  # none in a language that vectors do not know
        nearer = {stems: score / sqrt(own.shares[stems]) * exp(SHARPNESS * to) for (stems, score), to in meant}
        found.append(_best(nearer) if nearer else best)
    return found


def _best(scores: Scores) -> Scores:
    first = sorted(scores, key=lambda stems: (-scores[stems], stems))[:CANDIDATES]
    return {stems: scores[stems] for stems in first}

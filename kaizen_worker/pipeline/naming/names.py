"""Names of topics out of their own queries: readable, distinct, and the same every time.

Numbers and order of topics do not matter to a name, only the texts do.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, count
from math import log

from kaizen_worker.pipeline.naming.phrases import Stems
from kaizen_worker.pipeline.naming.vocabulary import Vocabulary, vocabularies

CANDIDATES = 12
"""Best phrases of a topic that a name may use."""

JOINT = " · "
"""Between the phrases of a name."""

FALLBACK = 60
"""Characters of a query that names a topic without phrases."""


def name(
    texts: Sequence[Sequence[str]], weights: Sequence[Sequence[float]], *, taken: Collection[str] = ()
) -> tuple[str, ...]:
    """Name k topics by the phrases that are frequent in them and rare in the others, no two alike.

    Args:
        texts: Distinct queries of each topic.
        weights: What each query counts.
        taken: Names that none of them may get.

    Returns:
        k names: the best phrase with the second best, as people say them in one, else side by side. Phrases count by
        class-based TF-IDF (Grootendorst 2022) over stems, and show in their most frequent surface form.
    """
    order = sorted(range(len(texts)), key=lambda topic: (-sum(weights[topic]), sorted(texts[topic])))
    known = vocabularies([texts[topic] for topic in order], [weights[topic] for topic in order])
    everywhere: Counter[Stems] = Counter()
    for vocabulary in known:
        everywhere.update(vocabulary.shares)
    used = {other.casefold() for other in taken}
    names = [""] * len(texts)
    for topic, vocabulary in zip(order, known, strict=True):
        shortest = min(texts[topic], key=lambda text: (len(text), text))
        choices = _choices(vocabulary, everywhere, len(texts), shortest)
        names[topic] = next(choice for choice in choices if choice.casefold() not in used)
        used.add(names[topic].casefold())
    return tuple(names)


def _choices(own: Vocabulary, everywhere: Mapping[Stems, float], topics: int, fallback: str) -> Iterator[str]:
    """Give names from the best to the last resort; endless, so that there is always one that is not taken."""
    ranked = _ranked(own, everywhere, topics)[:CANDIDATES]
    for first, second in combinations([*ranked, None], 2):
        if first is not None and second is None:
            yield own.shown(first)
        elif first is not None and second is not None and not set(first) & set(second):
            both = own.together(first, second)
            yield own.shown(both) if both else f"{own.shown(first)}{JOINT}{own.shown(second)}"
    seen = "".join(sign for sign in fallback if sign.isprintable())[:FALLBACK].strip() or "…"
    yield seen
    yield from (f"{seen} ({number})" for number in count(2))


def _ranked(own: Vocabulary, everywhere: Mapping[Stems, float], topics: int) -> list[Stems]:
    """Phrases from the highest class-based TF-IDF; a longer phrase says more, so each further word adds half."""

    def score(stems: Stems) -> float:
        return own.shares[stems] * log(1 + topics / everywhere[stems]) * (1 + own.lengths[stems]) / 2

    return sorted(own.surfaces, key=lambda stems: (-score(stems), stems))

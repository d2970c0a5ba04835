"""What each topic's queries say: phrases with their shares, in the topic's own language."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kaizen_worker.pipeline.naming.language import Language, detect
from kaizen_worker.pipeline.naming.phrases import Stems, phrases
from kaizen_worker.pipeline.words import words

READ = 300
"""Texts of a topic that its name is made from, those with the largest weight."""

LONGEST_TEXT = 1000
"""Characters of a text that a name may come from: what is asked stands at the beginning."""

ENOUGH = 10
"""Topics from which it shows whether a stop word is common to all."""

OFTEN = 0.2
"""Share of a topic's queries with a stop word that may tell it from the others, as "thank" tells thanks."""

HALF = 0.5
"""Of its shares in all topics, that it has to have in that one."""

FRAGMENT = 0.8
"""Share of its occurrences in which a run of characters goes on, from which it is a part of the longer one."""

Read = list[tuple[str, float]]
"""Texts of a topic, the heaviest first, with the share of the weight that each has."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Phrases of one topic."""

    language: Language
    shares: dict[Stems, float] = field(default_factory=dict)  # share of the topic's weight that has the phrase, 0..1
    lengths: dict[Stems, float] = field(default_factory=dict)  # in words
    surfaces: dict[Stems, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # of those that read well

    @classmethod
    def of(cls, read: Read, language: Language) -> "Vocabulary":
        """The vocabulary of a topic's texts."""
        vocabulary = cls(language)
        for text, share in read:
            for stems, phrase in {phrase.stems: phrase for phrase in phrases(text, language)}.items():
                vocabulary.shares[stems] = vocabulary.shares.get(stems, 0.0) + share
                vocabulary.lengths[stems] = phrase.length
                if phrase.surface is not None:
                    vocabulary.surfaces[stems][phrase.surface] += 1
        vocabulary._drop_fragments()
        return vocabulary

    def _drop_fragments(self) -> None:
        """Of runs without blanks, forget those that nearly always go on: they cut a word."""
        for stems in [stems for stems, length in self.lengths.items() if length < len(stems)]:
            for part in (stems[1:], stems[:-1]):
                if self.shares[stems] >= FRAGMENT * self.shares.get(part, 1.0):
                    self.surfaces.pop(part, None)

    def shown(self, stems: Stems) -> str:
        """The most frequent surface."""
        surfaces = self.surfaces[stems]
        return min(surfaces, key=lambda surface: (-surfaces[surface], len(surface), surface))

    def tells_alone(self, stems: Stems) -> bool:
        """Whether it says something beside another phrase: a stop word does in one with others only."""
        return not self.language.telling.issuperset(self.shown(stems).split())

    def together(self, first: Stems, second: Stems) -> Stems | None:
        """The most frequent phrase that has both, if more than one query says them in one."""
        both = [stems for stems in self.surfaces if {*first, *second}.issubset(stems)]
        said = [stems for stems in both if self.surfaces[stems].total() > 1]
        return max(said, key=lambda stems: (self.shares[stems], stems), default=None)


def vocabularies(texts: Sequence[Sequence[str]], weights: Sequence[Sequence[float]]) -> list[Vocabulary]:
    """One vocabulary a topic, from its texts and their weights."""
    read = [heaviest(own, counts, READ) for own, counts in zip(texts, weights, strict=True)]
    return [Vocabulary.of(own, language) for own, language in zip(read, _languages(read), strict=True)]


def heaviest(texts: Sequence[str], weights: Sequence[float], count: int) -> Read:
    """So many of the texts, the heaviest first, with the share of their weight that each has."""
    best = sorted(zip(weights, texts, strict=True), key=lambda pair: (-pair[0], pair[1]))[:count]
    total = sum(weight for weight, _ in best)
    return [(text[:LONGEST_TEXT], weight / total) for weight, text in best]


def _languages(read: Sequence[Read]) -> list[Language]:
    """Each topic's language; a stop word that one topic has and the others have not is none there."""
    said = [[(words(text), share) for text, share in own] for own in read]
    languages = [detect(word for spoken, _ in own for word in spoken) for own in said]
    if len(read) < ENOUGH:
        return languages
    shares = [_stop_shares(own, language) for own, language in zip(said, languages, strict=True)]
    total: Counter[str] = Counter()
    for own in shares:
        total.update(own)
    telling = [{word for word in own if own[word] >= max(OFTEN, HALF * total[word])} for own in shares]
    pairs = zip(languages, telling, strict=True)
    return [replace(language, stop_words=language.stop_words - own, telling=frozenset(own)) for language, own in pairs]


def _stop_shares(said: Sequence[tuple[list[str], float]], language: Language) -> Counter[str]:
    stops = language.stop_words - language.glue
    shares: Counter[str] = Counter()
    for spoken, share in said:
        shares.update(dict.fromkeys(stops.intersection(spoken), share))
    return shares

"""A question as the words that carry it: what a source that knows no questions is asked with."""

from functools import lru_cache

from kaizen_worker.pipeline.naming.language import detect
from kaizen_worker.pipeline.words import words

MOST = 12
"""Words of a query."""

LONGEST = 40
"""Characters of a word."""


@lru_cache(1024)
def keywords(question: str) -> tuple[str, ...]:
    """The distinct words of the question in their order, without those that say nothing; all where none is left.

    They have letters, digits and apostrophes alone, in lower case: no query language finds an operator in them.
    """
    said = [word for word in dict.fromkeys(words(question)) if len(word) <= LONGEST]
    stops = detect(said).stop_words
    return tuple([word for word in said if word not in stops][:MOST] or said[:MOST])

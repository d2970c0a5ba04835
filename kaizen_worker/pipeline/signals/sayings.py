"""What the words of a turn and of a response say about success, before anything is weighed.

Rejections are looked for in the first words only, because a long question may contain anything; a bare "no" is an
answer, not a rejection, where the assistant had asked.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.pipeline.signals.phrases import characters_a_word, mentions, plain, vocabulary
from kaizen_worker.types import Flags

BLOCK = 8_192
"""Queries whose words are held at a time."""

HEAD_WORDS = 12
"""Words of a turn in which a rejection is looked for."""

REFUSAL_WORDS = 40
"""Words of a response in which a refusal is looked for: it comes first, caveats come later."""

READ = 1_200
"""Characters of a response that are read: the words above, with room. What is longer answers, and asks nothing back."""

QUESTION_WORDS = 30
"""Longest response that counts as nothing but a question back."""

CLARIFICATION_WORDS = 60
"""Longest response in which a phrase that asks back counts: longer ones answer, then offer more."""

SENTENCE = re.compile(r"[.!?\n\u3002\uff01\uff1f]+")

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Zl", "Zp", "Zs"})
"""Categories of Unicode of which nothing is seen where they stand alone: controls, marks, blanks."""

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that are drawn as nothing: the fillers of Hangul, the empty pattern of Braille."""


@dataclass(frozen=True, slots=True)
class Queries:
    """What each distinct query says, (u,) bool each."""

    rejects: Flags  # anywhere in its first words
    opens: Flags  # its first words reject, unless they answer a question back
    bare: Flags  # rejects if it says nothing else
    thanks: Flags
    escalates: Flags
    empty: Flags  # carries no question of its own
    empty_call: Flags  # carries nothing but the wish for a person
    said: NDArray[np.uint64]  # hash of the plain text: equal where it is


def read_queries(texts: Sequence[str]) -> Queries:
    """Read the distinct queries (u), some at a time: what they say in words takes more memory than they do."""
    parts = [_read(texts[start : start + BLOCK]) for start in range(0, max(len(texts), 1), BLOCK)]
    return Queries(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Queries)))


def _read(texts: Sequence[str]) -> Queries:
    words = [plain(text) for text in texts]
    heads = [_first(text, HEAD_WORDS) for text in words]
    rejects, opens = mentions(heads, "negation"), mentions(heads, "opening", at_start=True)
    opens &= ~mentions(heads, "trouble", at_start=True)
    bare, thanks, thanks_first = (
        mentions(heads, "bare"),
        mentions(heads, "thanks"),
        mentions(heads, "thanks", at_start=True),
    )
    escalates = mentions(words, "escalation")
    contentless = vocabulary("function", "negation", "opening", "bare", "thanks")
    closed = np.array([contentless.issuperset(text.split()) for text in words], np.bool_)
    calling = contentless | vocabulary("escalation")
    calls = np.array([calling.issuperset(text.split()) for text in words], np.bool_)
    return Queries(
        rejects=rejects,
        opens=opens,
        bare=bare,
        thanks=(thanks_first | (thanks & closed)) & ~rejects & ~opens,
        escalates=escalates,
        empty=closed & (rejects | opens | bare | thanks),
        empty_call=calls & escalates,
        said=np.frombuffer(b"".join(blake2b(text.encode(), digest_size=8).digest() for text in words), np.uint64),
    )


def is_empty(text: str) -> bool:
    """Whether nothing of it can be seen, in any language: blanks, controls and signs without a shape of their own."""
    return all(unicodedata.category(sign) in _UNSEEN or sign in _BLANK for sign in text)


def read_responses(responses: Sequence[str | None]) -> dict[str, Flags]:
    """What each of m distinct responses says, None for none; (m,) bool each.

    given: there is an answer. empty: one was given that says nothing. refusal, clarification. asks: it ends by asking.
    """
    texts = [text or "" for text in responses]
    words = [plain(text[:READ]) for text in texts]
    lengths = np.array([(text.count(" ") - 1) // characters_a_word(text) for text in words], np.int64)
    lengths[[len(text) > READ for text in texts]] = READ
    phrase = mentions(words, "clarification") & (lengths <= CLARIFICATION_WORDS)
    closing = mentions(words, "closing")
    questions = [_last_question(text) for text in texts]
    asks = np.array([question is not None for question in questions], np.bool_)
    asking = mentions([plain(question or "") for question in questions], "asking", at_start=True)
    clarification = (phrase | (asking & (lengths <= QUESTION_WORDS))) & ~(closing & ~phrase)
    refusal = mentions([_first(text, REFUSAL_WORDS) for text in words], "refusal") & ~clarification
    blank = np.array([is_empty(text) for text in texts], np.bool_)
    empty = blank & np.array([text is not None for text in responses], np.bool_)
    return {"given": ~blank, "empty": empty, "refusal": refusal, "clarification": clarification, "asks": asks}


def _last_question(text: str) -> str | None:
    """The last sentence without its question mark, None if it asks nothing."""
    text = text.rstrip()
    return SENTENCE.split(text[-400:-1])[-1] if text.endswith(("?", "\uff1f")) else None  # a question back is short


def _first(words: str, count: int) -> str:
    """The first words of a `plain` text, as a `plain` text; of characters twice as many."""
    count *= characters_a_word(words)
    return f" {' '.join(words.split(maxsplit=count)[:count])} "

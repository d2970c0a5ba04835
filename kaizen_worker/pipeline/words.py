"""Text to words, in any script and without a dictionary: the same words wherever words are counted.

Compatibility forms are one (NFKC), combining marks stay with their letter, and what is written without blanks (Chinese,
Japanese, Thai, Lao, Khmer, Burmese) comes as pairs of neighbouring characters, as search engines index it.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

_MARKS = "".join(
    re.escape(chr(code)) for code in range(0x300, 0x1F000) if unicodedata.category(chr(code)) in {"Mn", "Mc"}
)
_THAI = "\u0e01-\u0e3a\u0e40-\u0e4e"
_LAO = "\u0e81-\u0ece\u0edc-\u0edf"
_BURMESE = "\u1000-\u103f\u1050-\u109f\ua9e0-\ua9ef\uaa60-\uaa7f"
_KHMER = "\u1780-\u17d3\u17d7\u17dc\u17dd"
_KANA = "\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_RUN = re.compile(f"([{_THAI}{_LAO}{_BURMESE}{_KHMER}{_KANA}{_HAN}]+)")
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}])*(?:'(?:[^\W_]|[{_MARKS}])+)*")
_PLAIN_WORD = re.compile("[a-zA-Z0-9]+(?:'[a-zA-Z0-9]+)*")
"""The same of ASCII text, several times as fast."""

_ELISION = re.compile(r"\b([a-zà-ɏ]{1,5})'(?=\w{3})")
"""As in l'argent or dell'acqua; what is short behind the apostrophe, as in don't or I'm, belongs to its word."""

_CHARACTER = re.compile(
    rf"[\u0e40-\u0e44\u0ec0-\u0ec4]?.(?:[\u1039\u17d2].|[{_MARKS}\u0e30\u0e32\u0e33\u0eb0\u0eb2\u0eb3])*"
)
_HIDDEN = dict.fromkeys(map(ord, "\u00ad\u200c\u200d\u2060\ufeff\u0640")) | {ord("’"): "'"}

_APOSTROPHES = str.maketrans("", "", "'`\u2018\u2019\u00b4")


def words(text: str) -> list[str]:
    """The words in their order, case folded; of a run of characters without blanks its overlapping pairs.

    >>> words("Don't block my Straße-Card")
    ["don't", 'block', 'my', 'strasse', 'card']
    >>> words("重置PIN码")
    ['重置', 'pin', '码']
    """
    found: list[str] = []
    for piece, spaced in pieces(normal(text).casefold()):
        found.extend([piece] if spaced else _pairs(characters(piece)))
    return found


def said(text: str) -> list[str]:
    """The words in their order as people say them: without apostrophes, what has no blanks character by character.

    >>> said("It doesn't work: 重置PIN码")
    ['it', 'doesnt', 'work', '重', '置', 'pin', '码']
    """
    found: list[str] = []
    for piece, spaced in pieces(normal(text.translate(_APOSTROPHES)).casefold()):
        found.extend([piece] if spaced else characters(piece))
    return found


def normal(text: str) -> str:
    """The text in lower case and in one form of each character: NFKC, without what nobody sees."""
    if text.isascii():
        return text.lower()
    one = unicodedata.normalize("NFKC", text).translate(_HIDDEN).lower()
    return one.replace("\u0e4d\u0e32", "\u0e33").replace("\u0ecd\u0eb2", "\u0eb3")  # am, which NFKC takes apart


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Each word of a normal text with True, and each run that is written without blanks with False."""
    if text.isascii():
        yield from ((word, True) for word in _PLAIN_WORD.findall(_ELISION.sub(r"\1 ", text)))
        return
    for place, part in enumerate(_RUN.split(text)):
        if place % 2:
            yield part, False
        else:
            yield from ((word, True) for word in _WORD.findall(_ELISION.sub(r"\1 ", part)))


def characters(run: str) -> list[str]:
    """The characters that a reader sees: a letter with its marks, and with the vowels that stand around it."""
    return _CHARACTER.findall(run)


def _pairs(run: list[str]) -> list[str]:
    return ["".join(pair) for pair in pairwise(run)] or run

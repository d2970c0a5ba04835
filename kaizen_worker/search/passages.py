"""Documents into passages of about 200 to 300 words that make sense alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kaizen_worker.search.documents import Block, Document

FULL = 200
"""Words from which a passage takes no further paragraph."""

LONGEST = 300
"""Words of a passage at most."""

_ENOUGH = 80  # words from which a heading begins a new passage; less is too little to stand alone
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Section:
    """One passage: the document's title with the heading it stands under, and its paragraphs."""

    title: str
    text: str


def split(document: Document) -> list[Section]:
    """Every word of the document in exactly one passage, in order; headings begin passages, paragraphs stay whole.

    Only a paragraph longer than `LONGEST` is cut, at the ends of sentences, or of words where a sentence is too long.
    """
    found: list[Section] = []
    heading, held = "", list[str]()
    for block in document.blocks:
        for text in _pieces(block):
            words = sum(map(_count, held))
            if held and _begins(block, words, _count(text)):
                found.append(_section(document, heading, held))
                heading, held = "", []
            if block.level and not held:
                heading = text
            held.append(text)
    return [*found, _section(document, heading, held)] if held else found


def _begins(block: Block, words: int, more: int) -> bool:
    """Whether a passage of that many words is closed before the block."""
    if block.level:
        return words >= _ENOUGH
    return words >= FULL or words + more > LONGEST


def _section(document: Document, heading: str, held: list[str]) -> Section:
    title = document.title if heading in {"", document.title} else f"{document.title}: {heading}"
    return Section(title, "\n\n".join(held))


def _pieces(block: Block) -> Iterator[str]:
    if _count(block.text) <= LONGEST:
        yield block.text
        return
    held: list[str] = []
    for part in _parts(block.text):
        if held and sum(map(_count, held)) + _count(part) > LONGEST:
            yield " ".join(held)
            held = []
        held.append(part)
    yield " ".join(held)


def _parts(text: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(text):
        words = sentence.split()
        for start in range(0, len(words), LONGEST):
            yield " ".join(words[start : start + LONGEST])


def _count(text: str) -> int:
    return text.count(" ") + 1

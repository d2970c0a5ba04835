"""Documents in Markdown, HTML, plain text and PDF as a title and blocks of text."""

import codecs
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pypdf import PdfReader

from kaizen_api.errors import Invalid
from kaizen_worker.search import hypertext, markdown

MAX_PAGES = 1_000
"""Pages of a PDF that are read."""

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w-]{2,20})", re.IGNORECASE)
_WEB = re.compile(
    r"utf-(8|16(-[bl]e)?)|ascii|iso8859-\d+|cp\d+|koi8-[ru]|mac-\w+|gb\w+|big5\w*|euc_\w+|iso2022_jp|shift_jis|tis-620"
)
_HEAD = 1024  # bytes in which HTML must say its encoding
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Block:
    """A heading (level 1 to 6) or a paragraph (level 0), its white space collapsed, never blank."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says."""

    title: str
    blocks: tuple[Block, ...]


def parse(content: bytes, name: str) -> Document:
    """The document in a file of that name, called by its title, its first heading, or the file's name.

    Raises:
        Invalid: it is binary or encrypted. Parsers raise errors of their own besides.
    """
    path = PurePosixPath(name)
    title, found = _PARSERS[path.suffix.lower()](content)
    blocks = tuple(Block(level, said) for level, text in found if (said := _collapse(text)))
    heading = next((block.text for block in blocks if block.level == 1), "")
    return Document(_collapse(title) or heading or _collapse(re.sub(r"[-_]", " ", path.stem)), blocks)


def _plain(content: bytes) -> tuple[str, list[tuple[int, str]]]:
    return "", [(0, paragraph) for paragraph in _BLANK_LINE.split(_decoded(content))]


def _markdown(content: bytes) -> tuple[str, list[tuple[int, str]]]:
    return markdown.parse(_decoded(content))


def _html(content: bytes) -> tuple[str, list[tuple[int, str]]]:
    declared = _CHARSET.search(content[:_HEAD])
    return hypertext.parse(_decoded(content, declared[1].decode() if declared else "utf-8"))


def _pdf(content: bytes) -> tuple[str, list[tuple[int, str]]]:
    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted:
        raise Invalid("encrypted")
    title = (reader.metadata.title if reader.metadata else "") or ""
    pages = [page.extract_text() for page in reader.pages[:MAX_PAGES]]
    return title, [(0, paragraph) for page in pages for paragraph in _BLANK_LINE.split(page)]


_PARSERS: Mapping[str, Callable[[bytes], tuple[str, list[tuple[int, str]]]]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _html,
    ".htm": _html,
    ".txt": _plain,
    ".pdf": _pdf,
}
KINDS = {"text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt", "application/pdf": ".pdf"}
"""Media types that are read, and what a file of each is called."""

SUFFIXES = tuple(_PARSERS)
"""Kinds of files that are read, in lower case."""


def _decoded(content: bytes, encoding: str = "utf-8") -> str:
    """Text by its byte order mark, by what it declares if the web knows it, by Windows-1252 where that fails."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16")
    else:
        try:
            text = content.decode(_codec(encoding))
        except (UnicodeDecodeError, LookupError):
            text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise Invalid("binary, not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _codec(encoding: str) -> str:
    """Python's name of it; its others take for ever, or make of letters what nobody saw (punycode, UTF-7, escapes).

    Raises:
        LookupError: It is none of the web's.
    """
    name = codecs.lookup(encoding).name
    if not _WEB.fullmatch(name):
        raise LookupError(name)
    return "utf-8-sig" if name == "utf-8" else name


def _collapse(text: str) -> str:
    """Single spaces, and no halves of surrogate pairs, which a PDF may hold and nothing can store."""
    return " ".join(text.encode("utf-8", "replace").decode().split())

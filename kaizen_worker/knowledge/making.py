"""From what was found or imported to an entry: the same content gives the same id, whoever makes it and when."""

import hashlib
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from kaizen_api.errors import Invalid
from kaizen_api.schema import MAX_TEXT_BYTES, Entry, EntryState, Name, Provenance, Step
from kaizen_worker.types import Passage

IMPORT = "import"
"""The source of what a person adds."""

_IMPORT_TRUST = 0.9
_SCHEMES = frozenset({"", "http", "https", "file"})
_ID_BYTES = 8


class Document(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True, forbid_unknown_fields=True):
    """One piece of knowledge that a person adds: a line of `kaizen kb add`; nothing else, so that nothing vanishes."""

    title: Annotated[str, Meta(max_length=1024)] = ""
    text: str
    id: Name | None = None
    url: str | None = None


def entry_id(*, source: str, url: str | None, text: str) -> str:
    """`e` and 16 hexadecimal digits of blake2b over source, url and text."""
    content = msgspec.json.encode([source, url or "", text])
    return "e" + hashlib.blake2b(content, digest_size=_ID_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class Errand:
    """What a passage was searched for.

    Attributes:
        query: What was asked.
        gap: What it is to fill.
        batch: The job that found it, for rolling back.
        adapter: The source's adapter and its version.
    """

    query: str | None = None
    gap: str | None = None
    batch: str | None = None
    adapter: str | None = None


def from_passage(passage: Passage, *, at: int, errand: Errand, state: EntryState = "quarantined") -> Entry:
    """An entry of a screened passage, with its flags.

    Args:
        passage: What was found.
        at: When, us since the epoch.
        errand: What for.
        state: Where it begins.

    Raises:
        Invalid: the text is blank or over `MAX_TEXT_BYTES`.
    """
    provenance = Provenance(
        source=passage.source,
        retrieved_at=at,
        content_hash=_content_hash(passage.text),
        url=passage.url or None,
        query=errand.query,
        gap=errand.gap,
        batch=errand.batch,
        licence=passage.licence,
        trust=passage.trust,
        adapter=errand.adapter,
    )
    return Entry(
        id=entry_id(source=passage.source, url=passage.url, text=passage.text),
        title=passage.title,
        text=passage.text,
        provenance=provenance,
        state=state,
        flags=list(passage.flags),
        history=[Step(at=at, event=state)],
    )


def from_document(document: Document, *, at: int, batch: str | None = None) -> Entry:
    """An active entry of what a person adds, under the id it brings, if any.

    Raises:
        Invalid: the text is blank or over `MAX_TEXT_BYTES`, or the address is of a kind that does something.
    """
    scheme = urlsplit(document.url or "").scheme
    if scheme not in _SCHEMES:
        raise Invalid(f"url begins with {scheme}: — give an http, https or file address, or a path")
    passage = Passage(IMPORT, document.title, document.text, document.url or "", score=1.0, trust=_IMPORT_TRUST)
    entry = from_passage(passage, at=at, errand=Errand(batch=batch), state="active")
    return msgspec.structs.replace(entry, id=document.id or entry.id)


def _content_hash(text: str) -> str:
    content = text.encode()
    if not text.strip():
        raise Invalid("an entry needs a text: this one is blank")
    if len(content) > MAX_TEXT_BYTES:
        raise Invalid(f"an entry's text may have {MAX_TEXT_BYTES} bytes, this one has {len(content)}: split it")
    return hashlib.sha256(content).hexdigest()

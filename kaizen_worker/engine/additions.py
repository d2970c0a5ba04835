"""What a person adds to the knowledge base, line by line: documents, and entries as an export wrote them.

What `kaizen kb export` writes, this takes: a line with `provenance` becomes just the entry that it was. A document that
says otherwise than another entry is taken in as well, and both are marked for a person to settle.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from kaizen_api.errors import Invalid
from kaizen_api.schema import Entry, EntryState
from kaizen_worker.engine import disputes
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.knowledge.making import Document, from_document

AT_ONCE = 500
"""Lines that are added before they are compared: an index that catches up once for each line would cost more."""


class _Exported(Entry, kw_only=True, forbid_unknown_fields=True):
    """A line of `kaizen kb export`; what comes in through this door is of a state that this version knows."""

    state: EntryState = "active"


_DOCUMENT = msgspec.json.Decoder(Document)
_EXPORTED = msgspec.json.Decoder(_Exported)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True)
class Added:
    """What became of the lines so far.

    Attributes:
        changed: Lines that changed something.
        unchanged: Lines whose content was here.
        refused: Place and reason of each that was not taken.
        disputes: Of each entry that says otherwise than others, its id and theirs.
    """

    changed: int = 0
    unchanged: int = 0
    refused: list[str] = field(default_factory=list)
    disputes: dict[str, list[str]] = field(default_factory=dict)


def add(tenant: Tenant, lines: Iterable[tuple[str, bytes]], *, batch: str, added: Added) -> None:
    """Take some lines in and compare what they say; again: nothing more, but what an earlier try left uncompared.

    Args:
        tenant: Whose knowledge base.
        lines: Place and content of each.
        batch: Under which they are rolled back.
        added: What is added to.

    Raises:
        Unavailable: Redis does not answer; what was added stays.
    """
    documents: dict[str, Entry] = {}
    for place, line in lines:
        try:
            entry, changed, is_document = _add(tenant, line, batch)
        except Invalid as error:
            added.refused.append(f"{place}: {error}")
            continue
        added.changed += changed
        added.unchanged += not changed
        if is_document and entry.state == "active":
            documents[entry.id] = entry
    if documents:
        tenant.retrieval_by_words.refresh()
    for entry in documents.values():
        near = disputes.near(entry, among=tenant.retrieval_by_words)
        if opposed := disputes.mark(tenant, entry, near, at=_now()):
            added.disputes[entry.id] = opposed


def _add(tenant: Tenant, line: bytes, batch: str) -> tuple[Entry, bool, bool]:
    """The entry that it is now, whether that is a change, and whether it came as a document."""
    try:
        if "provenance" in _FIELDS.decode(line):
            return *_add_exported(tenant, _EXPORTED.decode(line)), False
        return *_add_document(tenant, _DOCUMENT.decode(line), batch), True
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f'not a document, {{"title", "text"}}, nor a line of `kaizen kb export`: {error}') from None
    except RecursionError:
        raise Invalid("nested too deeply: a document is one flat object") from None


def _add_document(tenant: Tenant, document: Document, batch: str) -> tuple[Entry, bool]:
    entry = from_document(document, at=_now(), batch=batch)
    if document.id is not None:
        (before,) = tenant.entries.many([entry.id])
        kept = tenant.entries.put(entry, at=_now())
        return kept, kept != before
    kept = tenant.entries.add(entry)
    if kept.state == "quarantined":  # a search found it before; a person vouches for it now
        return tenant.entries.activate(kept.id, at=_now(), detail=batch), True
    return kept, kept.provenance.batch == batch


def _add_exported(tenant: Tenant, line: _Exported) -> tuple[Entry, bool]:
    """As it was, once what a document is checked for is in order, and its text is the one that its hash is of."""
    entry = Entry(**msgspec.structs.asdict(line))
    document = msgspec.convert({"id": entry.id, "text": entry.text, "url": entry.provenance.url}, Document)
    checked = from_document(document, at=_now())
    if checked.provenance.content_hash != entry.provenance.content_hash:
        raise Invalid("its text is not the one that was exported: to change it, give only id, title, text and url")
    return entry, bool(tenant.entries.load([entry]))


def _now() -> int:
    return time.time_ns() // 1000

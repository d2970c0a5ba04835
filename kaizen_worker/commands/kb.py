"""`kaizen kb search · add · export · rotate · archives · verify · restore`.

What `export` writes, `add` takes: a line with `provenance` is an entry of an export, and becomes just what it was.
"""

import codecs
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import details, emit, note, table
from kaizen_api.cli.terminal import escaped
from kaizen_api.errors import Invalid, NotFound, Unavailable
from kaizen_api.schema import Entry, EntryState
from kaizen_worker.commands.engine import engine
from kaizen_worker.engine import daily
from kaizen_worker.engine.knowledge import LookUp
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.knowledge import snapshots
from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.store import archive
from kaizen_worker.store.manifest import SUFFIX, Manifest, named


class _Exported(Entry, kw_only=True, forbid_unknown_fields=True):
    """A line of `kaizen kb export`; what comes in through this door is of a state that this version knows."""

    state: EntryState = "active"


_DOCUMENT = msgspec.json.Decoder(Document)
_EXPORTED = msgspec.json.Decoder(_Exported)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SHOWN_REFUSALS = 20


@click.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 50), default=5, show_default=True, help="Most entries.")
@shared
@click.pass_obj
def search_command(session: Session, query: str, limit: int) -> None:
    """Find entries as the assistant would."""
    if not query.strip():
        raise click.UsageError("QUERY is blank: say what is asked")
    with engine(session) as tenant:
        if tenant.config.knowledge_search == "hybrid":
            with suppress(Unavailable):  # then by words alone, as the assistant gets it
                tenant.retrieval.complete()
        hits = LookUp(tenant.runtime).knowledge(tenant.name, query, session_id=None, limit=limit)
    columns = ("score", "id", "title", "source")
    rows = [[hit.score, hit.id, hit.title, hit.provenance.source] for hit in hits]
    emit(session, {"entries": hits}, lambda _: table(columns, rows, empty="nothing found"))


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.File("rb"))
@shared
@click.pass_obj
def add_command(session: Session, files: tuple[BinaryIO, ...]) -> int:
    """Add documents: JSONL with `{"id"?, "title", "text", "url"?}` a line. The same content again changes nothing.

    A line of `kaizen kb export` becomes the entry that it was, state, provenance and history included, in place of what
    has its id.
    """
    batch = f"import.{secrets.token_hex(4)}"
    counts = {True: 0, False: 0}
    refused: list[str] = []
    with engine(session) as tenant:
        for file in files:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    counts[_add(tenant, line.removeprefix(codecs.BOM_UTF8), batch)] += 1
                except Invalid as error:
                    refused.append(f"{file.name}:{number}: {error}")
    for reason in refused[:_SHOWN_REFUSALS]:
        note(reason)
    told = {"added": counts[True], "unchanged": counts[False], "refused": len(refused), "batch": batch}
    summary = f"{counts[True]} added, {counts[False]} unchanged, {len(refused)} refused (batch {batch})"
    emit(session, told, lambda _: click.echo(summary))
    return 0 if any(counts.values()) else 1


def _add(tenant: Tenant, line: bytes, batch: str) -> bool:
    """Whether it changed anything."""
    try:
        if "provenance" in _FIELDS.decode(line):
            return _add_exported(tenant, _EXPORTED.decode(line))
        return _add_document(tenant, _DOCUMENT.decode(line), batch)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f'not a document, {{"title", "text"}}, nor a line of `kaizen kb export`: {error}') from None
    except RecursionError:
        raise Invalid("nested too deeply: a document is one flat object") from None


def _add_document(tenant: Tenant, document: Document, batch: str) -> bool:
    entry = from_document(document, at=_now(), batch=batch)
    if document.id is not None:
        (before,) = tenant.entries.many([entry.id])
        return tenant.entries.put(entry, at=_now()) != before
    kept = tenant.entries.add(entry)
    if kept.state == "quarantined":  # a search found it before; a person vouches for it now
        tenant.entries.activate(kept.id, at=_now(), detail=batch)
        return True
    return kept.provenance.batch == batch


def _add_exported(tenant: Tenant, line: _Exported) -> bool:
    """As it was, once what a document is checked for is in order, and its text is the one that its hash is of."""
    entry = Entry(**msgspec.structs.asdict(line))
    document = msgspec.convert({"id": entry.id, "text": entry.text, "url": entry.provenance.url}, Document)
    checked = from_document(document, at=_now())
    if checked.provenance.content_hash != entry.provenance.content_hash:
        raise Invalid("its text is not the one that was exported: to change it, give only id, title, text and url")
    return bool(tenant.entries.load([entry]))


@click.command()
@click.option("--out", type=click.File("wb"), default="-", help="File; default: standard output.")
@shared
@click.pass_obj
def export_command(session: Session, out: BinaryIO) -> None:
    """Write every entry in every state as JSONL, by id; with --json as one document."""
    before, between, after = (b'{"items":[', b",\n", b"]}\n") if session.json else (b"", b"\n", b"\n")
    count = 0
    with engine(session) as tenant:
        out.write(before)
        for entry in tenant.entries.export():
            out.write((between if count else b"") + escaped(msgspec.json.encode(entry).decode()).encode())
            count += 1
        out.write(after if count or session.json else b"")
    note(f"{count} entries")


@click.command()
@click.argument("entry_id", metavar="ID")
@shared
@click.pass_obj
def show_command(session: Session, entry_id: str) -> None:
    """Show one entry in full: its text, where it came from, and what became of it."""
    with engine(session) as tenant:
        entry = tenant.entries.get(entry_id)
    emit(session, entry, _show_entry)


def _show_entry(shown: dict[str, Any]) -> None:
    provenance = shown["provenance"]
    steps = [f"{step['at']} {step['event']} {step['detail']}" for step in shown["history"]]
    told = {name: provenance[name] for name in ("source", "url", "query", "gap", "batch", "retrieved_at")}
    details(
        [
            ("id", shown["id"]),
            ("title", shown["title"]),
            ("state", shown["state"]),
            ("flags", shown["flags"]),
            ("disputed with", shown.get("disputes", [])),
        ]
    )
    details([*told.items(), ("history", steps), ("text", shown["text"].splitlines())])


@click.command()
@shared
@click.pass_obj
def rotate_command(session: Session) -> None:
    """Archive it as it is now, and delete what is past retention; beat does so every night, as of midnight."""
    with engine(session) as tenant:
        done = daily.rotate(tenant, at_once=True)
    emit(session, done, lambda shown: details(shown.items()))


@click.command()
@shared
@click.pass_obj
def archives_command(session: Session) -> None:
    """List archives, the oldest first, and whether there is a copy; `kaizen kb verify` checks them."""
    with engine(session) as tenant:
        here = {path.name: _size(path) for path in archive.archives(tenant.archives)}
        away = set(tenant.copies.names() if tenant.copies else ())
    found = [{"archive": name, "bytes": here.get(name), "copied": name in away} for name in named({*here, *away})]
    columns = ("archive", "bytes", "copied")
    rows = [[one[column] for column in columns] for one in found]
    emit(session, {"items": found}, lambda _: table(columns, rows, empty="no archives yet"))


@click.command()
@click.argument("names", nargs=-1, metavar="[ARCHIVE]...")
@shared
@click.pass_obj
def verify_command(session: Session, names: tuple[str, ...]) -> int:
    """Check archives and their copies to the last byte; without a name, all of them."""
    with engine(session) as tenant:
        verdicts = [
            _verdict(name, place, check)
            for place, known, check in _places(tenant)
            for name in known
            if not names or name in names
        ]
    if missing := set(names).difference(verdict["archive"] for verdict in verdicts):
        raise NotFound(f"no archive {min(missing)}: `kaizen kb archives` lists them")
    columns = ("archive", "place", "good", "detail")
    rows = [[verdict[column] for column in columns] for verdict in verdicts]
    emit(session, {"items": verdicts}, lambda _: table(columns, rows, empty="no archives yet"))
    return 0 if all(verdict["good"] for verdict in verdicts) else 1


def _places(tenant: Tenant) -> Iterator[tuple[str, list[str], Callable[[str], Manifest]]]:
    """Where archives are: here, and where they are copied to."""
    folder, copies = tenant.archives, tenant.copies
    yield "here", [path.name for path in archive.archives(folder)], lambda name: archive.verify(folder / name)
    if copies is not None:
        yield "copy", copies.names(), copies.verify


def _verdict(name: str, place: str, check: Callable[[str], Manifest]) -> dict[str, Any]:
    try:
        good, detail = True, f"{check(name).count} pieces"
    except Invalid as error:
        good, detail = False, str(error)
    return {"archive": name, "place": place, "good": good, "detail": detail}


@click.command()
@click.argument("name", metavar="ARCHIVE")
@shared
@click.pass_obj
def restore_command(session: Session, name: str) -> None:
    """Bring an archive's entries back, from its copy if need be, in place of what has their ids; later ones stay."""
    with engine(session) as tenant:
        entries = list(snapshots.restore(_archive(tenant, name)))
        changed = tenant.entries.load(entries)
    told = {"entries": len(entries), "changed": changed}
    emit(session, told, lambda _: click.echo(f"{len(entries)} entries read, {changed} changed"))


@click.command()
@click.option("--batch", help="That one import or search wrote; `kaizen kb add` and `kaizen kb show` name it.")
@click.option("--source", help="That came from there, such as folder or import.")
@click.option("--gap", metavar="ID", help="That were found for it.")
@shared
@click.pass_obj
def rollback_command(session: Session, batch: str | None, source: str | None, gap: str | None) -> None:
    """Take entries out of the assistant's sight, of all that is given; adding them again does not bring them back."""
    if not (batch or source or gap):
        raise click.UsageError("name what to roll back: --batch, --source or --gap")
    with engine(session) as tenant:
        gone = tenant.entries.roll_back(at=_now(), batch=batch, source=source, gap=gap)
    emit(session, {"expired": gone}, lambda _: click.echo(f"{len(gone)} entries expired"))


def _archive(tenant: Tenant, name: str) -> Path:
    """The archive, brought back from where it was copied to if it is not here."""
    path, copies = tenant.archives / Path(name).name, tenant.copies
    if path in archive.archives(tenant.archives):
        return path
    if copies is not None and path.name in copies.names():
        return copies.fetch(path.name, tenant.archives)
    raise NotFound(f"no archive {name} in {tenant.archives}: `kaizen kb archives` lists them")


def _size(manifest: Path) -> int:
    stem = manifest.name.removesuffix(SUFFIX)
    return sum(part.stat().st_size for part in manifest.parent.glob(f"{stem}*"))


def _now() -> int:
    return time.time_ns() // 1000

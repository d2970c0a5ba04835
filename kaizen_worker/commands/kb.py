"""`kaizen kb search · add · export · rotate · archives · verify · restore`."""

import secrets
import time
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import details, emit, note, table
from kaizen_api.errors import Invalid, NotFound
from kaizen_worker.commands.engine import engine
from kaizen_worker.engine import daily
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.knowledge import snapshots
from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.store import archive

_DOCUMENT = msgspec.json.Decoder(Document)
_SHOWN_REFUSALS = 20


@click.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 50), default=5, show_default=True, help="Most entries.")
@shared
@click.pass_obj
def search_command(session: Session, query: str, limit: int) -> None:
    """Find entries as the assistant would."""
    with engine(session) as tenant:
        tenant.retrieval.complete()
        hits = tenant.retrieval.search(query, limit=limit)
    columns = ("score", "id", "title", "source")
    rows = [[hit.score, hit.id, hit.title, hit.provenance.source] for hit in hits]
    emit(session, {"entries": hits}, lambda _: table(columns, rows, empty="nothing found"))


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.File("rb"))
@shared
@click.pass_obj
def add_command(session: Session, files: tuple[BinaryIO, ...]) -> int:
    """Add documents: JSONL with `{"id"?, "title", "text", "url"?}` a line. The same content again changes nothing."""
    batch = f"import.{secrets.token_hex(4)}"
    added, refused = 0, list[str]()
    with engine(session) as tenant:
        for file in files:
            for number, line in enumerate(file, start=1):
                try:
                    added += _add(tenant, line, batch)
                except Invalid as error:
                    refused.append(f"{file.name}:{number}: {error}")
    for reason in refused[:_SHOWN_REFUSALS]:
        note(reason)
    told = {"added": added, "refused": len(refused), "batch": batch}
    emit(session, told, lambda _: click.echo(f"{added} added, {len(refused)} refused (batch {batch})"))
    return 1 if refused and not added else 0


def _add(tenant: Tenant, line: bytes, batch: str) -> int:
    if not line.strip():
        return 0
    try:
        document = _DOCUMENT.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f'not a document, {{"title", "text"}}: {error}') from None
    entry = from_document(document, at=_now(), batch=batch)
    if document.id is not None:
        tenant.entries.put(entry, at=_now())
        return 1
    kept = tenant.entries.add(entry)
    if kept.state == "quarantined":  # a search found it before; a person vouches for it now
        tenant.entries.activate(kept.id, at=_now(), detail=batch)
    return 1


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
            out.write((between if count else b"") + msgspec.json.encode(entry))
            count += 1
        out.write(after if count or session.json else b"")
    note(f"{count} entries")


@click.command()
@shared
@click.pass_obj
def rotate_command(session: Session) -> None:
    """Archive it now and delete what is past retention."""
    with engine(session) as tenant:
        done = daily.rotate(tenant)
    emit(session, done, lambda shown: details(shown.items()))


@click.command()
@shared
@click.pass_obj
def archives_command(session: Session) -> None:
    """List archives, the oldest first; `kaizen kb verify` checks them."""
    with engine(session) as tenant:
        found = [{"archive": path.name, "bytes": _size(path)} for path in archive.archives(tenant.archives)]
    rows = [[one["archive"], one["bytes"]] for one in found]
    emit(session, {"items": found}, lambda _: table(("archive", "bytes"), rows, empty="no archives yet"))


@click.command()
@click.argument("names", nargs=-1, metavar="[ARCHIVE]...")
@shared
@click.pass_obj
def verify_command(session: Session, names: tuple[str, ...]) -> int:
    """Check archives to the last byte; without a name, all of them."""
    verdicts = []
    with engine(session) as tenant:
        for path in [_archive(tenant, name) for name in names] or archive.archives(tenant.archives):
            try:
                verdicts.append({"archive": path.name, "good": True, "detail": f"{archive.verify(path).count} pieces"})
            except Invalid as error:
                verdicts.append({"archive": path.name, "good": False, "detail": str(error)})
    columns = ("archive", "good", "detail")
    rows = [[verdict[column] for column in columns] for verdict in verdicts]
    emit(session, {"items": verdicts}, lambda _: table(columns, rows, empty="no archives yet"))
    return 0 if all(verdict["good"] for verdict in verdicts) else 1


@click.command()
@click.argument("name", metavar="ARCHIVE")
@shared
@click.pass_obj
def restore_command(session: Session, name: str) -> None:
    """Bring an archive's entries back, in place of what has their ids; later entries stay."""
    with engine(session) as tenant:
        entries = list(snapshots.restore(_archive(tenant, name)))
        changed = tenant.entries.load(entries)
    told = {"entries": len(entries), "changed": changed}
    emit(session, told, lambda _: click.echo(f"{len(entries)} entries read, {changed} changed"))


def _archive(tenant: Tenant, name: str) -> Path:
    path = tenant.archives / Path(name).name
    if path not in archive.archives(tenant.archives):
        raise NotFound(f"no archive {name} in {tenant.archives}: `kaizen kb archives` lists them")
    return path


def _size(manifest: Path) -> int:
    stem = manifest.name.removesuffix(archive.SUFFIX)
    return sum(part.stat().st_size for part in manifest.parent.glob(f"{stem}*"))


def _now() -> int:
    return time.time_ns() // 1000

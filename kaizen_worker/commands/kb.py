"""`kaizen kb search · add · export · show · expire · activate · rotate · archives · verify · restore`."""

import codecs
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import details, emit, note, table
from kaizen_api.cli.progress import bar
from kaizen_api.cli.terminal import escaped
from kaizen_api.errors import Invalid, NotFound, Unavailable
from kaizen_api.schema import Entry
from kaizen_worker.commands.engine import engine
from kaizen_worker.engine import daily
from kaizen_worker.engine.additions import AT_ONCE, Added, add
from kaizen_worker.engine.knowledge import LookUp
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.knowledge import snapshots
from kaizen_worker.store import archive
from kaizen_worker.store.manifest import SUFFIX, Manifest, named

_SHOWN = 20  # refusals and disputes that are told; all are counted


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
    has its id. A document that says otherwise than another entry is added, and both are marked for you to settle.
    """
    batch, added = f"import.{secrets.token_hex(4)}", Added()
    size = sum(Path(file.name).stat().st_size for file in files if Path(file.name).is_file())
    with engine(session) as tenant, bar("adding", total=size or None) as advance:
        read = 0
        lines = ((f"{file.name}:{number}", line) for file in files for number, line in enumerate(file, start=1))
        while some := list(islice(lines, AT_ONCE)):
            read += sum(len(line) for _, line in some)
            filled = ((place, line.removeprefix(codecs.BOM_UTF8)) for place, line in some if line.strip())
            add(tenant, filled, batch=batch, added=added)
            advance(read, f"{added.changed + added.unchanged} entries")
    for reason in added.refused[:_SHOWN]:
        note(reason)
    for entry_id, others in islice(added.disputes.items(), _SHOWN):
        note(f"{entry_id} says otherwise than {', '.join(others)}: `kaizen kb expire ID` takes out what is wrong")
    counts = {"added": added.changed, "unchanged": added.unchanged, "refused": len(added.refused)}
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    told += f", {len(added.disputes)} disputed" if added.disputes else ""
    everything = {**counts, "disputes": added.disputes, "batch": batch}
    emit(session, everything, lambda _: click.echo(f"{told} (batch {batch})"))
    return 0 if added.changed or added.unchanged else 1


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
@click.argument("entry_ids", metavar="ID...", nargs=-1, required=True)
@shared
@click.pass_obj
def expire_command(session: Session, entry_ids: tuple[str, ...]) -> None:
    """Take entries out of the assistant's sight, such as the wrong one of two that dispute each other."""
    _move(session, entry_ids, lambda tenant, entry_id: tenant.entries.expire(entry_id, at=_now()))


@click.command()
@click.argument("entry_ids", metavar="ID...", nargs=-1, required=True)
@shared
@click.pass_obj
def activate_command(session: Session, entry_ids: tuple[str, ...]) -> None:
    """Let the assistant find entries: from quarantine, whatever their flags, or back from expiry."""
    _move(session, entry_ids, lambda tenant, entry_id: tenant.entries.activate(entry_id, at=_now()))


def _move(session: Session, entry_ids: tuple[str, ...], step: Callable[[Tenant, str], Entry]) -> None:
    """None where one of them does not exist."""
    with engine(session) as tenant:
        for entry_id in entry_ids:
            tenant.entries.get(entry_id)
        moved = {entry_id: step(tenant, entry_id).state for entry_id in entry_ids}
    told = "\n".join(f"{entry_id} is {state}" for entry_id, state in moved.items())
    emit(session, moved, lambda _: click.echo(told))


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

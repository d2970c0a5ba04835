"""Copies of archives where fsspec reaches: a folder elsewhere, S3 and what speaks its language, and whatever it knows.

A copy is there entirely or not at all: each file is put in one request, the manifest last, and a copy exists only if
its manifest verifies. Whatever is repeated, or was interrupted, ends in the same files; what is fetched is verified.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar, cast

import fsspec

from kaizen_api.config.urls import mask_url
from kaizen_api.errors import Invalid, KaizenError, Unavailable
from kaizen_worker.store import archive
from kaizen_worker.store.durable import locked, write_whole
from kaizen_worker.store.manifest import Manifest, check, named, orphans, past, unseal

P = ParamSpec("P")
T = TypeVar("T")


class Copies:
    """The copies of one folder's archives.

    Args:
        url: The place, like `s3://bucket/kaizen` or `file:///mnt/elsewhere`.
        folder: Its part for these archives.

    Raises:
        Invalid: nothing that is installed reaches such a place.
        Unavailable: the place does not answer.
    """

    def __init__(self, url: str, folder: str) -> None:
        self._shown = mask_url(url)
        try:
            files, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            extra = "; for S3: pip install 'kaizen[s3]'" if url.startswith("s3") else ""
            raise Invalid(f"{self._shown}: archives cannot be copied there: {error}{extra}") from None
        except OSError as error:  # of a kind that connects at once
            raise self._unavailable(error) from None
        self._files: Any = files
        self._root = f"{root.rstrip('/')}/{folder}"

    def names(self) -> list[str]:
        """The manifests, the oldest of a kind first; nothing is verified.

        Raises:
            Unavailable: the place does not answer.
        """
        return named(self._calling(self._list))

    def add(self, folder: Path) -> list[str]:
        """Copy what is not there yet, or differs; the manifests' names.

        Raises:
            Invalid: an archive of the folder is damaged: it is not copied.
            Unavailable: the place does not answer.
        """
        known = set(self.names())
        return [path.name for path in archive.archives(folder) if self._add(path, known)]

    def verify(self, name: str) -> Manifest:
        """Read the whole copy and say what it holds.

        Raises:
            Invalid: a file is absent or not as it was written; the text names it.
            Unavailable: the place does not answer.
        """
        manifest = unseal(name, self._read(name))
        for part in manifest.parts:
            try:
                self._calling(self._through, part.name, partial(check, part))
            except FileNotFoundError:
                raise Invalid(f"{part.name}: absent, though {name} lists it") from None
        return manifest

    def fetch(self, name: str, folder: Path) -> Path:
        """Bring a copy back among a folder's archives and verify it; returns its manifest's path.

        Raises:
            Invalid: a file is absent or not as it was written; the text names it, and the archive is not there.
            Unavailable: the place does not answer.
        """
        with locked(folder):
            for part in self.verify(name).parts:
                self._fetch(part.name, folder)
            self._fetch(name, folder)
        archive.verify(folder / name)
        return folder / name

    def prune(self, *, before: int) -> list[str]:
        """Remove copies as `archive.prune` removes archives; the names of their manifests.

        Raises:
            Unavailable: the place does not answer.
        """
        gone = past(self.names(), before=before, good=self._is_good)
        for name in gone:
            self._calling(self._files.rm_file, self._path(name))
        self._drop_orphans()
        return gone

    def _add(self, path: Path, known: set[str]) -> bool:
        sealed = path.read_bytes()
        if path.name in known and self._read(path.name) == sealed:
            return False
        self._calling(self._files.makedirs, self._root, exist_ok=True)
        for part in archive.verify(path).parts:
            self._calling(self._files.put_file, str(path.with_name(part.name)), self._path(part.name))
        self._calling(self._files.pipe_file, self._path(path.name), sealed)
        return True

    def _read(self, name: str) -> bytes:
        try:
            return cast("bytes", self._calling(self._files.cat_file, self._path(name)))
        except FileNotFoundError:
            raise Invalid(f"{name}: absent at {self._shown}") from None

    def _fetch(self, name: str, folder: Path) -> None:
        def fill(file: BinaryIO) -> None:
            self._through(name, lambda content: shutil.copyfileobj(content, file))

        write_whole(folder, lambda file: self._calling(fill, file), lambda _: name)

    def _through(self, name: str, use: Callable[[BinaryIO], None]) -> None:
        with self._files.open(self._path(name), "rb") as content:
            use(content)

    def _list(self) -> list[str]:
        try:
            found = self._files.ls(self._root, detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return [str(path).rstrip("/").rpartition("/")[2] for path in found]

    def _is_good(self, name: str) -> bool:
        try:
            self.verify(name)
        except Invalid:
            return False
        return True

    def _drop_orphans(self) -> None:
        listed: set[str] = set()
        unreadable: set[str] = set()
        files = self._calling(self._list)
        for name in named(files):
            try:
                listed.update(part.name for part in unseal(name, self._read(name)).parts)
            except Invalid:
                unreadable.add(name)
        for name in orphans(files, listed=frozenset(listed), unreadable=frozenset(unreadable)):
            self._calling(self._files.rm_file, self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _calling(self, call: Callable[P, T], *arguments: P.args, **named_arguments: P.kwargs) -> T:
        try:
            return call(*arguments, **named_arguments)
        except (KaizenError, FileNotFoundError):
            raise
        except Exception as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> Unavailable:
        return Unavailable(f"copies of archives at {self._shown}: {type(error).__name__}: {error}", retry_after=60.0)

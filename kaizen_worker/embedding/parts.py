"""Where models come from: resources of installed wheels, checked; packages of extras; folders of saved models.

Each is absent or altered in a way that somebody can mend, so what is raised is `Unavailable`: the stream waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kaizen_api.errors import Unavailable

Resource = tuple[str, str, str]
"""Package, file in it, and the sha256 that the file must have."""


def resource(package: str, path: str, digest: str) -> bytes:
    """Give the content of a file that a wheel brought; none of the wheel's code is run.

    Raises:
        Unavailable: It is absent, or is not the one that was pinned.
    """
    spec = find_spec(package)  # of a top-level package: finds it without running its code
    folders = (spec and spec.submodule_search_locations) or ()
    for folder in folders:
        file = Path(folder, path)
        if file.is_file() and sha256(content := file.read_bytes()).hexdigest() == digest:
            return content
    raise Unavailable(f"{package}/{path} is absent or altered; reinstall it: pip install --force-reinstall {package}")


def package(name: str, *, extra: str) -> Any:
    """Import a package that only an extra installs.

    Raises:
        Unavailable: It is not installed; the text names the extra.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise Unavailable(f"the embedder {extra} needs its extra: pip install 'kaizen[{extra}]' ({error})") from None


def folder_digest(folder: Path) -> str:
    """Name the content of a saved model: 16 hexadecimal digits that another file, name or byte changes.

    Raises:
        Unavailable: There is no such folder, or it is empty.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    if not files:
        raise Unavailable(f"{folder} is no folder with a saved model: KAIZEN_EMBEDDER_MODEL must name one")
    content = sha256()
    for file in files:
        with file.open("rb") as opened:
            content.update(f"{file.relative_to(folder).as_posix()}\0".encode())
            content.update(file_digest(opened, "sha256").digest())
    return content.hexdigest()[:16]


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """While a library reads a saved model: its many errors become one.

    Raises:
        Unavailable: It could not be read.
    """
    try:
        yield
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise Unavailable(f"the model in {folder} cannot be read, save it again: {reason}") from error

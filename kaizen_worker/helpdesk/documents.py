"""The standard library's docstrings as documents: what the help desk's assistant may learn from.

Guarantees: the order and every byte depend on the interpreter and its platform alone, not on the hash seed, the
environment or the clock, as long as nobody replaced parts of the library (pytest does); only the modules in
`MODULES` are imported, none of which prints, opens a window or a connection; one that this platform lacks is
skipped. Warnings raised while reading are suppressed, which is process-wide while a module is read.
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

# builtins leads, so that what other modules merely pass on (io.open) is filed under the name people know.
MODULES: tuple[str, ...] = (
    "builtins", "abc", "argparse", "array", "ast", "asyncio", "atexit", "base64", "bdb", "binascii", "bisect",
    "bz2", "cProfile", "calendar", "cmath", "cmd", "code", "codecs", "collections", "colorsys", "compileall",
    "concurrent.futures", "configparser", "contextlib", "contextvars", "copy", "copyreg", "csv", "ctypes",
    "dataclasses", "datetime", "dbm", "decimal", "difflib", "dis", "doctest", "email", "email.header",
    "email.message", "email.utils", "enum", "errno", "faulthandler", "fcntl", "filecmp", "fileinput", "fnmatch",
    "fractions", "ftplib", "functools", "gc", "getopt", "getpass", "gettext", "glob", "graphlib", "grp", "gzip",
    "hashlib", "heapq", "hmac", "html", "html.parser", "http", "http.client", "http.cookiejar", "http.cookies",
    "http.server", "imaplib", "importlib", "importlib.metadata", "importlib.resources", "importlib.util", "inspect",
    "io", "ipaddress", "itertools", "json", "keyword", "linecache", "locale", "logging", "logging.config",
    "logging.handlers", "lzma", "math", "mimetypes", "mmap", "multiprocessing", "multiprocessing.pool",
    "multiprocessing.shared_memory", "numbers", "operator", "optparse", "os", "os.path", "pathlib", "pdb", "pickle",
    "pkgutil", "platform", "plistlib", "poplib", "pprint", "pstats", "pwd", "py_compile", "queue", "quopri",
    "random", "re", "reprlib", "resource", "runpy", "sched", "secrets", "select", "selectors", "shelve", "shlex",
    "shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "stat", "statistics", "string",
    "struct", "subprocess", "sys", "sysconfig", "tarfile", "tempfile", "textwrap", "threading", "time", "timeit",
    "tokenize", "tomllib", "trace", "traceback", "tracemalloc", "types", "typing", "unicodedata", "unittest",
    "unittest.mock", "urllib.error", "urllib.parse", "urllib.request", "urllib.robotparser", "uuid", "venv",
    "warnings", "wave", "weakref", "webbrowser", "wsgiref.simple_server", "xml.dom.minidom",
    "xml.etree.ElementTree", "xmlrpc.client", "xmlrpc.server", "zipapp", "zipfile", "zipimport", "zlib", "zoneinfo",
)  # fmt: skip

# A method that is explained at this length answers questions by itself; a shorter one stays with its class.
OWN_DOCUMENT_CHARS = 80

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class Document:
    """One module, class, function or long method.

    `name` is the file's stem, unique even where case is ignored; `title` is the dotted name one can import; `text`
    is markdown without the title line: the signature where there is one, then the docstring.
    """

    name: str
    title: str
    text: str


def documents(modules: Sequence[str] | None = None) -> Iterator[Document]:
    """Yield the documents of the modules (None: all of `MODULES`), always in the order of `MODULES`.

    A thing that is public under several names comes once, under the first. Raises ValueError for a module that is
    not in `MODULES`: an unknown import may do anything.
    """
    wanted = set(MODULES if modules is None else modules)
    if unknown := wanted.difference(MODULES):
        raise ValueError(f"not in the list of safe modules: {', '.join(sorted(unknown))}")
    seen: set[tuple[str, str]] = set()
    stems: set[str] = set()
    for name in MODULES:
        if name not in wanted:
            continue
        for title, text in _read(name):
            # random.choices and Random.choices differ in nothing but `self`, so the signature does not count.
            key = (title.rpartition(".")[2], text.partition("\n```\n")[2] or text)
            if key not in seen:
                seen.add(key)
                yield Document(_stem(title, stems), title, text)


def write_documents(folder: Path, pages: Iterable[Document]) -> int:
    """Write each document as `<name>.md` (UTF-8, first line `# title`) into the folder, made if absent.

    Returns how many were written. Writing again gives the same bytes; files that are not ours stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for document in pages:
        page = f"# {document.title}\n\n{document.text}\n"
        (folder / f"{document.name}.md").write_text(page, encoding="utf-8", newline="\n")
        written += 1
    return written


def _read(name: str) -> list[tuple[str, str]]:
    """Return (title, text) of everything in one module; a list, for a generator would hold the warnings filter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            module = importlib.import_module(name)
        except ImportError:
            return []
        return [(title, text) for title, text in _pages(name, module) if text]


def _pages(name: str, module: types.ModuleType) -> Iterator[tuple[str, str]]:
    yield name, _docstring(module)
    members = _public(name, module)
    for member, value in members:
        if not isinstance(value, type):
            yield f"{name}.{member}", _explained(member, value)
    for member, value in members:
        if isinstance(value, type):
            yield from _class_pages(f"{name}.{member}", value)


def _class_pages(title: str, cls: type) -> Iterator[tuple[str, str]]:
    """Yield the class with its constructor and short methods as sections, then each long method by itself."""
    simple = title.rpartition(".")[2]
    methods = [(method, value, _docstring(value)) for method, value in _methods(cls)]
    parts = [_explained(simple, cls)]
    parts += [
        f"## {method}\n\n{_explained(method, value)}"
        for method, value, doc in methods
        if 0 < len(doc) < OWN_DOCUMENT_CHARS or (doc and method == "__init__")
    ]
    yield title, "\n\n".join(part for part in parts if part)
    for method, value, doc in methods:
        if len(doc) >= OWN_DOCUMENT_CHARS and method != "__init__":
            yield f"{title}.{method}", _explained(method, value)


def _public(name: str, module: types.ModuleType) -> list[tuple[str, object]]:
    """Return what the module offers, sorted by name, without modules and second names of its classes."""
    names = sorted(member for member in _offered(name, module) if not member.startswith("_"))
    members = [(member, getattr(module, member, None)) for member in names]
    return [
        (member, value)
        for member, value in members
        if not isinstance(value, types.ModuleType) and not (isinstance(value, type) and _is_alias(member, value, names))
    ]


def _offered(name: str, module: types.ModuleType) -> set[str]:
    """Return `__all__`, else what was defined in the module or its C half; of a package also what its parts define."""
    homes = {name, f"_{name}"} | ({"io", "_io"} if name == "builtins" else set())  # open's home has changed
    origins = {member: str(getattr(value, "__module__", "")) for member, value in vars(module).items()}
    listed = set(getattr(module, "__all__", ())) or {m for m, origin in origins.items() if origin in homes}
    if hasattr(module, "__path__"):  # asyncio 3.11 forgets to list TaskGroup
        listed |= {member for member, origin in origins.items() if origin.startswith(f"{name}.")}
    return listed


def _methods(cls: type) -> list[tuple[str, object]]:
    """Return the class's own attributes, and those it takes from private bases, which have no page of their own."""
    private = (base for base in cls.__mro__[1:] if base.__name__[0] == "_" or base.__module__[0] == "_")
    owners = [cls, *private]
    found: dict[str, object] = {}
    for owner in owners:
        for method, value in vars(owner).items():
            plain = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
            if not isinstance(plain, type) and (not method.startswith("_") or inspect.isfunction(plain)):
                found.setdefault(method, plain)
    names = [method for method in sorted(found) if not method.startswith("_") or method == "__init__"]
    return [(method, found[method]) for method in names if not _is_alias(method, found[method], names)]


def _is_alias(name: str, value: object, names: Sequence[str]) -> bool:
    """Return whether the value goes by another public name: Pdb.do_b is do_break, SocketType the C half of socket."""
    known = getattr(value, "__name__", name)
    return known != name and known in names


def _explained(name: str, value: object) -> str:
    """Return signature and docstring, or nothing where there is no docstring: a bare signature answers nobody."""
    doc = _docstring(value)
    if not doc:
        return ""
    signature = _signature(value)
    return f"```python\n{name}{signature}\n```\n\n{doc}" if signature else doc


def _docstring(value: object) -> str:
    """Return the value's own docstring; what a plain value shares with all of its type is not its own."""
    doc = getattr(value, "__doc__", None)
    if not isinstance(doc, str) or (not isinstance(value, type) and doc == type(value).__doc__):
        return ""
    return _ADDRESS.sub("", inspect.cleandoc(doc)).strip()


def _signature(value: object) -> str:
    """Return the signature; a default that only a memory address or the state of the process describes is `...`."""
    if not callable(value):
        return ""
    try:
        signature = inspect.signature(value)
        parameters = signature.parameters.values()
        stable = [
            p.replace(default=_Elided()) if "<" in repr(p.default) and p.default is not p.empty else p
            for p in parameters
        ]
        return str(signature.replace(parameters=stable))
    except (ValueError, TypeError, AttributeError, NameError):  # C code has none, or one that does not evaluate
        return ""


class _Elided:
    def __repr__(self) -> str:
        return "..."


def _stem(title: str, taken: set[str]) -> str:
    """Return a file's stem for a title: re.match and re.Match are one file where the disk ignores case."""
    stem, number = title, 1
    while stem.casefold() in taken:
        number += 1
        stem = f"{title}-{number}"
    taken.add(stem.casefold())
    return stem

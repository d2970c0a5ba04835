"""From records to columns: the window that every analysis looks at.

The same records give the same window in whatever order they come; a record that comes twice counts once. Records are
read a few at a time and let go: what stays are columns, each name once, and what the responses say instead of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kaizen_api.schema import Record
from kaizen_worker.types import Coded, Codes, Flags, Strings, Window

PIECE = 4_096
"""Records that are held at a time."""

SPARE = 4
"""What is too old goes once it is more than the newest's part of 1 / SPARE: sorting them costs as much as reading."""

_NAMED = ("query", "session", "user", "error", "model", "tool")
_NUMBERS = ("response_time", "feedback", "level", "accepted")
_CRITIC, _ANSWER = "critic ", "answer "  # before the names of columns that depend on the records

Columns = Mapping[str, NDArray[Any]]
Reader = Callable[[Sequence[str]], Mapping[str, Flags]]
"""What each of some responses says, a column of bool for each sign; "" stands for none."""


def window(records: Iterable[Record], *, read: Reader, most: int = 0) -> Window:
    """The columns of records, without vectors: (u, 0) until `dataclasses.replace` sets them.

    Args:
        records: In any order.
        read: Reads the responses, each distinct one of `PIECE` records once.
        most: Interactions that are looked at, the newest; 0 for all.
    """
    pile = _Pile(read, most=most)
    for piece in _pieces(iter(records)):
        pile.add(piece)
    return pile.window()


def _pieces(records: Iterator[Record]) -> Iterator[list[Record]]:
    while piece := list(islice(records, PIECE)):
        yield piece


class _Pile:
    """The columns so far: pieces, each in the order of reading, until they are settled."""

    def __init__(self, read: Reader, *, most: int) -> None:
        self._read, self._most = read, most
        self._codes: dict[str, dict[Any, int]] = {name: {} for name in (*_NAMED, "entry_ids")}
        self._ids: list[Strings] = []
        self._pieces: list[Columns] = []
        self._left_out = 0

    def add(self, records: Sequence[Record]) -> None:
        """Take in some records; what is too old by then goes."""
        self._ids.append(Strings.of(record.id for record in records))
        self._pieces.append(self._columns(records))
        if self._most and sum(map(len, self._ids)) > self._most + self._most // SPARE:
            self._settle()

    def window(self) -> Window:
        """All of them by time and id, each id once. Empties the pile."""
        self._settle()
        (ids,), (columns,) = self._ids, self._pieces
        names = {name: tuple(self._codes.pop(name)) for name in list(self._codes)}
        named = {name: Coded(columns[name], names[name]) for name in _NAMED[1:]}
        entries = names["entry_ids"]
        return Window(
            ids=ids,
            occurred_at=columns["occurred_at"],
            text=columns["query"],
            texts=names["query"],
            vectors=np.empty((len(names["query"]), 0), np.float16),
            session=named["session"],
            user=named["user"],
            response_time=columns["response_time"],
            error=named["error"],
            feedback=columns["feedback"],
            level=columns["level"],
            accepted=columns["accepted"],
            critics=_starting(_CRITIC, columns),
            answers=_starting(_ANSWER, columns),
            model=named["model"],
            tool=named["tool"],
            entry_ids=tuple(entries[code] for code in columns["entry_ids"].tolist()),
            left_out=self._left_out,
        )

    def _columns(self, records: Sequence[Record]) -> Columns:
        columns: dict[str, NDArray[Any]] = {"occurred_at": np.array([one.occurred_at for one in records], np.int64)}
        for name in _NAMED:
            columns[name] = _coded(self._codes[name], [getattr(record, name) for record in records])
        entries = [tuple(map(intern, record.entry_ids or ())) for record in records]
        columns["entry_ids"] = _coded(self._codes["entry_ids"], entries)
        for name in _NUMBERS:
            columns[name] = _floats([getattr(record, name) for record in records])
        for critic in {name for record in records for name in record.critics or ()}:
            columns[_CRITIC + critic] = _floats([(record.critics or {}).get(critic) for record in records])
        distinct: dict[str, int] = {}
        response = _coded(distinct, [record.response or "" for record in records])
        signs = self._read(tuple(distinct))
        return columns | {_ANSWER + sign: flags[response] for sign, flags in signs.items()}

    def _settle(self) -> None:
        """One piece of all: sorted, each id once, the newest, with the names that occur in them, sorted."""
        ids, columns = Strings.joined(self._ids), _joined(self._pieces)
        rows = _sorted_once(ids, columns["occurred_at"]) if columns else np.empty(0, np.int64)
        kept = rows[-self._most :]  # of -0 all
        self._left_out += len(rows) - len(kept)
        settled = {name: column[kept] for name, column in columns.items()} or dict(self._columns(()))
        for critic in [name for name in settled if name.startswith(_CRITIC) and np.isnan(settled[name]).all()]:
            del settled[critic]
        for name, known in self._codes.items():
            self._codes[name], settled[name] = _renumbered(known, settled[name])
        self._ids, self._pieces = [ids.take(kept)], [settled]


def _joined(pieces: list[Columns]) -> dict[str, NDArray[Any]]:
    """The columns of all; a critic that a piece does not know is NaN there."""
    names = sorted({name for piece in pieces for name in piece})
    absent = [np.full(len(piece["occurred_at"]), np.nan) for piece in pieces]
    return {
        name: np.concatenate([piece.get(name, none) for piece, none in zip(pieces, absent, strict=True)])
        for name in names
    }


def _sorted_once(ids: Strings, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows by time and id; of those with one id, the last that was read."""
    digests = np.frombuffer(b"".join(blake2b(one.encode(), digest_size=8).digest() for one in ids), np.uint64)
    _, place, count = np.unique(digests, return_inverse=True, return_counts=True)
    once = count[place] == 1
    once[list({ids[row]: row for row in np.flatnonzero(~once).tolist()}.values())] = True
    rows = np.flatnonzero(once)
    rows = rows[np.argsort(times[rows], kind="stable")]
    edges = np.flatnonzero(np.diff(times[rows])) + 1
    starts, stops = np.append(0, edges), np.append(edges, len(rows))
    tied = stops - starts > 1
    for start, stop in zip(starts[tied].tolist(), stops[tied].tolist(), strict=True):
        rows[start:stop] = sorted(rows[start:stop].tolist(), key=ids.__getitem__)
    return rows


def _renumbered(known: dict[Any, int], codes: Codes) -> tuple[dict[Any, int], Codes]:
    """The names that occur, sorted, and the codes that point to them."""
    names = list(known)
    order = sorted(np.unique(codes[codes >= 0]).tolist(), key=names.__getitem__)
    rank = np.full(len(names) + 1, -1, np.int32)  # the last one is what -1 points to
    rank[order] = np.arange(len(order), dtype=np.int32)
    return {names[code]: place for place, code in enumerate(order)}, rank[codes]


def _coded(known: dict[Any, int], values: Sequence[Any]) -> Codes:
    """Code of each value, -1 for None; a new one gets the next."""
    return np.array([-1 if value is None else known.setdefault(value, len(known)) for value in values], np.int32)


def _floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _starting(prefix: str, columns: Columns) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): column for name, column in columns.items() if name.startswith(prefix)}

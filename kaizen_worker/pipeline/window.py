"""From records to columns: the window that every analysis looks at.

The same records give the same window in whatever order they come; a record that comes twice counts once. Records are
read a few at a time and let go: what stays are columns, each name once, and what the responses say instead of them.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from math import nan
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kaizen_api.schema import Record
from kaizen_worker.types import Coded, Codes, Flags, Floats, Strings, Window

PIECE = 4_096
"""Records that are held at a time."""

SPARE = 4
"""What is too old goes once it is more than the newest's part of 1 / SPARE: sorting them costs as much as reading."""

CRITICS = 64
"""Critics that are looked at, those with the most scores: whoever names one by the day would fill any memory."""

_NAMED = ("query", "session", "user", "error", "model", "tool")
_NUMBERS = ("response_time", "feedback", "level", "accepted")
_ANSWER = "answer "  # before the names of columns that depend on the reader

_DTYPES: Mapping[str, Any] = {"q": np.int64, "i": np.int32, "d": np.float64, "b": np.bool_}  # by kind of array

Reader = Callable[[Sequence[str | None]], Mapping[str, Flags]]
"""What each of some responses says, a column of bool for each sign; None stands for none."""


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
    """The columns so far, in the order of reading. They grow in place: pieces would leave holes in memory."""

    def __init__(self, read: Reader, *, most: int) -> None:
        self._read, self._most = read, most
        self._codes: dict[str, dict[Any, int]] = {name: {} for name in (*_NAMED, "entry_ids")}
        self._ids, self._bounds = bytearray(), array("q", [0])
        self._columns: dict[str, array[Any]] = {}
        self._critics: dict[str, int] = {}
        self._scores: tuple[array[Any], ...] = (array("q"), array("i"), array("d"))  # row, critic, value of each
        self._left_out = 0
        self.add(())

    def add(self, records: Sequence[Record]) -> None:
        """Take in some records; what is too old by then goes."""
        before = len(self._bounds) - 1
        for row, record in enumerate(records, before):
            self._ids += record.id.encode()
            self._bounds.append(len(self._ids))
            for critic, score in (record.critics or {}).items():
                code = self._critics.setdefault(critic, len(self._critics))
                for part, value in zip(self._scores, (row, code, score), strict=True):
                    part.append(value)
        for name, kind, values in self._values(records):
            self._columns.setdefault(name, array(kind)).extend(values)
        if self._most and len(self._bounds) > self._most + self._most // SPARE:
            self._settle()

    def window(self) -> Window:
        """All of them by time and id, each id once. Empties the pile."""
        ids = self._settle()
        names = {name: tuple(self._codes.pop(name)) for name in list(self._codes)}
        columns = {name: np.frombuffer(column, _DTYPES[column.typecode]) for name, column in self._columns.items()}
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
            critics=self._most_scored(len(ids)),
            answers={name.removeprefix(_ANSWER): one for name, one in columns.items() if name.startswith(_ANSWER)},
            model=named["model"],
            tool=named["tool"],
            entry_ids=tuple(entries[code] for code in columns["entry_ids"]),
            left_out=self._left_out,
        )

    def _values(self, records: Sequence[Record]) -> Iterator[tuple[str, str, Iterable[Any]]]:
        """Name, kind and values of each column."""
        yield "occurred_at", "q", [record.occurred_at for record in records]
        for name in _NAMED:
            yield name, "i", _coded(self._codes[name], [getattr(record, name) for record in records])
        entries = [tuple(map(intern, record.entry_ids or ())) for record in records]
        yield "entry_ids", "i", _coded(self._codes["entry_ids"], entries)
        for name in _NUMBERS:
            yield name, "d", _floats([getattr(record, name) for record in records])
        distinct: dict[str | None, int] = {}
        response = [distinct.setdefault(record.response, len(distinct)) for record in records]
        for sign, flags in self._read(tuple(distinct)).items():
            yield _ANSWER + sign, "b", flags[response].tolist()

    def _settle(self) -> Strings:
        """Sorted, each id once, the newest, with the names that occur in them, sorted; returns the ids."""
        ids = Strings(bytes(self._ids), np.array(self._bounds, np.int64))
        rows = _sorted_once(ids, np.frombuffer(self._columns["occurred_at"], np.int64))
        kept = rows[-self._most :]  # of -0 all
        self._left_out += len(rows) - len(kept)
        before = len(ids)
        ids = ids.take(kept)
        self._ids, self._bounds = bytearray(ids.encoded), array("q", ids.bounds.tobytes())
        for name, column in list(self._columns.items()):
            values = np.frombuffer(column, _DTYPES[column.typecode])[kept]
            if name in self._codes:
                self._codes[name], values = _renumbered(self._codes[name], values)
            self._columns[name] = array(column.typecode, values.tobytes())
        self._move_scores(kept, before)
        return ids

    def _move_scores(self, kept: NDArray[np.int64], before: int) -> None:
        """The scores of the rows that are kept, at their new places."""
        place = np.full(before, -1, np.int64)
        place[kept] = np.arange(len(kept))
        rows, codes, values = (np.frombuffer(part, _DTYPES[part.typecode]) for part in self._scores)
        there = place[rows] >= 0
        moved = place[rows[there]], codes[there], values[there]
        self._scores = tuple(array(kind, part.tobytes()) for kind, part in zip("qid", moved, strict=True))

    def _most_scored(self, count: int) -> dict[str, Floats]:
        """The columns (n,) of the `CRITICS` with the most scores, by name; of equal ones the first by name."""
        rows, codes, values = (np.frombuffer(part, _DTYPES[part.typecode]) for part in self._scores)
        often = np.bincount(codes, minlength=len(self._critics)).tolist()
        ranked = sorted((-often[code], name, code) for name, code in self._critics.items() if often[code])
        found: dict[str, Floats] = {}
        for _, name, code in sorted(ranked[:CRITICS], key=lambda one: one[1]):
            found[name] = np.full(count, np.nan)
            found[name][rows[codes == code]] = values[codes == code]
        return found


def _sorted_once(ids: Strings, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows by time and id; of those with one id, the last that was read."""
    numbers = (int.from_bytes(blake2b(one.encode(), digest_size=8).digest()) for one in ids)
    digests = np.fromiter(numbers, np.uint64, len(ids))
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


def _coded(known: dict[Any, int], values: Sequence[Any]) -> list[int]:
    """Code of each value, -1 for None; a new one gets the next."""
    return [-1 if value is None else known.setdefault(value, len(known)) for value in values]


def _floats(values: Sequence[float | None]) -> list[float]:
    return [nan if value is None else value for value in values]

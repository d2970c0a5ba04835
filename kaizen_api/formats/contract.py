"""What reading a log gives, and what a format is.

Whatever the bytes are, reading them gives interactions and refusals, in the order in which the log completes them; a
bad record never takes the good ones around it along.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kaizen_api.formats.source import Source
from kaizen_api.schema import Interaction


@dataclass(frozen=True, slots=True)
class Refused:
    """A record, or a part of one, that is no interaction.

    Attributes:
        place: `FILE:LINE`, or `FILE:LINE[INDEX]` for an element of an array that is read from its start; lines count
            from 1, elements from 0.
        reason: What is wrong and the remedy.
        breaks_off: Whether it stands for the whole rest of a log that is damaged.
    """

    place: str
    reason: str
    breaks_off: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """One interaction or one refusal, with where it stands.

    Attributes:
        place: As in `Refused`.
        line: Line on which its record starts, from 1.
        offset: Bytes (decompressed). Whatever ends at or before it has been given already; to resume after this item,
            read again with `start=offset`. What was still open there comes again, with the same ids.
        value: The interaction, or why there is none.
    """

    place: str
    line: int
    offset: int
    value: Interaction | Refused


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a log, as formats look at it to tell whether it is theirs.

    Attributes:
        header: The first line that is not blank.
        records: The first JSON objects, without those that are damaged.
    """

    header: str
    records: Sequence[Mapping[str, Any]]

    def has(self, claim: Callable[[Mapping[str, Any]], bool]) -> bool:
        """Whether any of the records fits."""
        return any(claim(record) for record in self.records)


Parse = Callable[[Source, int], Iterator[Read]]


@dataclass(frozen=True, slots=True)
class Format:
    """One log format.

    Attributes:
        name: What `format=` takes.
        looks_like: What it is known by, for the message when no format fits.
        claims: Tells from the beginning whether a log is in this format.
        parse: Reads a source from an offset on.
    """

    name: str
    looks_like: str
    claims: Callable[[Sample], bool]
    parse: Parse

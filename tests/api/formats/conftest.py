"""Logs written in the test, read back."""

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from kaizen_api import formats
from kaizen_api.formats import Read, Refused
from kaizen_api.schema import Interaction


def as_bytes(log: Any) -> bytes:
    """Bytes as they are, text in UTF-8, anything else as JSONL."""
    if isinstance(log, bytes):
        return log
    return (log if isinstance(log, str) else "\n".join(map(json.dumps, log))).encode()


@pytest.fixture
def reads() -> Callable[..., list[Read]]:
    """Everything that a log called `log` gives."""

    def read(log: Any, **options: Any) -> list[Read]:
        return list(formats.read_stream(io.BytesIO(as_bytes(log)), name="log", **options))

    return read


@pytest.fixture
def taken(reads) -> Callable[..., list[Interaction]]:
    """The interactions of a log, which may hold nothing else."""

    def read(log: Any, **options: Any) -> list[Interaction]:
        values = [item.value for item in reads(log, **options)]
        assert not [value for value in values if isinstance(value, Refused)]
        return values

    return read


@pytest.fixture
def outcome(reads) -> Callable[..., list[Any]]:
    """In order: the query of each interaction, the line and reason of each refusal."""

    def read(log: Any, **options: Any) -> list[Any]:
        return [
            (item.line, item.value.reason) if isinstance(item.value, Refused) else item.value.query
            for item in reads(log, **options)
        ]

    return read


@pytest.fixture
def told() -> Callable[[Interaction], dict[str, Any]]:
    """The fields of an interaction that say something, without its id."""

    def fields(interaction: Interaction) -> dict[str, Any]:
        given = msgspec.structs.asdict(interaction)
        return {name: value for name, value in given.items() if value is not None and name != "id"}

    return fields


@pytest.fixture
def log_file(tmp_path) -> Callable[[str, Any], Any]:
    """A log on disk."""

    def write(name: str, log: Any | Iterable[Any]) -> Any:
        path = tmp_path / name
        path.write_bytes(as_bytes(log))
        return path

    return write

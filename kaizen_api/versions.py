"""Which version of the schema a stored value needs from whoever reads it.

Fields that are added need none: they have a default, and who does not know them passes over them. Where an older reader
would take a value for something else, the writer puts `schema` beside its fields.

Guarantee: a value that needs more than `SCHEMA` is refused with the remedy before anything is done with it. It is no
poison: it waits for a newer process.
"""

import msgspec

from kaizen_api.errors import NewerSchema

SCHEMA = 1
"""What this version reads: values that say no more than this, and all that say nothing."""


class _Marked(msgspec.Struct):
    schema: int = 1


_ONE = msgspec.msgpack.Decoder(_Marked)
_MANY = msgspec.msgpack.Decoder(list[_Marked])


def needed(encoded: bytes) -> int:
    """The schema that an encoded map needs; 1 where it says nothing, or is no map."""
    try:
        return _ONE.decode(encoded).schema
    except msgspec.DecodeError:
        return 1


def readable(encoded: bytes, what: str) -> bytes:
    """The same bytes, of one map.

    Args:
        encoded: As stored.
        what: To name in the error.

    Raises:
        NewerSchema: it needs a newer version than this.
    """
    check(needed(encoded), what)
    return encoded


def all_readable(encoded: bytes, what: str) -> bytes:
    """The same bytes, of an array of maps. Raises as `readable`."""
    check(max((one.schema for one in _MANY.decode(encoded)), default=1), what)
    return encoded


def check(schema: int, what: str) -> None:
    """Raise NewerSchema where that is more than this version reads."""
    if schema > SCHEMA:
        raise NewerSchema(
            f"{what} needs schema {schema}, this version reads up to {SCHEMA}: bring this process to the version that "
            "wrote it (ops/UPGRADE.md); it is kept until then"
        )

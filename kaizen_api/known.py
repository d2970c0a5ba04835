"""Stored values of a closed set that later versions may widen.

Guarantee: a process reads a status that only a newer version knows as it stands. It matches nothing that the process
acts on, is shown, and is written back unchanged; so two versions work on the same Redis (ops/UPGRADE.md).
"""

from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

from msgspec import Meta

if TYPE_CHECKING:
    T = TypeVar("T", bound=str)
    Known = Annotated[T, "one of these, as far as this version knows"]
else:

    class Known:
        """`Known[Literal["a", "b"]]`: one of these to whoever checks types, any text to whoever decodes."""

        def __class_getitem__(cls, values: Any) -> Any:
            """The type that is decoded; its JSON schema gives the values that this version knows as examples."""
            return Annotated[str, Meta(extra_json_schema={"examples": list(get_args(values))})]

"""Kaizen's own format: one interaction as a JSON object on each line, unknown fields kept under `metadata`."""

from collections.abc import Iterator

from kaizen_api.errors import Invalid
from kaizen_api.formats.contract import Format
from kaizen_api.formats.records import Converted, by_piece, checked, decoded
from kaizen_api.formats.remedies import remedied
from kaizen_api.intake import decode


def _convert(data: bytes) -> Iterator[Converted]:
    try:
        yield checked(decode(data))
    except (Invalid, UnicodeDecodeError) as error:
        decoded(data)  # says better what is wrong with the JSON itself, where that is it
        raise Invalid(remedied(str(error))) from None


FORMAT = Format(
    name="kaizen",
    looks_like="JSON objects with `query`",
    claims=lambda sample: sample.has(lambda record: "query" in record),
    parse=by_piece(_convert),
)

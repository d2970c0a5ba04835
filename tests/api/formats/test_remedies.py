"""Every field that is refused is named, with what it has to be and an example."""

import json
import typing

import msgspec
import pytest

from kaizen_api.formats import Refused
from kaizen_api.formats.remedies import remedied
from kaizen_api.schema import Interaction

FIELDS = msgspec.structs.fields(Interaction)


def wrong(field):
    """A value of no type that the field takes."""
    taken = [kind.__name__ for kind in map(origin, parts(field.type))]
    return "wrong" if "list" in taken or "dict" in taken or "bool" in taken or "float" in taken else {"wrong": 1}


def parts(kind):
    return [part for part in typing.get_args(kind) if part is not type(None)] if _is_union(kind) else [kind]


def _is_union(kind):
    return type(None) in typing.get_args(kind)


def origin(kind):
    while hasattr(kind, "__metadata__"):
        kind = kind.__origin__
    return typing.get_origin(kind) or kind


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
@pytest.mark.parametrize("door", ["native", "made"])
def test_every_field_of_the_schema_has_a_remedy(reads, field, door):
    """One that is added to the schema without a remedy fails here."""
    bad = {"query": "a", field.name: wrong(field)}
    log = [{"query": "before"}, bad, {"query": "after"}]
    if door == "made":  # through `from_mapping`, where something else is unknown
        bad["beside"] = 1
    first, refused, last = (item.value for item in reads(log))
    assert (first.query, last.query) == ("before", "after")
    assert isinstance(refused, Refused)
    assert refused.place == "log:2"
    assert refused.reason.startswith(f"`{field.name}`: ")
    complaint, _, remedy = refused.reason.partition("; give ")
    assert "xpected" in complaint or "RFC3339" in complaint
    assert len(remedy) > 10


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"feedback": 2}, "`feedback`: expected `float` <= 1.0; give a number from -1 to 1, like 1 for a thumb up"),
        ({"response_time": 90_000}, "seconds from 0 to 86400, like 1.5"),
        ({"critics": {"tone": 7}}, "`critics[...]`: expected `float` <= 1.0; give up to 64 names"),
        ({"critics": {"": 0.5}}, "`critics`: expected `str` of length >= 1; give up to 64 names"),
        ({"entry_ids": ["e1", 5]}, "`entry_ids[1]`: expected `str`, got `int`; give a list of up to 64 ids"),
        ({"id": "x" * 257}, "`id`: expected `str` of length <= 256; give a text of 1 to 256 characters"),
        ({"occurred_at": "noon"}, "a time in RFC 3339, like 2026-01-31T09:30:00Z"),
        ({"query": None}, "the field `query` is missing"),
    ],
    ids=str,
)
def test_it_says_the_field_what_is_expected_and_an_example(reads, fields, told):
    (item,) = reads([{"query": "a", **fields}])
    assert told in item.value.reason


def test_the_examples_are_good(taken):
    """What the remedies give as examples is taken."""
    examples = {}
    for field in FIELDS:
        _, like, example = remedied(f"x - at `$.{field.name}`").partition(", like ")
        if like:
            example = example.removesuffix(" for a thumb up")
            examples[field.name] = example if field.name == "occurred_at" else json.loads(example)
    assert len(examples) >= 12
    taken([{"query": "a", **examples}])


@pytest.mark.parametrize("reason", ["not JSON", "x - at `$.other`", "x - at `$`", ""])
def test_what_is_no_complaint_about_a_field_stays(reason):
    assert remedied(reason) == reason


@pytest.mark.parametrize(
    ("log", "named", "told"),
    [
        ("query,feedback\na,7\n", "feedback", "a number from -1 to 1"),
        ("query,feedback\na,bad word\n", "feedback", "give a finite number"),
        ("query,entry_ids\na,[5]\n", "entry_ids", "a JSON array of ids"),
        ("query,metadata\na,5\n", "metadata", "a JSON object"),
    ],
)
def test_a_table_says_the_column(reads, log, named, told):
    (item,) = reads(log)
    assert item.place == "log:2"
    assert item.value.reason.startswith(f"`{named}`")
    assert told in item.value.reason

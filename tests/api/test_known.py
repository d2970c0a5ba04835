"""What a newer version wrote is read: fields and values this version does not know do no harm and are not lost."""

import typing

import msgspec
import pytest

from kaizen_api import explanation, keys
from kaizen_api.queries import TYPES, Queries
from kaizen_api.schema import Chance, Cycle, Entry, Gap, Insight, Interval, Provenance

INTERVAL = Interval(estimate=0.5, low=0.4, high=0.6, unit="share")
INSIGHT = Insight(id="i1", type="clarity", description="d", confidence=0.9, effect=INTERVAL, evidence=[],
                  recommendation="r", chance=Chance(p_value=0.01, q_value=0.02, hypotheses=3))  # fmt: skip
GAP = Gap(id="g1", topic="t1", diagnosis="missing", users=3, queries=["q"])
CYCLE = Cycle(id="c1", tenant="default")
ENTRY = Entry(id="e1", title="t", text="x", provenance=Provenance(source="folder", retrieved_at=1, content_hash="h"))
CHANGED = [
    ("insight", INSIGHT, {"type": "foreseen", "status": "postponed"}),
    ("gap", GAP, {"diagnosis": "moved", "status": "shared"}),
    ("cycle", CYCLE, {"status": "paused"}),
    ("entry", ENTRY, {"state": "disputed"}),
]


@pytest.mark.parametrize(("kind", "value", "newer"), CHANGED, ids=[kind for kind, _, _ in CHANGED])
def test_values_of_a_newer_version_are_read_shown_and_written_back(redis, config, kind, value, newer):
    stored = {**msgspec.to_builtins(value), **newer, "of_the_future": [1, 2]}
    redis.hset(keys.objects(config.tenant, kind), value.id, msgspec.msgpack.encode(stored))
    redis.zadd(keys.order(config.tenant, kind), {value.id: 1})
    queries = Queries(redis, tenant=config.tenant)
    read = queries.get(kind, value.id)
    assert {name: getattr(read, name) for name in newer} == newer
    assert queries.page(kind).items == [read]
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(read))
    assert newer.items() <= again.items()


def test_an_insight_of_a_newer_version_explains_itself_as_far_as_it_can(redis, config):
    newer = msgspec.structs.replace(INSIGHT, type="foreseen", status="postponed")
    told = explanation.explain(Queries(redis, tenant=config.tenant), newer)
    assert told.steps == []
    assert "foreseen" in told.test


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_no_stored_value_is_refused_for_a_word_that_is_new(kind):
    """A closed set that is decoded as such would take an older process down at the first new word."""

    def closed(annotation):
        if typing.get_origin(annotation) is typing.Literal:
            return True
        return any(closed(part) for part in typing.get_args(annotation))

    seen, waiting = set(), [TYPES[kind]]
    while waiting:
        struct = waiting.pop()
        seen.add(struct)
        for name, annotation in typing.get_type_hints(struct, include_extras=True).items():
            assert not closed(annotation), f"{struct.__name__}.{name}: make it Known[...]"
            parts = [annotation, *typing.get_args(annotation)]
            waiting += [one for one in parts if isinstance(one, type) and issubclass(one, msgspec.Struct)
                        and one not in seen]  # fmt: skip
    assert seen


def test_what_an_older_version_left_out_has_its_default():
    """Each field that was added has one."""
    for struct, least in ((Insight, INSIGHT), (Gap, GAP), (Cycle, CYCLE), (Entry, ENTRY)):
        required = {field.name for field in msgspec.structs.fields(struct) if field.required}
        given = {name: value for name, value in msgspec.to_builtins(least).items() if name in required}
        assert msgspec.convert(given, struct).id == least.id

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.errors import NotFound, Unavailable
from kaizen_api.follow import catching_up, draining, following, settling
from kaizen_api.producer import Producer
from kaizen_api.queries import Queries
from kaizen_api.schema import Cycle, Gap, Interaction


@pytest.fixture
def queries(redis):
    return Queries(redis, tenant="default")


def put(redis, kind, thing):
    redis.hset(keys.objects("default", kind), thing.id, msgspec.msgpack.encode(thing))
    redis.zadd(keys.order("default", kind), {thing.id: 1})


def test_an_empty_stream_is_drained(queries):
    assert [queue.depth for queue in draining(queries)] == [0]


def test_draining_ends_when_the_last_one_is_gone(config, redis, queries):
    with Producer(config) as producer:
        producer.append([Interaction(query=str(number)) for number in range(3)])
    depths = []
    for queue in draining(queries):
        depths.append(queue.depth)
        redis.xtrim(keys.stream("default"), maxlen=max(0, queue.depth - 1), approximate=False)
    assert depths == [3, 2, 1, 0]


def test_draining_gives_up_where_nobody_works(config, queries):
    with Producer(config) as producer:
        producer.append([Interaction(query="a")])
    with pytest.raises(Unavailable, match="1 interactions wait and none was committed"):
        list(draining(queries, patience=0.1))


def accept(config, *queries):
    with Producer(config) as producer:
        producer.append([Interaction(query=query) for query in queries])


def commit(redis, count=1):
    """As the workers do: what is committed leaves the stream, the oldest first."""
    for entry, _ in redis.xrange(keys.stream("default"), count=count):
        redis.xdel(keys.stream("default"), entry)


def test_nothing_to_catch_up_with_needs_no_look(queries):
    assert list(catching_up(queries, seconds=0)) == []


def test_catching_up_ends_with_what_was_there_before_whatever_follows(config, redis, queries):
    accept(config, "a", "b")
    looks = 0
    for _ in catching_up(queries, seconds=60):
        looks += 1
        commit(redis)
        accept(config, f"later {looks}", f"later still {looks}")  # more than is committed: it never drains
    assert looks == 2
    assert redis.xlen(keys.stream("default")) == 4


def test_catching_up_gives_up_in_time(config, queries):
    accept(config, "a", "b")
    with pytest.raises(Unavailable, match="2 interactions wait after 0 s: are workers running"):
        list(catching_up(queries, seconds=0))


def test_catching_up_loses_patience_only_where_nothing_moves(config, redis, queries):
    accept(config, *(str(number) for number in range(4)))
    depths = []

    def look():
        for queue in catching_up(queries, seconds=60, patience=1.5):
            depths.append(queue.depth)
            if len(depths) in {5, 10}:  # the second one is later than patience from the beginning
                commit(redis)

    with pytest.raises(Unavailable, match="2 interactions wait after 2 s"):
        look()
    assert depths[:10] == [4] * 5 + [3] * 5


@pytest.mark.parametrize("status", ["done", "insufficient_data", "failed"])
def test_following_ends_with_the_final_state(redis, queries, status):
    put(redis, "cycle", Cycle(id="y1", tenant="default"))
    seen = []
    for cycle in following(queries, "y1", seconds=60):
        seen.append(cycle.status)
        put(redis, "cycle", Cycle(id="y1", tenant="default", status="running" if len(seen) == 1 else status))
    assert seen == ["queued", "running", status]


def test_following_gives_up_in_time(redis, queries):
    put(redis, "cycle", Cycle(id="y1", tenant="default"))
    with pytest.raises(Unavailable, match="y1 is queued after 0 s"):
        list(following(queries, "y1", seconds=0))


def test_what_is_not_there_cannot_be_followed(queries):
    with pytest.raises(NotFound):
        list(following(queries, "y1", seconds=1))


def test_settling_ends_when_no_gap_is_searched_for(redis, queries):
    gap = Gap(id="g1", topic="t1", diagnosis="missing", users=1, queries=[])
    put(redis, "gap", gap)
    put(redis, "gap", msgspec.structs.replace(gap, id="g2", status="unfilled"))
    counts = []
    for count in settling(queries, seconds=60):
        counts.append(count)
        put(redis, "gap", msgspec.structs.replace(gap, status="filling" if len(counts) == 1 else "proposed"))
    assert counts == [1, 1, 0]
    put(redis, "gap", gap)
    assert list(settling(queries, seconds=0)) == [1]

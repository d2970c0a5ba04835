"""The spool: what it took comes out once and in order, whoever dies, whatever the disk holds, and it stays bounded."""

import os
import signal
import stat
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_api import AsyncProducer, Interaction, KaizenConfig, Producer, keys
from kaizen_api.errors import Backpressure, Unavailable
from kaizen_api.producer import spool as module
from kaizen_api.producer.batch import MAX_BATCH
from kaizen_api.producer.spool import Spool

LIMIT = 100_000_000


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool" / "default"


@pytest.fixture
def spool(folder):
    """Spools of one folder, as processes would have them."""
    made = []

    def make(limit=LIMIT):
        made.append(Spool(folder, limit=limit))
        return made[-1]

    yield make
    for each in made:
        each.release()


@pytest.fixture
def spooled(server, folder, tmp_path):
    """Settings with a spool."""
    return KaizenConfig(redis_url=server, data_dir=tmp_path, user_key="k", spool_dir=folder.parent)


@pytest.fixture
def away(spooled):
    """The same, and nobody there."""
    return spooled.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})


def pairs(number, size=100):
    return [(f"id-{index:05}", bytes([index % 256]) * size) for index in range(number)]


def fill(queue, wanted):
    for pair in wanted:
        queue.add(pair)


def drain(queue):
    found = []
    while batch := queue.first():
        found += batch
        queue.forget_first()
    return found


def crash(queue):
    """As kill -9 leaves it: the locks are gone, the files are not."""
    for segment in queue._segments:
        os.close(segment.descriptor)
    queue._segments.clear()


@pytest.mark.parametrize("segment_bytes", [1, 5_000, 2**22])
def test_it_gives_what_it_took_in_order_and_leaves_nothing(spool, folder, monkeypatch, segment_bytes):
    monkeypatch.setattr(module, "SEGMENT_BYTES", segment_bytes)
    queue = spool()
    fill(queue, pairs(2500 if segment_bytes > 1 else 50))
    half = queue.first()
    queue.forget_first()
    fill(queue, pairs(10))
    assert half + drain(queue) == pairs(2500 if segment_bytes > 1 else 50) + pairs(10)
    assert queue.first() == []
    fill(queue, pairs(5))
    assert drain(queue) == pairs(5)
    queue.release()
    assert list(folder.iterdir()) == []


def test_the_first_stays_until_it_is_forgotten(spool):
    queue = spool()
    fill(queue, pairs(MAX_BATCH + 5))
    assert queue.first() == queue.first() == pairs(MAX_BATCH)
    queue.forget_first()
    assert len(queue.first()) == 5


def test_only_its_owner_reads_it(spool, folder):
    fill(spool(), pairs(1))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


def test_the_next_process_goes_on_with_the_oldest(spool, monkeypatch):
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1000)
    for part in range(3):
        queue = spool()
        fill(queue, pairs(60)[part * 20 : part * 20 + 20])
        crash(queue)
    last = spool()
    fill(last, pairs(1))
    assert drain(last) == pairs(60) + pairs(1)


def test_two_at_once_do_not_mix(spool):
    one, two = spool(), spool()
    fill(one, pairs(10))
    fill(two, pairs(20)[10:])
    assert drain(two) == pairs(20)[10:]
    assert drain(one) == pairs(10)


def test_what_a_neighbour_drops_meanwhile_is_left_alone(spool, folder, monkeypatch):
    one = spool()
    fill(one, pairs(1))
    crash(one)
    lock = module.fcntl.flock

    def late(descriptor, kind):
        for path in folder.iterdir():
            path.unlink()  # by a process that had the lock first
        lock(descriptor, kind)

    two = spool()
    with monkeypatch.context() as patch:
        patch.setattr(module.fcntl, "flock", late)
        assert two.first() == []


def test_a_child_leaves_an_empty_file_to_its_parent(spool, folder, monkeypatch):
    queue = spool()
    fill(queue, pairs(1))
    drain(queue)
    child = queue._process + 1
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "getpid", lambda: child)
        queue.release()
    assert len(list(folder.iterdir())) == 1


def test_what_a_neighbour_leaves_is_taken_over_when_there_is_nothing_else_to_do(spool):
    one, two = spool(), spool()
    fill(one, pairs(10))
    fill(two, pairs(1))
    crash(one)
    assert drain(two) == pairs(1) + pairs(10)


def test_it_is_bounded_with_what_others_left(spool):
    one = spool(limit=10_000)
    with pytest.raises(Backpressure, match="KAIZEN_SPOOL_BYTES"):
        fill(one, pairs(1000))
    crash(one)
    two = spool(limit=10_000)
    with pytest.raises(Backpressure, match="KAIZEN_SPOOL_BYTES"):
        fill(two, pairs(1))
    assert 10_000 / 125 < len(drain(two)) < 10_000 / 100
    fill(two, pairs(1))


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(1, 2_000), number=st.integers(1, 20))
def test_a_torn_end_costs_what_was_torn(tmp_path_factory, cut, number):
    folder = tmp_path_factory.mktemp("torn")
    queue = Spool(folder, limit=LIMIT)
    fill(queue, pairs(number))
    crash(queue)
    (path,) = folder.iterdir()
    size = path.stat().st_size
    os.truncate(path, max(0, size - cut))
    after = Spool(folder, limit=LIMIT)
    assert drain(after) == pairs(max(0, size - cut) // (size // number))
    fill(after, pairs(3))
    assert drain(after) == pairs(3)
    after.release()
    assert list(folder.iterdir()) == []


def test_a_torn_end_is_told(spool, folder, caplog):
    queue = spool()
    fill(queue, pairs(2))
    crash(queue)
    (path,) = folder.iterdir()
    os.truncate(path, path.stat().st_size - 1)
    assert drain(spool()) == pairs(1)
    assert "cut off" in caplog.text


def test_a_damaged_record_costs_itself_alone(spool, folder, caplog):
    queue = spool()
    fill(queue, pairs(5))
    crash(queue)
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert drain(spool()) == [pair for pair in pairs(5) if pair[0] != "id-00002"]
    assert "damaged" in caplog.text


def test_a_chunk_ends_within_a_record(spool, monkeypatch, caplog):
    monkeypatch.setattr(module, "_CHUNK", 500)
    queue = spool()
    fill(queue, pairs(50))
    assert drain(queue) == pairs(50)
    assert not caplog.text


def test_a_folder_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    queue = Spool(tmp_path / "file" / "default", limit=LIMIT)
    with pytest.raises(Unavailable, match="cannot be used"):
        fill(queue, pairs(1))
    with pytest.raises(Unavailable, match="cannot be used"):
        queue.first()


def test_a_disk_that_is_full_takes_whole_records_only(spool):
    queue = spool()
    fill(queue, pairs(3))
    own, queue._own.descriptor = queue._own.descriptor, os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(Unavailable, match="No space left"):
        fill(queue, pairs(1))
    os.close(queue._own.descriptor)
    queue._own.descriptor = own
    assert drain(queue) == pairs(3)


def test_what_is_pushed_while_redis_is_away_is_appended_by_the_next_producer(away, spooled, redis, stored, caplog):
    with Producer(away, linger=0.001) as producer:
        ids = [producer.push(Interaction(query=f"{n}: mail ann@example.org")) for n in range(1500)]
    assert "wait for the next producer" in caplog.text
    written = b"".join(path.read_bytes() for path in (away.spool_dir / "default").iterdir())
    assert b"[email]" in written
    assert b"ann@" not in written
    with Producer(spooled) as producer:
        ids.append(producer.push(Interaction(query="newer")))
    assert [record.id for record in stored(redis)] == ids
    assert list((away.spool_dir / "default").iterdir()) == []


async def test_a_coroutine_spools_alike(away, spooled, redis, stored):
    async with AsyncProducer(away, linger=0.001) as producer:
        ids = [await producer.push(Interaction(query=f"{n}")) for n in range(30)]
        with pytest.raises(Unavailable):
            await producer.flush()
    async with AsyncProducer(spooled) as producer:
        ids.append(await producer.push(Interaction(query="newer")))
    assert [record.id for record in stored(redis)] == ids


def test_a_producer_goes_on_when_redis_takes_more(spooled, redis, stored, wait_until):
    redis.config_set("min-replicas-to-write", 1)
    try:
        with Producer(spooled, linger=0.001) as producer:
            ids = [producer.push(Interaction(query=f"{n}")) for n in range(100)]
            with pytest.raises(Unavailable, match="NOREPLICAS"):
                producer.flush()
            redis.config_set("min-replicas-to-write", 0)
            wait_until(lambda: redis.xlen(keys.stream("default")) == 100)
    finally:
        redis.config_set("min-replicas-to-write", 0)
    assert [record.id for record in stored(redis)] == ids


def test_kill_9_loses_nothing_that_push_returned_from(away, spooled, redis, stored):
    script = f"""
from itertools import count
from kaizen_api import Interaction, KaizenConfig, Producer
producer = Producer(KaizenConfig(redis_url={away.redis_url!r}, data_dir={str(away.data_dir)!r}, user_key="k",
                                 spool_dir={str(away.spool_dir)!r}), linger=0.001)
for number in count():
    producer.push(Interaction(query=f"{{number}}", id=f"{{number}}"))
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        told = [int(next(process.stdout)) for _ in range(1000)]
        os.kill(process.pid, signal.SIGKILL)
        told += [int(line) for line in process.stdout]
    with Producer(spooled):
        pass
    found = [int(record.id) for record in stored(redis)]
    assert found[: len(told)] == told
    assert len(found) - len(told) <= 1  # the one that was about to be told


def test_a_fork_leaves_the_spool_to_its_parent(spooled, redis, stored):
    script = f"""
import os
from kaizen_api import Interaction, KaizenConfig, Producer
producer = Producer(KaizenConfig(redis_url={spooled.redis_url!r}, data_dir={str(spooled.data_dir)!r}, user_key="k",
                                 spool_dir={str(spooled.spool_dir)!r}), linger=60)
producer.push(Interaction(query="parent"))
child = os.fork()
if child == 0:
    producer.push(Interaction(query="child"))
    producer.close()
    os._exit(0)
os.waitpid(child, 0)
from redis import Redis
print(Redis.from_url({spooled.redis_url!r}).xlen({keys.stream("default")!r}), flush=True)
producer.push(Interaction(query="parent again"))
producer.close()
"""
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == "1"
    assert [record.query for record in stored(redis)] == ["child", "parent", "parent again"]

"""Forks, ends and kills: what was pushed is appended once, by whoever should."""

import os
import signal
import subprocess
import sys

from kaizen_api import keys
from kaizen_api.metrics import field


def run(script, **options):
    return subprocess.run([sys.executable, "-c", script], timeout=60, check=True, **options)


def count(redis, result, tenant="default"):
    return int(redis.hget(keys.metrics(tenant), field("kaizen_ingested_total", result=result)) or 0)


def settings(config):
    return f"KaizenConfig(redis_url={config.redis_url!r}, data_dir={str(config.data_dir)!r}, user_key='k')"


def test_a_fork_neither_doubles_what_waits_nor_hangs(config, redis, stored):
    script = f"""
import os
from kaizen_api import Interaction, KaizenConfig, Producer
producer = Producer(KaizenConfig(redis_url={config.redis_url!r}, data_dir={str(config.data_dir)!r}), linger=60)
producer.push(Interaction(query="parent"))
child = os.fork()
producer.push(Interaction(query="child" if child == 0 else "parent again"))
producer.close()
if child:
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    run(script)
    assert sorted(record.query for record in stored(redis)) == ["child", "parent", "parent again"]
    assert count(redis, "duplicate") == 0


def test_a_killed_producer_leaves_whole_batches(config, redis, wait_until):
    script = f"""
from itertools import count
from kaizen_api import Interaction, KaizenConfig, Producer
producer = Producer(KaizenConfig(redis_url={config.redis_url!r}, data_dir={str(config.data_dir)!r}))
for number in count():
    producer.append([Interaction(query=f"{{number}} {{index}}") for index in range(100)])
"""
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        wait_until(lambda: redis.xlen(keys.stream("default")) > 1000)
        os.kill(process.pid, signal.SIGKILL)
    depth = redis.xlen(keys.stream("default"))
    assert depth % 100 == 0
    assert count(redis, "accepted") == depth == sum(redis.scard(key) for key in redis.keys("*seen*"))


def test_an_interpreter_that_ends_appends_what_waits(config, redis, stored):
    run(f"""
import asyncio
from kaizen_api import AsyncProducer, Interaction, KaizenConfig, Producer
config = {settings(config)}
producer, other = Producer(config, linger=60), AsyncProducer(config, linger=60)
for number in range(1500):
    producer.push(Interaction(query=f"{{number}}"))
async def push():
    for number in range(1500):
        await other.push(Interaction(query=f"async {{number}}"))
asyncio.run(push())
""")
    found = [record.query for record in stored(redis)]
    assert sorted(found) == sorted([f"{n}" for n in range(1500)] + [f"async {n}" for n in range(1500)])


def test_an_interpreter_that_ends_says_what_it_could_not_append(tmp_path):
    told = run(
        f"""
import asyncio
from kaizen_api import AsyncProducer, Interaction, KaizenConfig, Producer
config = KaizenConfig(redis_url="redis://127.0.0.1:1/0", data_dir={str(tmp_path)!r}, user_key="k")
producer, other = Producer(config, linger=60), AsyncProducer(config, linger=60)
producer.push(Interaction(query="lost"))
asyncio.run(other.push(Interaction(query="lost too")))
""",
        capture_output=True,
        text=True,
    )
    assert told.stderr.count("1 interactions were not appended") == 2


def test_a_fork_of_a_coroutine_begins_anew(config, redis, stored):
    run(f"""
import asyncio, os
from kaizen_api import AsyncProducer, Interaction, KaizenConfig
producer = AsyncProducer({settings(config)}, linger=60)
async def push(*queries):
    for query in queries:
        await producer.push(Interaction(query=query))
async def end(*queries):
    await push(*queries)
    await producer.close()
asyncio.run(push("parent"))
child = os.fork()
asyncio.run(end("child" if child == 0 else "parent again"))
if child:
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")
    assert sorted(record.query for record in stored(redis)) == ["child", "parent", "parent again"]
    assert count(redis, "duplicate") == 0


def test_pushing_never_loads_what_would_wait_for_results(config):
    told = run(
        f"""
import sys
from kaizen_api import Interaction, KaizenConfig, Producer
with Producer({settings(config)}) as producer:
    producer.push(Interaction(query="x"))
print([name for name in sys.modules if name.split(".")[0] in {{"celery", "kombu"}}])
""",
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == "[]"

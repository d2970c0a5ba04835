"""One cycle over a hundred thousand interactions, and over a million: memory, pace, and the share of each step.

The million has about 450,000 distinct questions, sessions, feedback, scores, errors, and responses of some 300
characters. The vectors (`fast`, 384 dimensions) lie in the store beforehand, as live assignment leaves them; laying and
embedding are told apart. Each cycle is a process of its own, so its peak is that of a worker that did nothing else.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NUMBERS = (100_000, 1_000_000)
MEMORY = 10**9
RATIO = 12

pytestmark = pytest.mark.timeout(3600)


def test_a_million_interactions_in_a_gigabyte_and_in_linear_time(config):
    spent = {number: cycle(config, number) for number in NUMBERS}
    small, large = (spent[number] for number in NUMBERS)
    cpu, wall = large["cpu"] / small["cpu"], large["seconds"] / small["seconds"]
    print(f"\na million to a hundred thousand, at most {RATIO}: processor time {cpu:.1f}, elapsed time {wall:.1f}")
    assert cpu <= RATIO
    assert large["peak"] <= MEMORY


def cycle(config, number):
    settings = json.dumps(
        {
            "redis_url": config.redis_url,
            "data_dir": str(config.data_dir),
            "embedder": "fast",
            "tenant": f"has-{number}",
        }
    )
    laid = run("million_log.py", settings, str(number))
    spent = run("fresh_cycle.py", settings)
    print(
        f"\n{number:,} interactions, {laid['texts']:,} distinct questions, {laid['dimension']} dimensions "
        f"({laid['embedder']}): laid in {laid['laid']:.0f} s, embedded in {laid['embedded']:.0f} s\n"
        f"  cycle {spent['seconds']:.1f} s, processor {spent['cpu']:.1f} s; memory {spent['before'] / 10**6:.0f} MB "
        f"when it began, at most {spent['peak'] / 10**6:.0f} MB (<= {MEMORY / 10**6:.0f}); {spent['found']}"
    )
    total = sum(spent["steps"].values())
    for step, seconds in sorted(spent["steps"].items(), key=lambda one: -one[1]):
        print(f"  {step:<9} {seconds:8.1f} s  {seconds / total:6.1%}")
    assert (spent["status"], spent["interactions"]) == ("done", number)
    return spent


def run(script, *arguments):
    done = subprocess.run([sys.executable, str(HERE / script), *arguments], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)

"""What an interaction costs, piece by piece: the figures behind ops/SCALING.md."""

import time

import pytest

from kaizen_api import Interaction, KaizenConfig, Producer, keys
from kaizen_worker.engine import live
from kaizen_worker.engine.runtime import Runtime

ROUNDS = {"static": 20_000, "minilm": 2_000}

pytestmark = pytest.mark.timeout(600)


def interactions(number):
    answer = "It is done in the settings, under the second heading. " * 6
    return [
        Interaction(
            query=f"How do I change part {part} of order {part * 7919 % 100_003}?",
            response=answer,
            response_time=1.0,
            session_id=f"s{part // 3}",
            user_id=f"u{part // 5}",
        )
        for part in range(number)
    ]


class Cost:
    """What a stretch of work took, here and of Redis, an interaction."""

    def __init__(self, redis, number):
        self.redis, self.number = redis, number
        redis.config_resetstat()
        self.memory = redis.info("memory")["used_memory"]
        self.server = self._server_seconds()
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def _server_seconds(self):
        used = self.redis.info("cpu")
        return used["used_cpu_user"] + used["used_cpu_sys"]

    def row(self, name):
        cpu, wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
        server, stats = self._server_seconds() - self.server, self.redis.info("stats")
        each = 1e6 / self.number
        print(
            f"{name:24} {cpu * each:8.0f} us here {server * each:6.1f} us Redis {wall * each:8.0f} us clock "
            f"{stats['total_commands_processed'] / self.number:6.3f} commands "
            f"{stats['total_net_input_bytes'] / self.number:6.0f} B in "
            f"{stats['total_net_output_bytes'] / self.number:6.0f} B out "
            f"{(self.redis.info('memory')['used_memory'] - self.memory) / self.number:6.0f} B kept"
        )


@pytest.mark.parametrize("embedder", sorted(ROUNDS))
def test_an_interaction(redis, server, tmp_path, embedder):
    number = ROUNDS[embedder]
    config = KaizenConfig(redis_url=server, data_dir=tmp_path, embedder=embedder)
    runtime = Runtime(config)
    runtime.embedder.embed(["warm"])
    print(f"\n{embedder}, {number:,} interactions of 60 B asked and 320 B answered, batches of {config.batch_size}")
    cost = Cost(redis, number)
    with Producer(config) as producer:
        producer.append(interactions(number))
    cost.row("push")
    tenant, kept = runtime.tenant(config.tenant), Cost(redis, number)
    while live.consume(tenant, place="0"):
        pass
    kept.row("live: embed, commit")
    assert redis.xlen(keys.stream(config.tenant)) == 0

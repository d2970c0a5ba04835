"""Kaizen on six hosts: three with Redis and a Sentinel each, two with a worker, one with API, exporter and beat."""

import os
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from itertools import pairwise

import httpx
import msgspec
import story
from redis import Redis, RedisError
from world import wait_until

from kaizen_api import KaizenConfig, keys
from kaizen_api.connection import connect
from kaizen_api.errors import Unavailable
from kaizen_api.server import server_binary

BATCH = 40
_KEY = "key-of-these-tests-0123456789"
_SEEN = 0.05
_SHARED = ("redis_url", "documents_path", "api_host", "embedder", "claim_after", "batch_size", "wait_replicas")
_REDIS = """\
bind 0.0.0.0
protected-mode no
port 6379
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
repl-diskless-sync-delay 0
"""
_SENTINEL = """\
bind 0.0.0.0
protected-mode no
port 26379
dir "{folder}"
sentinel monitor kept {master} 6379 2
sentinel down-after-milliseconds kept 2000
sentinel failover-timeout kept 6000
"""


class Installation:
    """All of it, and the log that is pushed into it, counted.

    Attributes:
        accepted: Interaction id → how often the API said that it has it.
        progress: (seconds, accepted, committed) as they grew.
    """

    def __init__(self, network, folder):
        self._network, self._folder = network, folder
        self.stores = [network.host(f"store{number}") for number in range(3)]
        self.workers = [network.host(f"work{number}") for number in range(2)]
        self.front = network.host("front")
        self.accepted = Counter()
        self.progress = []
        hosts = ",".join(f"{host.address}:26379" for host in self.stores)
        self.config = KaizenConfig(
            redis_url=f"redis+sentinel://{hosts}/kept/0",
            data_dir=folder / "data",
            documents_path=folder / "documents",
            api_host=self.front.address,
            api_keys={"default": _KEY},
            embedder="static",
            claim_after=5,
            batch_size=100,
            user_key="hosts",
            wait_replicas=1,
        )
        self.redis = connect(self.config)

    def start(self):
        """Everything, until it answers."""
        story.write_documents(self.config.documents_path)
        for host in self.stores:
            self._start_store(host)
        wait_until(self._replicated)
        for host in self.stores:
            folder = self._of(host)
            (folder / "sentinel.conf").write_text(_SENTINEL.format(folder=folder, master=self.stores[0].address))
            host.start([server_binary(), folder / "sentinel.conf", "--sentinel"], log=folder / "sentinel.log")
        wait_until(self._named)
        self.redis.hset(keys.SCHEDULE, "daily", "off")  # a run over midnight would count rotations
        for part in ("beat", "api", "exporter"):
            self._kaizen(self.front, part, *(("--host", "0.0.0.0") if part == "exporter" else ()))
        for host in self.workers:
            self._kaizen(host, "worker")
        wait_until(self._ready)

    def _start_store(self, host):
        folder = self._of(host)
        (folder / "redis.conf").write_text(_REDIS.format(folder=folder))
        follows = [] if host is self.stores[0] else ["--replicaof", f"{self.stores[0].address} 6379"]
        host.start([server_binary(), folder / "redis.conf", *follows], log=folder / "redis.log")

    def _of(self, host):
        folder = self._folder / host.name
        folder.mkdir(exist_ok=True)
        return folder

    def _kaizen(self, host, *command):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "KAIZEN_DATA_DIR": str(self._of(host) / "data")}
        for name in _SHARED:
            environment[f"KAIZEN_{name.upper()}"] = str(getattr(self.config, name))
        environment |= {"KAIZEN_USER_KEY": "hosts", "KAIZEN_API_KEYS": f'{{"default": "{_KEY}"}}'}
        argv = [sys.executable, "-m", "kaizen_api.cli", *command]
        host.start(argv, log=self._of(host) / f"{command[0]}.log", env=environment)

    def _replicated(self):
        with Redis(self.stores[0].address, socket_timeout=1) as master, suppress(RedisError):
            told = master.info("replication")
            return all(told.get(f"slave{number}", {}).get("state") == "online" for number in range(2))
        return False

    def _named(self):
        with suppress(RedisError):
            for host in self.stores:
                with Redis(host.address, 26379, socket_timeout=1, decode_responses=True) as sentinel:
                    told = sentinel.execute_command("SENTINEL MASTER", "kept")
                if (int(told["num-slaves"]), int(told["num-other-sentinels"])) != (2, 2):
                    return False
            return True
        return False

    def _ready(self):
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self._api}/readyz", timeout=5).status_code == 200 and self._workers() == 2
        return False

    def _workers(self):
        return self.redis.hlen(keys.WORKERS)

    @property
    def _api(self):
        return f"http://{self.front.address}:8080"

    def scrape(self):
        """What the exporter says."""
        return httpx.get(f"http://{self.front.address}:9090/kaizen/metrics", timeout=30).text

    def push(self, log, faults):
        """All of it through the API, each batch until it is taken; a fault strikes before the batch of its number."""
        over = threading.Event()
        watching = threading.Thread(target=self._watch, args=(over,))
        watching.start()
        batches = [log[start : start + BATCH] for start in range(0, len(log), BATCH)]
        with httpx.Client(headers={"Authorization": f"Bearer {_KEY}"}, timeout=30) as client:
            for number, batch in enumerate(batches):
                if number in faults:
                    faults[number]()
                wait_until(lambda batch=batch: self._taken(client, batch))
        self.wait_committed()
        over.set()
        watching.join()

    def wait_committed(self):
        """Until nothing waits in the stream."""
        wait_until(lambda: self.redis_or(lambda redis: redis.xlen(keys.stream("default")) == 0), seconds=300)

    def _taken(self, client, batch):
        try:
            answer = client.post(f"{self._api}/v1/interactions", content=msgspec.json.encode(batch))
        except httpx.HTTPError:
            return False
        if answer.status_code != 202:
            assert answer.status_code in {429, 503}, answer.text
            return False
        self.accepted.update(one.id for one in batch)
        return True

    def _watch(self, over):
        while not over.wait(_SEEN):
            committed = self.redis_or(lambda redis: redis.zscore(keys.BUSIEST, "default"))
            self.progress.append((time.monotonic(), len(self.accepted), int(committed or 0)))

    def held_by(self, host):
        """How many interactions the workers of a host have read and not committed."""
        told = self.redis_or(lambda redis: redis.xinfo_consumers(keys.stream("default"), keys.GROUP)) or []
        return sum(one["pending"] for one in told if one["name"].decode().startswith(f"{host.name}:"))

    def redis_or(self, ask):
        """What it answers; None while no master does."""
        try:
            return ask(self.redis)
        except (RedisError, Unavailable):
            return None

    def still(self, since, until, column):
        """Longest stretch between two times in which nothing more was accepted (1) or committed (2), in seconds."""
        grown = [since]
        seen = -1
        for row in self.progress:
            if row[column] > seen and since <= row[0] <= until:
                grown.append(row[0])
            seen = max(seen, row[column])
        return max((later - earlier for earlier, later in pairwise([*grown, until])), default=0.0)

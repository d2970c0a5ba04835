"""A whole Kaizen to do harm to: a server behind a proxy, the product's own stack, and two pushers with their ledgers.

The stack supervises its processes as in production; the server and the pushing process, which are not its own, are
started again here a moment after they die.
"""

import queue
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import msgspec
import pusher
import story
from proxy import Proxy
from redis import Redis, RedisError

from kaizen_api import KaizenConfig, Producer, keys
from kaizen_api.errors import Unavailable
from kaizen_api.processes import Processes
from kaizen_api.server import server_binary
from kaizen_api.stack import Stack, api, beat, variables, workers

BATCH = 40
MEMORY = 512 * 2**20
_BOTH_DOORS_EVERY = 10
_SETTINGS = """\
bind 127.0.0.1
port {port}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory {memory}
maxmemory-policy noeviction
"""


class World:
    """Everything of one run, in one folder, ended with its block.

    Args:
        folder: For all files.
        seconds: How long the pushing of one act takes if nothing goes wrong.

    Attributes:
        config: Of the product, which reaches the server through `proxy`.
        direct: The same for us, who reach it directly.
        redis: A client that reaches it directly.
        accepted: Interaction id → how often a door said that it has it.
        wrong: What a door said that it must never say.
    """

    def __init__(self, folder, *, seconds):
        self._folder = folder
        self._seconds = seconds
        self.port, api_port = free_port(), free_port()
        self._own = Processes(on_exit=lambda name, status: self._ended.put((name, status)))
        self._ended = queue.SimpleQueue()
        self._commands = {}
        self.proxy = Proxy(self.port)
        self.accepted = Counter()
        self.wrong = []
        self._api_port = api_port
        self.redis = Redis(port=self.port, socket_timeout=5)

    def __enter__(self):
        with ExitStack() as parts:
            parts.callback(self.redis.close)
            parts.enter_context(self._own)
            self._start_server()
            self.redis.hset(keys.SCHEDULE, "daily", "off")  # a run over midnight would count rotations
            parts.enter_context(self.proxy)
            threading.Thread(target=self._keep, name="keep", daemon=True).start()
            parts.callback(self._ended.put, None)
            self.config = KaizenConfig(
                redis_url=f"redis://127.0.0.1:{self.proxy.port}/0",
                data_dir=self._folder / "data",
                documents_path=self._folder / "documents",
                api_port=self._api_port,
                embedder="static",
                claim_after=5,
                batch_size=100,
                user_key="chaos",
                workers=2,
            )
            self.direct = self.config.model_copy(update={"redis_url": f"redis://127.0.0.1:{self.port}/0"})
            story.write_documents(self.config.documents_path)
            self.stack = parts.enter_context(Stack(self.config, log=self._folder / "log", say=self._say))
            self.stack.start()
            self.stack.launch([api(self.config), *workers(self.config), beat()])
            self.stack.wait_ready()
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *reason):
        self._parts.__exit__(*reason)

    def _say(self, line):
        with (self._folder / "said").open("a") as file:
            file.write(f"{time.strftime('%X')} {line}\n")

    @property
    def pids(self):
        """Name → pid of everything that can be killed, workers by number."""
        pids = self.stack.pids
        numbered = {f"worker{number}": pid for number, pid in enumerate(pids.pop("workers"))}
        return {**pids, **numbered, **self._own.pids}

    def _start_server(self):
        settings = self._folder / "redis.conf"
        settings.write_text(_SETTINGS.format(port=self.port, folder=self._folder, memory=MEMORY))
        self._start("redis", [server_binary(), str(settings)])
        wait_until(self.answers)

    def answers(self):
        """Whether the server does."""
        with suppress(RedisError):
            return self.redis.ping()
        return False

    def _start(self, name, command, env=None):
        self._commands[name] = (command, env)
        self._own.start(name, command, log=self._folder / f"{name}.log", env=env)

    def _keep(self):
        """Start again whatever was killed; a pusher that has nothing left to push has ended for good."""
        while (event := self._ended.get()) is not None:
            name, status = event
            if status == -9:
                time.sleep(0.5)
                self._start(name, *self._commands[name])
            elif status != 0:
                self.wrong.append(f"{name} ended with status {status}: see its log")

    def push(self, log):
        """Begin to push through both doors at once; returns what waits until all of it is accepted."""
        batches = [log[start : start + BATCH] for start in range(0, len(log), BATCH)]
        both = batches[::_BOTH_DOORS_EVERY]
        mine = [*batches[::2], *both]
        act = self._folder / log[0].id
        file, ledger = act.with_suffix(".batches"), act.with_suffix(".ledger")
        file.write_bytes(b"\n".join(msgspec.json.encode(batch) for batch in mine))
        pause = self._seconds / len(mine)
        command = [sys.executable, pusher.__file__, str(file), str(ledger), str(pause)]
        self._start("producer", command, variables(self.config))
        posting = threading.Thread(target=self._post_all, args=(batches[1::2], pause), daemon=True)
        posting.start()

        def finish():
            posting.join()
            wait_until(lambda: len(pusher.accepted(ledger)) == len(mine) or self.wrong, seconds=300)
            for number in pusher.accepted(ledger):
                self.accepted.update(one.id for one in mine[number])

        return finish

    def _post_all(self, batches, pause):
        with httpx.Client(timeout=10) as client:
            for batch in batches:
                while not self.post(client, batch):
                    time.sleep(0.1)
                time.sleep(pause)

    def post(self, client, batch):
        """Whether the API has taken a batch; 202 with another count than was sent is wrong, and so is a 5xx but 503."""
        body = msgspec.json.encode(batch)
        try:
            answer = client.post(
                f"{self.stack.urls['api']}/v1/interactions", content=body, headers={"content-type": "application/json"}
            )
        except httpx.TransportError:
            return False
        if answer.status_code in {429, 503}:
            return False
        receipt = answer.json()
        if answer.status_code != 202 or receipt["accepted"] + receipt["duplicate"] != len(batch):
            self.wrong.append(f"the API answered {answer.status_code} {answer.text[:500]}")
        self.accepted.update(one.id for one in batch)
        return True

    def push_now(self, log):
        """The whole of a short log, half through each door, in this process."""
        half = len(log) // 2
        with httpx.Client(timeout=10) as client:
            wait_until(lambda: self.post(client, log[:half]))
        with Producer(self.config) as producer:
            wait_until(lambda: self._append(producer, log[half:]))
        self.accepted.update(one.id for one in log[half:])

    def _append(self, producer, batch):
        with suppress(Unavailable):
            return producer.append(batch)
        return None


def free_port():
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, *, seconds=120.0):
    """Waits for a condition and returns its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
    return value


def children_of(pid):
    """The pids of a process's children."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []

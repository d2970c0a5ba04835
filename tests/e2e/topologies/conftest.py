"""Servers on loopback: three that make a cluster, and a master with a replica under three Sentinels."""

import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis import Redis, RedisError

from kaizen_api import KaizenConfig
from kaizen_api.server import server_binary

NODES = 3
SLOTS = 16_384
SENTINEL = """\
port {port}
bind 127.0.0.1
dir "{folder}"
sentinel monitor kept 127.0.0.1 {master} 2
sentinel down-after-milliseconds kept 500
sentinel failover-timeout kept 3000
"""


@dataclass
class Servers:
    """Started here, ended with the fixture."""

    folder: Path
    processes: dict[int, subprocess.Popen] = field(default_factory=dict)

    def start(self, port, *options, settings=None):
        """One that listens there."""
        own = self.folder / str(port)
        own.mkdir(exist_ok=True)
        (own / "redis.conf").write_text(settings or f'port {port}\nbind 127.0.0.1\ndir "{own}"\nsave ""\n')
        with (own / "log").open("a") as log:
            command = [server_binary(), str(own / "redis.conf"), *map(str, options)]
            self.processes[port] = subprocess.Popen(command, stdout=log, stderr=log)
        return port

    def client(self, port):
        """Of one of them."""
        return Redis(port=port, socket_timeout=5, decode_responses=True)

    def says(self, port, *command):
        """What one of them answers; None while it does not."""
        with self.client(port) as client:
            try:
                return client.execute_command(*command)
            except RedisError:
                return None

    def freeze(self, port):
        """Until it is killed."""
        self.processes[port].send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.processes[port].pid, os.WSTOPPED | os.WNOWAIT)

    def kill(self, port):
        """As a power loss does."""
        self.processes[port].kill()
        self.processes[port].wait()


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    started = Servers(tmp_path_factory.mktemp("servers"))
    yield started
    for port in started.processes:
        started.kill(port)


@pytest.fixture(scope="module")
def cluster(servers, ports, wait_until):
    """Ports of three nodes that share the slots."""
    nodes, buses = ports(NODES), ports(NODES)
    for node, bus in zip(nodes, buses, strict=True):
        servers.start(node, "--cluster-enabled", "yes", "--cluster-port", bus)
        wait_until(lambda node=node: servers.says(node, "PING"))
    for place, node in enumerate(nodes):
        low, high = place * SLOTS // NODES, (place + 1) * SLOTS // NODES - 1
        assert servers.says(node, "CLUSTER ADDSLOTSRANGE", low, high)
        assert servers.says(node, "CLUSTER MEET", "127.0.0.1", nodes[0], buses[0])
    for node in nodes:
        wait_until(lambda node=node: state(servers, node) == ("ok", str(NODES)))
    return nodes


def state(servers, node):
    told = servers.says(node, "CLUSTER INFO")
    return told["cluster_state"], told["cluster_known_nodes"]


@pytest.fixture
def sentinels(servers, ports, wait_until):
    """(master, replica, Sentinels): their ports, when all know of each other."""
    master, replica, *asked = ports(5)
    servers.start(master, "--repl-diskless-sync-delay", "0")
    servers.start(replica, "--replicaof", f"127.0.0.1 {master}")
    wait_until(lambda: (servers.says(replica, "INFO", "replication") or {}).get("master_link_status") == "up")
    for port in asked:
        settings = SENTINEL.format(port=port, folder=servers.folder / str(port), master=master)
        servers.start(port, "--sentinel", settings=settings)
    for port in asked:
        wait_until(lambda port=port: known(servers, port) == {"num-slaves": 1, "num-other-sentinels": 2})
    return master, replica, asked


def known(servers, port):
    told = servers.says(port, "SENTINEL MASTER", "kept") or {}
    return {name: int(told.get(name, 0)) for name in ("num-slaves", "num-other-sentinels")}


@pytest.fixture
def named(sentinels, tmp_path):
    """Settings that name the Sentinels alone."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in sentinels[2])
    return KaizenConfig(
        redis_url=f"redis+sentinel://{hosts}/kept/0", data_dir=tmp_path, embedder="static", user_key="k"
    )

"""What the benchmarks of delivery share: one server as installations run it, events of 1 KB, rounds that take turns.

Each benchmark prints a row: what is measured, ours, the peer's, their ratio, the bar, and what the peer does. Nothing
is asserted about time, for the machine may be busy; that the work was done is.
"""

import http.client
import os
import random
import re
import socket
import statistics
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from redis import Redis

from kaizen_api import Interaction
from kaizen_api.processes import Processes
from kaizen_api.schema import Record
from kaizen_api.server import start_server
from kaizen_worker.store.log import pack
from kaizen_worker.store.stream import Stream

PEERS = Path(__file__).parent
CLIENTS = 4
TEXT = (
    "how do i reset my card pin please the app says that payment was declined yesterday and support never answered "
    "about account transfer limit euro refund while abroad because right now nothing works although it should"
)
FORM = "{:<44} {:>14} {:>14} {:>7} {:>8}  {}\n"

_headed = []


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[str]:
    """URL of a server with an append-only file, as `kaizen up` has it; it is not rewritten in the middle of a round."""
    folder = tmp_path_factory.mktemp("server")
    with Processes() as processes:
        url = start_server(processes, folder, log=folder / "log")
        with Redis.from_url(url) as client:
            client.config_set("auto-aof-rewrite-percentage", 0)
        yield url


@pytest.fixture(scope="session")
def bench() -> SimpleNamespace:
    """The tools below, by name."""
    tools = (row, note, fields, interactions, race, rate, drain, cpu_seconds, peak_rss, post)
    return SimpleNamespace(**{tool.__name__: tool for tool in tools})


def row(what: str, ours: float, peer: float, against: str, *, bar: str = "") -> None:
    """Print one row of rates a second; the ratio is ours / peer's."""
    if not _headed:
        _headed.append(sys.stdout.write("\n" + FORM.format("what", "ours", "peer", "ratio", "bar", "the peer")))
    sys.stdout.write(FORM.format(what, f"{ours:,.0f} /s", f"{peer:,.0f} /s", f"{ours / peer:.2f}", bar, against))


def note(what: str, value: str, bar: str = "") -> None:
    """Print a figure that has no peer."""
    sys.stdout.write(FORM.format(what, value, "", "", bar, ""))


def fields(name: str, number: int, *, words: int = 130, first: int = 0) -> list[dict[str, Any]]:
    """So many events: 1 KB of JSON each, one in ten with an address and a number that have to be masked."""
    draw, vocabulary = random.Random(name), TEXT.split()
    places = range(first, first + number)
    return [_event(f"{name}-{index}", index, draw.choices(vocabulary, k=words)) for index in places]


def _event(name: str, index: int, words: Sequence[str]) -> dict[str, Any]:
    personal = f" write to user{index}@example.com or +49 170 {index:07}" if index % 10 == 0 else ""
    asked = len(words) // 5
    return {
        "id": name,
        "occurred_at": "2026-01-05T10:00:00Z",
        "session_id": f"s{index // 3}",
        "user_id": f"u{index % 997}",
        "query": " ".join(words[:asked]) + personal,
        "response": " ".join(words[asked:]),
        "response_time": 1.25,
        "error": "timeout" if index % 9 == 0 else None,
        "model": "small",
    }


def interactions(events: Sequence[dict[str, Any]]) -> list[Interaction]:
    """The events as an application holds them."""
    return [msgspec.convert(event, Interaction) for event in events]


def race(rounds: int, **contenders: Callable[[str], tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    """Run contenders in turns, each round in the other order, after one that does not count: name → medians.

    A contender is told a name that no round had before, and returns one or more figures.
    """
    seen = {name: list[tuple[float, ...]]() for name in contenders}
    for number in range(rounds + 1):
        for name in sorted(contenders, reverse=number % 2 == 0):
            seen[name].append(contenders[name](f"{name}{number}"))
    return {name: tuple(map(statistics.median, zip(*values[1:], strict=True))) for name, values in seen.items()}


def rate(number: int, work: Callable[[], Any]) -> float:
    """Call something that works off so many events; events a second."""
    began = time.perf_counter()
    work()
    return number / (time.perf_counter() - began)


def drain(client: Redis, tenant: str, *, batch: int, most: float = float("inf")) -> int:
    """What a consumer does with a batch, embedding left out: read, decode, commit, acknowledge; how many there were."""
    decoder = msgspec.msgpack.Decoder(Record)
    stream = Stream(client, tenant=tenant, consumer="bench", claim_after=60, recent=10_000)
    done = 0
    while done < most and (deliveries := stream.next(batch)):
        assert not stream.delivered_before(deliveries[0])
        records = [decoder.decode(delivery.encoded) for delivery in deliveries]
        topics = [f"t{index % 20}" for index in range(len(records))]
        assert stream.commit(deliveries, records, topics, pack(records))
        done += len(records)
    return done


def cpu_seconds(pid: int) -> float:
    """Processor time of a process with all its threads, s."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def peak_rss(pid: int) -> int:
    """Most memory that a process ever had, bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def post(port: int, path: str, bodies: Iterator[bytes]) -> dict[int, int]:
    """Post JSON bodies over a few connections at once, kept open: status → how many were answered so."""
    statuses, turn = list[int](), threading.Lock()

    def client() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            while (body := _next(bodies, turn)) is not None:
                connection.request("POST", path, body, {"Content-Type": "application/json"})
                reply = connection.getresponse()
                reply.read()
                statuses.append(reply.status)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {status: statuses.count(status) for status in set(statuses)}


def _next(bodies: Iterator[bytes], turn: threading.Lock) -> bytes | None:
    with turn:
        return next(bodies, None)


@pytest.fixture
def start(server, tmp_path) -> Iterator[Callable[..., int]]:
    """Starts a process with the settings of an installation, and returns its pid; all end with the test."""
    own = {"KAIZEN_REDIS_URL": server, "KAIZEN_DATA_DIR": str(tmp_path), "KAIZEN_EMBEDDER": "static"}
    with Processes() as processes:

        def begin(name: str, *arguments: str, **variables: str) -> int:
            path = {"PYTHONPATH": os.pathsep.join([str(PEERS), *filter(None, sys.path)]), "OMP_NUM_THREADS": "1"}
            argv = [sys.executable, *arguments]
            return processes.start(name, argv, log=tmp_path / name, env={**own, **path, **variables})

        yield begin


@pytest.fixture
def serve(start, wait_until) -> Callable[..., tuple[int, int]]:
    """Starts a server on a free port and waits until it answers: (pid, port)."""

    def begin(name: str, *arguments: str, path: str, **variables: str) -> tuple[int, int]:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        pid = start(name, *arguments, "--port", str(port), **variables)
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}{path}"))
        return pid, port

    return begin


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False

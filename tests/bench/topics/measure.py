"""What one call costs, in this process and those that it started: for scripts that are a fresh process each."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def measure(call: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Call it: what it gives, and `cpu` and `wall` in seconds, `before`, `peak` and `workers` in bytes.

    `cpu` counts processes that were started and still live. `before` and `peak` are the resident memory of this process
    as the call began and the most while it ran; `workers` the most that the other processes ever had, together. Not
    `ru_maxrss`: a process inherits that from the one it was forked from.
    """
    Path("/proc/self/clear_refs").write_text("5")  # the peak is what there is now
    before, cpu, began = _memory("self", "VmRSS"), _cpu(), time.perf_counter()
    result = call()
    wall = time.perf_counter() - began
    figures = {"cpu": _cpu() - cpu, "wall": wall, "before": before, "peak": _memory("self", "VmHWM")}
    return result, {**figures, "workers": sum(_memory(pid, "VmHWM") for pid in _workers())}


def _workers() -> list[str]:
    tasks = Path("/proc/self/task").iterdir()
    return [pid for task in tasks for pid in (task / "children").read_text().split()]


def _cpu() -> float:
    ticks = 0
    for pid in _workers():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _memory(pid: str, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0

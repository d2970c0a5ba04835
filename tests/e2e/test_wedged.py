"""A worker that is alive and does nothing: the liveness probe fails on it, and `kaizen up` starts it again."""

import os
import signal
from pathlib import Path

import pytest


def family(pid):
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@pytest.mark.timeout(400)
def test_a_frozen_worker_fails_the_probe_and_is_replaced(home_of, wait_until):
    home = home_of()
    with home.up("--no-flower", "--workers", "2"):
        probe = home.run("doctor", "--live")
        assert len(probe["checks"]) == 2
        frozen = home.published()["worker1"]
        for pid in family(frozen):
            os.kill(pid, signal.SIGSTOP)

        def failing():
            with home.start("doctor", "--live") as process:
                text = process.communicate()[0]
            return text if process.returncode == 1 else None

        told = wait_until(failing)
        assert "kaizen1@" in told
        assert "SIGKILL" in told
        wait_until(lambda: home.published().get("worker1", frozen) != frozen)

        def well():
            with home.start("doctor", "--live") as process:
                process.communicate()
            return process.returncode == 0

        wait_until(well)
        assert "makes no progress" in (home.folder / "errors").read_text()

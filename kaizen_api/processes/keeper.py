"""The keeper: a small process that starts others and outlives whoever asked for them, to clean up.

Guarantee: when the asker ends, in whatever way, every process group it started is ended and every folder it handed over
is removed. The keeper runs in a session of its own, so a signal to the asker's group does not reach it; on Linux its
children get SIGKILL should the keeper itself be killed.

Runs isolated (`python -I -S`), standard library only. Requests are JSON lines on standard input, replies and events on
standard output:

    {"start": NAME, "argv": [...], "env": {...}, "log": PATH}  {"started": NAME, "pid": N} or {"failed": NAME, "why": …}
    {"stop": NAME, "grace": SECONDS}                           {"exited": NAME, "pid": N, "status": N}
    {"remove": FOLDER}                                         none: it is removed at the end
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

GRACE = 10.0
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
_PR_SET_PDEATHSIG = 1
_POLL = 0.2


class Keeper:
    """Its children by name, in the order in which they started."""

    def __init__(self) -> None:
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.folders: list[str] = []
        self.killed_at: dict[str, float] = {}

    def run(self) -> None:
        """Serve requests until the asker is gone, then end everything."""
        buffer = b""
        while True:
            ready, _, _ = select.select([0], [], [], _POLL)
            if ready:
                data = os.read(0, 65536)
                if not data:
                    break
                *lines, buffer = (buffer + data).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))
            self.reap()
        self.end()

    def obey(self, request: dict) -> None:  # type: ignore[type-arg]  # a JSON object of the shapes above
        """Carry out one request."""
        if "start" in request:
            self.start(request)
        elif "stop" in request:
            child = self.children.get(request["stop"])
            if child is not None:
                self.killed_at[request["stop"]] = time.monotonic() + request.get("grace", GRACE)
                ask(child)
        elif "remove" in request:
            self.folders.append(request["remove"])

    def start(self, request: dict) -> None:  # type: ignore[type-arg]  # likewise
        """Start one process in a session of its own, its output appended to the log."""
        name = request["start"]
        try:
            log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            return say(failed=name, why=str(error))
        try:
            child = subprocess.Popen(  # noqa: S603  # the asker's own command, no shell
                request["argv"],
                env=request["env"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,  # what they write holds what users asked: nobody else on the machine reads it
                preexec_fn=die_with_keeper,  # noqa: PLW1509  # the keeper has one thread
            )
        except OSError as error:
            return say(failed=name, why=str(error))
        finally:
            os.close(log)
        self.children[name] = child
        return say(started=name, pid=child.pid)

    def reap(self) -> None:
        """Report whoever has ended, and kill whoever was told to end and has not in time."""
        for name, child in list(self.children.items()):
            status = child.poll()
            if status is not None:
                kill(child)  # what the child left behind in its group
                del self.children[name]
                self.killed_at.pop(name, None)
                say(exited=name, pid=child.pid, status=status)
            elif time.monotonic() > self.killed_at.get(name, float("inf")):
                kill(child)

    def end(self) -> None:
        """End the children, the last started first, and remove the folders."""
        for name in reversed(list(self.children)):
            child = self.children[name]
            ask(child)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(GRACE / 2)
            kill(child)
            child.wait()
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


def die_with_keeper() -> None:
    """In the child: it hears signals again, and on Linux the kernel kills it when the keeper dies."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def ask(child: "subprocess.Popen[bytes]") -> None:
    """Ask a child to end; its own children are its own to end, with what they have in hand."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGTERM)


def kill(child: "subprocess.Popen[bytes]") -> None:
    """End a child's whole group; that nobody is left there is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def say(**message: object) -> None:
    """One JSON line to the asker, who may be gone."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    for ignored in IGNORED:
        signal.signal(ignored, signal.SIG_IGN)  # only the end of its input ends it
    Keeper().run()

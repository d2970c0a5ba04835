"""Hosts on one machine: network namespaces with addresses of their own, on one switch, that can be cut off and die."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress

NET = "198.18.77"  # of the range for tests of networks, which nobody routes
OURS = 1


def missing():
    """What keeps this machine from it, or ''."""
    if os.geteuid() != 0:
        return "network namespaces take root"
    return "" if shutil.which("ip") and shutil.which("unshare") else "no `ip` or `unshare` on PATH"


class Network:
    """A switch, and a cable from it to each host and to the tests; gone with its block, processes and all."""

    def __init__(self):
        self._mark = f"kz{os.getpid()}"
        self._hosts = []

    def __enter__(self):
        ip("netns", "add", self._mark)
        ip("-n", self._mark, "link", "add", "switch", "type", "bridge")
        ip("-n", self._mark, "link", "set", "switch", "up")
        end, _ = self._cable(0)
        ip("addr", "add", f"{NET}.{OURS}/24", "dev", end)
        ip("link", "set", end, "up")
        return self

    def __exit__(self, *reason):
        for host in self._hosts:
            host.die()
            ip("netns", "del", host.space)
        ip("netns", "del", self._mark)  # the cables with it

    def host(self, name):
        """A new one."""
        number = len(self._hosts) + 2
        end, other = self._cable(number)
        made = Host(name, f"{NET}.{number}", space=f"{self._mark}-{name}", cable=other, at=self._mark)
        ip("netns", "add", made.space)
        ip("link", "set", end, "netns", made.space)
        ip("-n", made.space, "addr", "add", f"{made.address}/24", "dev", end)
        for link in (end, "lo"):
            ip("-n", made.space, "link", "set", link, "up")
        self._hosts.append(made)
        return made

    def _cable(self, number):
        end, other = f"{self._mark}x{number}", f"{self._mark}y{number}"
        ip("link", "add", end, "type", "veth", "peer", "name", other)
        ip("link", "set", other, "netns", self._mark)
        ip("-n", self._mark, "link", "set", other, "master", "switch", "up")
        return end, other


class Host:
    """One of them."""

    def __init__(self, name, address, *, space, cable, at):
        self.name, self.address, self.space = name, address, space
        self._cable, self._at = cable, at
        self._processes = []

    def start(self, command, *, log, env=None):
        """A process there; the host has its own name too."""
        named = ["unshare", "--uts", "sh", "-c", f'hostname {self.name}; exec "$@"', "sh", *map(str, command)]
        with log.open("ab") as out:
            inside = ["ip", "netns", "exec", self.space, *named]
            self._processes.append(subprocess.Popen(inside, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env))

    def cut(self):
        """Nothing reaches it, nothing leaves it, and nobody is told."""
        ip("-n", self._at, "link", "set", self._cable, "down")

    def heal(self):
        """The cable is back."""
        ip("-n", self._at, "link", "set", self._cable, "up")

    def die(self):
        """The power goes: whatever runs there ends at once, and no packet tells of it."""
        self.cut()
        while pids := ip("netns", "pids", self.space).split():
            for pid in map(int, pids):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for process in self._processes:
                process.wait()


def ip(*arguments):
    """What `ip` says."""
    return subprocess.run(["ip", *map(str, arguments)], check=True, capture_output=True, text=True).stdout

"""Hosts on one machine: network namespaces on a wire of their own, which can be cut. Takes root and `ip`."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from types import TracebackType

NETWORK = "10.213.77.0/24"


def find_hindrance() -> str | None:
    """Why there can be no hosts here; None when they can be made (tried)."""
    if os.geteuid() != 0:
        return "network namespaces take root"
    if shutil.which("ip") is None or shutil.which("runuser") is None:
        return "there is no `ip` (iproute2) or no `runuser` (util-linux)"
    name = f"lx{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"network namespaces cannot be made here: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", name], check=True)
    return None


class Hosts:
    """A context. The first host has the switch to which each of the others has its own wire."""

    def __init__(self, *names: str) -> None:
        self._tag = f"lx{uuid.uuid4().hex[:6]}"
        self.names = names

    def __enter__(self) -> Hosts:
        try:
            for name in self.names:
                _ip("netns", "add", self._space(name))
                self._inside(name, "link", "set", "lo", "up")
            hub = self.names[0]
            self._inside(hub, "link", "add", "switch", "type", "bridge")
            self._inside(hub, "address", "add", f"{self.address(hub)}/24", "dev", "switch")
            self._inside(hub, "link", "set", "switch", "up")
            for name in self.names[1:]:
                self._inside(hub, "link", "add", name, "type", "veth", "peer", "name", "wire", "netns", self._space(name))
                self._inside(hub, "link", "set", name, "master", "switch", "up")
                self._inside(name, "address", "add", f"{self.address(name)}/24", "dev", "wire")
                self._inside(name, "link", "set", "wire", "up")
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._remove()

    def within(self, name: str) -> tuple[str, ...]:
        """The beginning of a command that runs on a host."""
        return ("ip", "netns", "exec", self._space(name))

    def address(self, name: str) -> str:
        """A host's address."""
        return NETWORK.replace("0/24", str(1 + self.names.index(name)))

    def join(self) -> None:
        """Give this machine itself a wire to the switch, so that a test reaches the hosts."""
        hub = self.names[0]
        self._inside(hub, "link", "add", "here", "type", "veth", "peer", "name", self._tag, "netns", "1")
        self._inside(hub, "link", "set", "here", "master", "switch", "up")
        _ip("address", "add", NETWORK.replace("0/24", "254/24"), "dev", self._tag)
        _ip("link", "set", self._tag, "up")

    def cut(self, name: str) -> None:
        """Nothing reaches a host any more, and nobody is told."""
        self._inside(self.names[0], "link", "set", name, "down")

    def mend(self, name: str) -> None:
        """After `cut`."""
        self._inside(self.names[0], "link", "set", name, "up")

    def _space(self, name: str) -> str:
        return f"{self._tag}-{name}"

    def _inside(self, name: str, *arguments: str) -> None:
        _ip("-netns", self._space(name), *arguments)

    def _remove(self) -> None:
        for name in reversed(self.names):
            subprocess.run(["ip", "netns", "delete", self._space(name)], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)

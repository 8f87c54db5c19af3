# SPDX-License-Identifier: Apache-2.0
"""Several hosts on one machine: network namespaces joined by a bridge, each with a host name and a boot id of its own.
Needs root; Hosts.refusal() says why they cannot be had."""

import os
import pathlib
import shutil
import subprocess
import tempfile

BECOME = 'hostname "$1"; mount --bind "$2" /proc/sys/kernel/random/boot_id; shift 2; exec "$@"'


def call(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)


class Host:
    def __init__(self, space, link, name, address, boot_id):
        self.space, self.link, self.name, self.address, self._boot_id = space, link, name, address, boot_id

    def command(self, *words):
        """The words that run a command on this host."""
        return ["ip", "netns", "exec", self.space, "unshare", "--uts", "--mount", "sh", "-c", BECOME, "host", self.name,
                str(self._boot_id), *map(str, words)]

    def cut(self):
        call("ip", "link", "set", self.link, "down")

    def join(self):
        call("ip", "link", "set", self.link, "up")


class Hosts:
    """Use as a context manager: a list of hosts that see each other, as node0, node1, …"""

    def __init__(self, count):
        self.count = count
        self.mark = f"st{os.getpid() % 100000}"

    @staticmethod
    def refusal():
        """Why there can be no hosts here; empty: there can."""
        if os.geteuid() != 0:
            return "only root may make network namespaces"
        for program in ("ip", "unshare"):
            if shutil.which(program) is None:
                return f"{program} is not installed"
        name = f"st{os.getpid() % 100000}try"
        tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            call("ip", "netns", "delete", name)
        return tried.stderr.strip()

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stint-hosts-"))
        self.hosts = []
        call("ip", "link", "add", f"{self.mark}br", "type", "bridge")
        call("ip", "link", "set", f"{self.mark}br", "up")
        for number in range(self.count):
            space, link, address = f"{self.mark}n{number}", f"{self.mark}v{number}", f"10.213.{os.getpid() % 250}.{number + 1}"
            boot_id = self.folder / f"boot{number}"
            boot_id.write_text(f"{number:08d}-0000-4000-8000-{os.getpid():012d}\n")
            call("ip", "netns", "add", space)
            self.hosts.append(Host(space, link, f"node{number}", address, boot_id))
            call("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
            call("ip", "link", "set", link, "master", f"{self.mark}br", "up")
            for words in (("address", "add", f"{address}/24", "dev", "eth0"), ("link", "set", "eth0", "up"),
                          ("link", "set", "lo", "up")):
                call("ip", "-n", space, *words)
        return self.hosts

    def __exit__(self, *_):
        for host in self.hosts:
            subprocess.run(["ip", "netns", "delete", host.space], capture_output=True, check=False)  # and its link
        call("ip", "link", "delete", f"{self.mark}br")
        shutil.rmtree(self.folder)

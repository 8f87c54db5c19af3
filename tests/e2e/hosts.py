# SPDX-License-Identifier: Apache-2.0
"""Several hosts on one machine: network namespaces joined by a bridge, each with a host name and a boot id of its own.
Needs root; Hosts.refusal() says why they cannot be had."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

# What mpirun is to call instead of ssh: the host, then the words of its daemon. A host's environment is its own.
AGENT = """#!/bin/bash
host=$1; shift
case "$host" in
{cases}
*) echo "no host $host" >&2; exit 1 ;;
esac
"""
BECOME = ('hostname "$1"; mount --bind "$2" /proc/sys/kernel/random/boot_id; [ -z "$3" ] || mount -t tmpfs -o mode=700 none "$3"; '
          'shift 3; exec "$@"')


def call(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)


class Host:
    def __init__(self, space, link, name, address, boot_id):
        self.space, self.link, self.name, self.address, self._boot_id = space, link, name, address, boot_id
        self.hidden = ""  # a folder that processes started from now on find empty

    def runtime(self):
        """The folder of its sockets: the file system is shared, these are not."""
        return self._boot_id.parent / f"runtime{self.name}"

    def command(self, *words):
        """The words that run a command on this host."""
        return ["ip", "netns", "exec", self.space, "unshare", "--uts", "--mount", "sh", "-c", BECOME, "host", self.name,
                str(self._boot_id), str(self.hidden), *map(str, words)]

    def pids(self, among):
        """Those of some processes that run on this host, by its network."""
        space = os.stat(f"/run/netns/{self.space}").st_ino
        found = []
        for pid in among:
            try:
                if os.stat(f"/proc/{pid}/ns/net").st_ino == space:
                    found.append(pid)
            except OSError:
                pass  # it has just ended
        return found

    def kill_everything(self):
        """SIGKILL to every process in its network."""
        pids = subprocess.run(["ip", "netns", "pids", self.space], capture_output=True, text=True, check=False)
        for pid in pids.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass

    def cut(self):
        call("ip", "link", "set", self.link, "down")

    def join(self):
        call("ip", "link", "set", self.link, "up")


class Hosts:
    """Use as a context manager: a list of hosts that see each other, as node0, node1, …"""

    made = 0

    def __init__(self, count):
        self.count = count
        Hosts.made += 1  # links of the ones before may go late
        self.mark = f"st{os.getpid() % 100000}{chr(96 + Hosts.made)}"

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
        self.bridge = f"{self.mark}br"
        call("ip", "link", "add", self.bridge, "type", "bridge")
        call("ip", "link", "set", self.bridge, "up")
        for number in range(self.count):
            space, link, address = f"{self.mark}n{number}", f"{self.mark}v{number}", f"10.213.{os.getpid() % 250}.{number + 1}"
            boot_id = self.folder / f"boot{number}"
            (self.folder / f"runtimenode{number}").mkdir(mode=0o700)
            boot_id.write_text(f"{number:08d}-0000-4000-8000-{os.getpid():012d}\n")
            call("ip", "netns", "add", space)
            self.hosts.append(Host(space, link, f"node{number}", address, boot_id))
            call("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
            call("ip", "link", "set", link, "master", self.bridge, "up")
            for words in (("address", "add", f"{address}/24", "dev", "eth0"), ("link", "set", "eth0", "up"),
                          ("link", "set", "lo", "up")):
                call("ip", "-n", space, *words)
        return self.hosts

    def mpirun(self):
        """Arguments for mpirun, called on a host, that let it start ranks on the others; and a hostfile with one slot
        a host, by address."""
        cases = []
        for host in self.hosts:
            words = " ".join(f"'{word}'" for word in host.command("env", f"XDG_RUNTIME_DIR={host.runtime()}", "sh", "-c"))
            cases.append(f'{host.address}) exec {words} "$*" ;;')
        agent = self.folder / "agent"
        agent.write_text(AGENT.format(cases="\n".join(cases)))
        agent.chmod(0o755)
        hostfile = self.folder / "hostfile"
        hostfile.write_text("".join(f"{host.address} slots=2\n" for host in self.hosts))
        network = self.hosts[0].address.rsplit(".", 1)[0] + ".0/24"
        return (f"--mca plm_rsh_agent {agent} --mca oob_tcp_if_include {network} --mca btl_tcp_if_include {network}",
                hostfile)

    def __exit__(self, *_):
        for host in self.hosts:
            host.kill_everything()  # a daemon would keep the network
            for words in (("netns", "delete", host.space), ("link", "delete", host.link)):
                subprocess.run(["ip", *words], capture_output=True, check=False)
        call("ip", "link", "delete", self.bridge)
        shutil.rmtree(self.folder)

# SPDX-License-Identifier: Apache-2.0
"""One mpirun over three hosts, and worlds of three hosts that share a home: the embedded blackboard serves them all, asks
for its password, and moves when its host is lost."""

import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import unittest

from hosts import Hosts
from stint_home import STINT, StintHome, eventually

CHUNKS = 400
LEASE = 1
MIB = 1 << 20
# A command on any of the hosts, begun once all of them are at work. Of those elsewhere than on node0, the first to come
# there writes 3 MiB, and the second fails.
COMMAND = r"""
number=$1 here=$(hostname)
: > at.$here
until [ -e at.node0 ] && [ -e at.node1 ] && [ -e at.node2 ]; do sleep 0.02; done
printf 'out %s \377\0\n' $number
echo "err $number" >&2
[ $here != node0 ] || exit 0
if mkdir large 2>/dev/null; then
  echo $number > large/number
  head -c 3145728 /dev/zero | tr '\0' x
elif mkdir failing 2>/dev/null; then
  echo $number > failing/number
  printf 'bad \377\n' >&2
  exit 3
fi
"""


class SeveralHosts(unittest.TestCase):
    def setUp(self):
        if refusal := Hosts.refusal():
            self.skipTest(f"no hosts of our own: {refusal}")
        self.home = self.enterContext(StintHome())
        self.folder = pathlib.Path(self.home.environment["STINT_HOME"])
        self.network = Hosts(3)
        self.hosts = self.enterContext(self.network)
        self.launch, self.hostfile = self.network.mpirun()
        self.worlds = []
        self.addCleanup(self.end_worlds)
        self.log = self.home.folder / "computed"
        self.expected = self.home.run("run", "--run-id", "whole", "synthetic", "--chunks", CHUNKS).stdout
        self.home.run("serve", "--stop")  # on the machine itself

    def end_worlds(self):
        for pid in self.home.pids():
            os.kill(pid, signal.SIGKILL)
        for world in self.worlds:
            world.communicate(timeout=30)

    def start(self, host, *words, text=True, environment=()):
        environment = dict(self.home.environment, XDG_RUNTIME_DIR=str(host.runtime()), **dict(environment))
        world = subprocess.Popen(host.command(*words), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=text)
        self.worlds.append(world)
        return world

    def on(self, host, *words):
        """Runs stint on a host; what it prints."""
        world = self.start(host, STINT, *words)
        out, said = world.communicate(timeout=60)
        self.assertEqual(world.returncode, 0, said)
        return out

    def job(self, seconds=0.03):
        return ["--threads", 1, "--lease", LEASE, "--commit-every", 0.1, "--run-id", "shared", "--log",
                self.home.folder / "log", "synthetic", "--chunks", CHUNKS, "--seconds", seconds, "--append", self.log]

    def over_all(self):
        """The words that start ranks on all hosts, from the first."""
        return [STINT, "run", "-n", 6, "--hostfile", self.hostfile, "--mpirun", self.launch]

    def computed(self):
        return [line.split()[0] for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def await_chunks(self, count):
        eventually(60, f"{count} chunks have begun", lambda: len(set(self.computed())) >= count)

    def assert_ends(self, world, expected):
        out, said = world.communicate(timeout=90)
        self.assertEqual((world.returncode, out), (0, expected), said)
        return said

    def listens(self, host):
        """Where redis-server listens on a host."""
        lines = subprocess.run(["ip", "netns", "exec", host.space, "ss", "-ltnpH"], capture_output=True, text=True, check=True)
        return [line.split()[3] for line in lines.stdout.splitlines() if '"redis-server"' in line]

    def joined(self):
        return {worker["host"] for worker in json.loads(self.on(self.hosts[2], "status", "shared", "--json"))["workers"]}

    def test_one_mpirun_over_all_hosts(self):
        world = self.start(self.hosts[0], *self.over_all(), *self.job())
        self.await_chunks(60)
        eventually(20, "ranks of all hosts work", lambda: self.joined() == {"node0", "node1", "node2"})
        place, = self.listens(self.hosts[0])
        self.assertRegex(place, rf"^{re.escape(self.hosts[0].address)}:\d+$", "one address, not all")
        port = place.split(":")[1]
        ask = ["redis-cli", "-h", self.hosts[0].address, "-p", port, "PING"]
        answer = subprocess.run(self.hosts[1].command(*ask), capture_output=True, text=True, check=False)
        self.assertIn("NOAUTH", answer.stdout + answer.stderr)
        for name in ("secret", "board"):
            self.assertEqual(stat.S_IMODE((self.folder / name).stat().st_mode), 0o600, name)
        secret = (self.folder / "secret").read_text().strip()
        self.assertRegex(secret, "^[0-9a-f]{32}$")
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertNotIn(secret, entry.read_bytes().decode(errors="replace"))
            except OSError:
                pass  # it has ended
        self.assertEqual(self.on(self.hosts[1], "ls", "--board-file", self.folder / "board").count("shared"), 1)
        said = self.assert_ends(world, self.expected)
        told = said + self.on(self.hosts[0], "status", "shared", "--json") + self.on(self.hosts[1], "explain", "shared")
        told += "".join(file.read_text(errors="replace") for file in
                        [self.folder / "redis.log", *self.home.folder.glob("log.*")])
        self.assertNotIn(secret, told)
        self.assertEqual(self.on(self.hosts[2], "result", "shared"), self.expected)
        self.on(self.hosts[2], "serve", "--stop")
        self.assertFalse((self.folder / "board").exists())

    def test_the_users_own_mpirun_over_all_hosts(self):
        self.on(self.hosts[0], "serve")  # on its socket alone: it is opened while it runs
        self.assertEqual(self.listens(self.hosts[0]), [])
        self.hosts[2].hidden = self.folder  # the home is not shared: what rank 0 tells is enough
        self.launch, self.hostfile = self.network.mpirun()
        world = self.start(self.hosts[0], "mpirun", "-q", "-n", 6, "--hostfile", self.hostfile, *self.launch.split(), STINT,
                           "run", *self.job(0.01))
        self.assert_ends(world, self.expected)
        self.assertEqual(len(set(self.computed())), CHUNKS)

    def test_outputs_of_commands_from_hosts_with_homes_of_their_own(self):
        for host in self.hosts[1:]:
            host.hidden = self.folder
        self.launch, self.hostfile = self.network.mpirun()
        folder = self.home.folder / "commands"
        folder.mkdir()
        (folder / "command").write_text(COMMAND)
        numbers = range(1, 31)
        words = [*self.over_all(), "--threads", 1, "--run-id", "homes", "commands", "--workdir", folder, "--joblog",
                 folder / "joblog", "sh", "command", ":::", *numbers]
        world = self.start(self.hosts[0], *words, text=False)
        out, said = world.communicate(timeout=90)
        self.assertEqual(world.returncode, 1, said)
        hosts = {line.split("\t")[1] for line in (folder / "joblog").read_text().splitlines()[1:]}
        self.assertEqual(hosts, {"node0", "node1", "node2"})
        large, failing = (int((folder / name / "number").read_text()) for name in ("large", "failing"))
        outputs = [b"out %d \377\0\n" % number for number in numbers]
        missing = len(outputs[large - 1]) + 3 * MIB - MIB
        outputs[large - 1] += b"x" * (MIB - len(outputs[large - 1]))
        errors = [b"err %d\n" % number for number in numbers]
        errors[failing - 1] += b"bad \377\n"
        self.assertTrue(out == b"".join(outputs), said)
        self.assertEqual([line for line in said.splitlines(True) if line.startswith((b"err ", b"bad "))],
                         b"".join(errors).splitlines(True))
        self.assertRegex(said.decode(errors="replace"), rf"{missing} bytes of the output of command {large} are not here: all of "
                                                        rf"it lies on node[12] in {self.folder}/runs/homes/node[12]\.")
        self.assertEqual(said.count(b"not here"), 1, said)
        for number in (1, large, failing, 30):
            for stream, expected in ((), outputs), (("--stderr",), errors):
                world = self.start(self.hosts[0], STINT, "result", "homes", "--chunk", number, *stream, text=False)
                shown, said = world.communicate(timeout=60)
                self.assertTrue(shown == expected[number - 1], (number, stream, shown[:100], said))
        world = self.start(self.hosts[0], *words, text=False)
        again, said = world.communicate(timeout=60)
        self.assertTrue(again == out, said)
        self.assertEqual(list((self.folder / "runs/homes").glob("seen-by-*")), [])

    def test_rank_0_on_another_host_than_its_launcher(self):
        # Of the launcher's files the others see nothing.
        for host in self.hosts[1:]:
            host.hidden = self.home.folder / "tmp"
        self.launch, self.hostfile = self.network.mpirun()
        (self.home.folder / "tmp").mkdir()
        lines = self.hostfile.read_text().splitlines(True)
        self.hostfile.write_text("".join(lines[1:]))
        environment = {"TMPDIR": str(self.home.folder / "tmp")}
        words = [STINT, "run", "-n", 4, "--hostfile", self.hostfile, "--mpirun", self.launch]
        world = self.start(self.hosts[0], *words, *self.job(0.01), environment=environment)
        said = self.assert_ends(world, self.expected)
        self.assertNotIn("[stint-run", said)
        self.assertNotIn("every rank was lost", said)
        world = self.start(self.hosts[0], *words, "--run-id", "some", "commands", "exit {}", ":::", 0, 1, environment=environment)
        out, said = world.communicate(timeout=60)
        self.assertEqual((world.returncode, out), (1, ""), said)

    def test_interface_none_and_one_that_is_not_there_are_one_line(self):
        for interface, text in (("none", "--interface none"), ("ib7", r"no interface 'ib7'.*eth0 \(10\.213")):
            world = self.start(self.hosts[0], *self.over_all(), "--interface", interface, *self.job())
            out, said = world.communicate(timeout=60)
            self.assertEqual((world.returncode, out), (2, ""), said)
            lines = [line for line in said.splitlines() if "plm:rsh: Warning" not in line]  # mpirun's own
            self.assertEqual(len(lines), 1, said)
            self.assertRegex(lines[0], rf"^stint: .*{text}")

    def test_an_input_that_one_host_does_not_see(self):
        corpus = self.home.folder / "corpus"
        corpus.mkdir()
        for number in range(40):
            (corpus / f"{number}.txt").write_text(f"alpha beta {number}\n" * 10_000)
        # So many chunks that the ranks of all hosts are there before they are through; and the first 20 that fail, before
        # the others have handed in anything, are not to end the run.
        job = ["--threads", 1, "--max-failed", "100%", "wordcount", corpus, "--chunk-size", 100]
        expected = self.on(self.hosts[0], "run", "--run-id", "seen", *job)
        self.hosts[1].hidden = corpus
        self.launch, self.hostfile = self.network.mpirun()
        world = self.start(self.hosts[0], *self.over_all(), "--run-id", "hidden", *job)
        said = self.assert_ends(world, expected)
        self.assertRegex(said, rf"input '{corpus}/\d+\.txt': No such file or directory on node1")

    def test_a_link_that_is_cut_for_longer_than_a_lease(self):
        world = self.start(self.hosts[0], *self.over_all(), *self.job(0.05))
        self.await_chunks(60)
        eventually(20, "ranks of all hosts work", lambda: self.joined() == {"node0", "node1", "node2"})
        self.hosts[1].cut()
        eventually(30, "those behind it are given up", lambda: self.joined() == {"node0", "node2"})
        self.hosts[1].join()
        self.assert_ends(world, self.expected)
        self.assertEqual(len(set(self.computed())), CHUNKS)

    def test_the_blackboard_moves_when_its_host_is_lost(self):
        elastic = [STINT, "run", *self.job(0.2)]
        worlds = [self.start(self.hosts[0], *elastic)]
        eventually(20, "the first world works", self.computed)
        self.assertEqual(self.listens(self.hosts[0]), [], "nobody has asked for it yet")
        worlds += [self.start(host, *elastic) for host in self.hosts[1:]]
        eventually(30, "all worlds work", lambda: self.joined() == {"node0", "node1", "node2"})
        self.assertEqual([len(self.listens(host)) for host in self.hosts], [1, 0, 0])
        self.hosts[0].cut()
        self.hosts[0].kill_everything()
        ends = [world.communicate(timeout=150) for world in worlds[1:]]
        self.assertEqual([world.returncode for world in worlds[1:]], [0, 0], ends)
        self.assertEqual([out for out, _ in ends].count(self.expected), 1, ends)
        self.assertEqual(len(set(self.computed())), CHUNKS)
        self.assertEqual(sum(len(self.listens(host)) for host in self.hosts[1:]), 1)


if __name__ == "__main__":
    unittest.main()

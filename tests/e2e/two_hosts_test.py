# SPDX-License-Identifier: Apache-2.0
"""Worlds on two hosts that share a blackboard, or only a folder: a link that is cut and comes back, a node that is lost
and comes back while another has taken over its data."""

import os
import pathlib
import signal
import subprocess
import time
import unittest

from hosts import Hosts
from stint_home import STINT, Server, StintHome, command_line, eventually

CHUNKS = 400
LEASE = 1


class TwoHosts(unittest.TestCase):
    def setUp(self):
        if refusal := Hosts.refusal():
            self.skipTest(f"no hosts of our own: {refusal}")
        self.home = self.enterContext(StintHome())
        self.hosts = self.enterContext(Hosts(2))
        self.worlds = []
        self.addCleanup(self.end_worlds)
        self.log = self.home.folder / "computed"
        self.expected = self.home.run("run", "--run-id", "whole", "synthetic", "--chunks", CHUNKS).stdout

    def end_worlds(self):
        for pid in self.home.pids():
            os.kill(pid, signal.SIGKILL)
        for world in self.worlds:
            world.communicate(timeout=30)

    def words(self, *more):
        return [STINT, *map(str, ["run", "-n", 2, "--threads", 1, "--lease", LEASE, "--commit-every", 0.1, "--run-id", "shared",
                                  *more, "synthetic", "--chunks", CHUNKS, "--seconds", 0.03, "--append", self.log])]

    def start(self, host, *more):
        """A world on a host whose /tmp sockets are its own."""
        runtime = self.home.folder / host.name
        runtime.mkdir(exist_ok=True)
        environment = dict(self.home.environment, XDG_RUNTIME_DIR=str(runtime))
        world = subprocess.Popen(host.command(*self.words(*more)), env=environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.worlds.append(world)
        return world

    def computed(self):
        return [line.split()[0] for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def await_chunks(self, count):
        eventually(30, f"{count} chunks have begun", lambda: len(set(self.computed())) >= count)

    def test_a_link_that_is_cut_and_comes_back(self):
        near, far = self.hosts
        server = Server(self.home.folder / "server", prefix=near.command(), port=6390, bind=near.address)
        self.addCleanup(server.stop)
        board = ("--board", f"redis://{near.address}:6390", "--log", self.home.folder / "log")
        worlds = [self.start(near, *board), self.start(far, *board)]
        eventually(20, "all have joined", lambda: len(server.workers("shared")) == 4)
        self.await_chunks(80)
        far.cut()
        eventually(30, "those that are cut off are given up", lambda: len(server.workers("shared")) == 2)
        far.join()
        eventually(30, "they join anew", lambda: len(server.workers("shared")) == 4)
        ends = [world.communicate(timeout=60) for world in worlds]
        self.assertEqual([world.returncode for world in worlds], [0, 0], ends)
        self.assertEqual([out for out, _ in ends].count(self.expected), 1, ends)
        self.assertIn("joining anew", "".join(file.read_text() for file in self.home.folder.glob("log.*")))
        self.assertEqual(len(set(self.computed())), CHUNKS)
        self.assertLessEqual(len(self.computed()) - CHUNKS, CHUNKS - 80)

    def test_a_folder_that_two_nodes_share_has_one_server(self):
        first, second = self.hosts
        self.home.run("serve", "--stop")  # the one of setUp, on the machine itself
        world = self.start(first)
        self.await_chunks(60)
        # A lock of one node is nothing to another: here the file of the lock goes.
        (pathlib.Path(self.home.environment["STINT_HOME"]) / "serve.lock").unlink()
        second.cut()
        refused = self.start(second)
        out, said = refused.communicate(timeout=40)
        self.assertEqual((refused.returncode, out), (3, ""), said)
        self.assertIn("in use on node0", said)
        second.join()
        # The node is lost, with all that runs on it.
        lost = first.pids(self.home.pids())
        for pid in lost:
            os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
        heir = self.start(second)
        out, said = heir.communicate(timeout=60)
        self.assertEqual((heir.returncode, out), (0, self.expected), said)
        self.assertIn("waiting 10 s for a sign of life", said)
        self.assertGreater(time.monotonic() - begun, 10)
        # It comes back: its guardian has lost the data, and its server ends.
        for pid in lost:
            os.kill(pid, signal.SIGCONT)
        eventually(30, "its server has ended", lambda: not [pid for pid in first.pids(self.home.pids())
                                                           if b"redis-server" in command_line(pid)])
        # What the second node has is whole.
        done = self.start(second).communicate(timeout=60)
        self.assertEqual(done[0], self.expected, done)
        self.assertIn("nothing computed", done[1])


if __name__ == "__main__":
    unittest.main()

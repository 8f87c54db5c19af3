# SPDX-License-Identifier: Apache-2.0
"""Several worlds on one run: who joins it, who prints, who leaves, and who goes on when others are lost."""

import os
import signal
import subprocess
import unittest

from stint_home import STINT, StintHome, eventually


class Worlds(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(StintHome())
        self.addCleanup(self.home.kill_everything)

    def world(self, *words, run="shared", lease=1):
        return subprocess.Popen([STINT, "run", "--run-id", run, "--lease", str(lease), *map(str, words)],
                                env=self.home.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def begun(self, run="shared"):
        """Something is done, and not all."""
        def some_done():
            status = self.home.run("status", run, "--json", check=False)
            return status.returncode == 0 and self.home.status(run)["chunks"]["done"] > 0
        eventually(30, "the run has begun", some_done)

    def end_of(self, world):
        out, said = world.communicate(timeout=60)
        return world.returncode, out, said

    CHUNKS = ("synthetic", "--chunks", 400, "--seconds", 0.02)

    def expected(self):
        return self.home.run("run", "--run-id", "alone", "-n", 4, *self.CHUNKS).stdout

    def test_who_joins_computes_and_prints_nothing(self):
        first = self.world("-n", 2, "--threads", 1, *self.CHUNKS)
        self.begun()
        second = self.world("--threads", 2, *self.CHUNKS)
        third = self.world("--threads", 1, "--wait", *self.CHUNKS)
        code, out, said = self.end_of(second)
        self.assertEqual((code, out), (0, ""), said)
        self.assertIn("run shared is joined, beside ", said)
        whole = self.end_of(first)
        self.assertEqual(whole[0], 0, whole)
        waited = self.end_of(third)
        self.assertEqual(waited[:2], whole[:2], waited)
        self.assertEqual(whole[1], self.expected())
        self.assertEqual(self.home.status("shared")["computed"]["again"], 0)

    def test_who_finds_nothing_left_leaves(self):
        first = self.world("--threads", 1, "commands", "sleep {}", ":::", "0.1", "300", lease=0.5)
        self.begun()
        code, out, said = self.end_of(self.world("-n", 2, "--threads", 1, "commands", "sleep {}", ":::", "0.1", "300",
                                                 lease=0.5))
        self.assertEqual((code, out), (0, ""), said)
        self.assertIn("nothing is left for this world; run shared goes on without it", said)
        self.assertIsNone(first.poll())
        self.assertEqual(self.home.status("shared")["state"], "running")

    def test_who_began_prints_even_if_it_was_given_up_meanwhile(self):
        first = self.world("--threads", 1, *self.CHUNKS)
        self.begun()
        second = self.world("--threads", 2, *self.CHUNKS)
        eventually(30, "two are there", lambda: self.home.status("shared")["ranks"] == 2)
        os.kill(first.pid, signal.SIGSTOP)
        code, out, said = self.end_of(second)
        self.assertEqual((code, out), (0, self.expected()), "nobody else seems to be left who would print: " + said)
        os.kill(first.pid, signal.SIGCONT)
        code, out, said = self.end_of(first)
        self.assertEqual((code, out), (0, self.expected()), said)

    def test_a_world_that_is_lost_is_not_missed(self):
        first = self.world("--threads", 1, *self.CHUNKS)
        self.begun()
        second = self.world("-n", 2, "--threads", 1, *self.CHUNKS)
        eventually(30, "three are there", lambda: self.home.status("shared")["ranks"] == 3)
        first.kill()
        code, out, said = self.end_of(second)
        self.assertEqual((code, out), (0, self.expected()), "nobody else is left who would print: " + said)
        first.communicate()

    def test_outputs_of_commands_are_shown_by_who_began_and_by_a_guest_that_is_left_alone(self):
        words = ("commands", "sleep 0.1; echo {}", ":::", *range(60))
        first = self.world("--threads", 1, *words)
        self.begun()
        second = self.world("--threads", 2, *words)
        eventually(30, "two are there", lambda: self.home.status("shared")["ranks"] == 2)
        os.kill(first.pid, signal.SIGSTOP)
        eventually(30, "the other leads and ends it", lambda: second.poll() is not None)
        whole = "".join(f"{i}\n" for i in range(60))
        self.assertEqual(self.end_of(second)[:2], (0, whole))
        os.kill(first.pid, signal.SIGCONT)
        code, out, said = self.end_of(first)
        self.assertEqual((code, out), (0, whole), said)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""The same command goes on after a SIGKILL of everything, the server included, at a random moment: the same bits, and
only what was in hand is computed again. SEED names the moments."""

import collections
import os
import random
import time
import unittest

from stint_home import StintHome, closing_numbers, eventually

SEED = int(os.environ.get("STINT_TEST_SEED", "1"))
CHUNKS = 300
SECONDS = 0.01


class Resume(unittest.TestCase):
    def test_twenty_kills_at_random_moments(self):
        moments = random.Random(SEED)
        job = ("synthetic", "--chunks", CHUNKS, "--seconds", SECONDS)
        with StintHome() as home:
            expected = home.run("run", "--run-id", "whole", "synthetic", "--chunks", CHUNKS).stdout
            for kill in range(20):
                log = home.folder / f"computed-{kill}"
                run = ["run", "--run-id", f"cut-{kill}", "-n", 2, "--threads", 1, "--commit-every", 0.2, *job,
                       "--append", log]
                with self.subTest(seed=SEED, kill=kill):
                    home.run("serve")
                    world = home.start(*run)
                    time.sleep(moments.uniform(0.0, 2.2))  # the fault itself, not a wait for anything
                    home.kill_everything()
                    world.wait()
                    before = log.read_text().splitlines() if log.exists() else []
                    done = home.run(*run)
                    self.assertEqual(done.stdout, expected)
                    self.assertEqual(home.status(f"cut-{kill}")["chunks"], {"total": CHUNKS, "done": CHUNKS, "failed": 0})
                    times = collections.Counter(line.split()[0] for line in log.read_text().splitlines())
                    self.assertEqual(len(times), CHUNKS)
                    # Two ranks hold at most the results of --commit-every, what they compute and what they fetched.
                    again = sum(times.values()) - CHUNKS
                    self.assertLessEqual(again, len(before))
                    self.assertLessEqual(again, 2 * (0.2 + 0.4) / SECONDS)

    def test_a_finished_run_computes_nothing(self):
        with StintHome() as home:
            log = home.folder / "computed"
            run = ["run", "synthetic", "--chunks", 40, "--append", log]
            first = home.run(*run)
            size = log.stat().st_size
            second = home.run(*run)
            self.assertEqual(second.stdout, first.stdout)
            self.assertEqual(log.stat().st_size, size)
            self.assertIn("nothing computed", second.stderr)

    def test_other_numbers_of_ranks_and_threads_go_on(self):
        with StintHome() as home:
            expected = home.run("run", "--run-id", "whole", "synthetic", "--chunks", 200).stdout
            world = home.start("run", "--run-id", "cut", "-n", 3, "--commit-every", 0, "synthetic", "--chunks", 200,
                               "--seconds", 0.02)
            eventually(30, "some chunks are done", lambda: home.run("status", "cut", "--json", check=False).returncode == 0
                       and home.status("cut")["chunks"]["done"] > 20)
            home.kill_everything()
            world.wait()
            done = home.run("run", "--run-id", "cut", "--threads", 4, "synthetic", "--chunks", 200, "--seconds", 0.02)
            self.assertEqual(done.stdout, expected)
            here, found, _ = closing_numbers(done.stderr)
            self.assertGreater(found, 20)
            self.assertEqual(here + found, 200)

    def test_fresh_begins_anew(self):
        with StintHome() as home:
            log = home.folder / "computed"
            for _ in range(2):
                home.run("run", "--fresh", "synthetic", "--chunks", 10, "--append", log)
            self.assertEqual(len(log.read_text().splitlines()), 20)


if __name__ == "__main__":
    unittest.main()

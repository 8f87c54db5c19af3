# SPDX-License-Identifier: Apache-2.0
"""A rank that is lost, rank 0 too, does not end a run that `stint run -n` started; a drained run goes on."""

import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from stint_home import STINT, StintHome, eventually

JOB = ("synthetic", "--chunks", 300)


class LostRank(unittest.TestCase):
    def world(self, home, run, *more):
        return subprocess.Popen([STINT, "run", "-n", "3", "--threads", "1", "--lease", "2", "--run-id", run, *more,
                                 *map(str, JOB), "--seconds", "0.03"], env=home.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def pid_of_rank(self, home, rank):
        mark = f"OMPI_COMM_WORLD_RANK={rank}\0".encode()
        for pid in home.pids():
            if mark in pathlib.Path(f"/proc/{pid}/environ").read_bytes() + b"\0":
                return pid
        raise AssertionError(f"no rank {rank}")

    def await_chunks(self, home, run, count):
        eventually(30, f"{count} chunks are done", lambda: home.run("status", run, check=False).returncode == 0
                   and home.status(run)["chunks"]["done"] >= count)

    def test_a_killed_rank_is_replaced_by_the_others(self):
        with StintHome() as home:
            expected = home.run("run", "--run-id", "whole", *JOB).stdout
            for rank in (0, 2):
                with self.subTest(rank=rank):
                    run = f"lost-{rank}"
                    world = self.world(home, run, "--commit-every", "0.2")
                    self.await_chunks(home, run, 30)
                    os.kill(self.pid_of_rank(home, rank), signal.SIGKILL)
                    out, said = world.communicate(timeout=60)
                    self.assertEqual((world.returncode, out), (0, expected), said)
                    self.assertIn("its chunks are computed elsewhere", said)
                    self.assertEqual(home.status(run)["reaped"], 1)

    def test_ranks_that_wait_in_mpi_init_for_a_lost_one_are_started_again(self):
        with StintHome() as home:
            expected = home.run("run", "--run-id", "whole", *JOB).stdout  # the blackboard runs from here on
            world = self.world(home, "lost-early")
            pid = None
            while pid is None and world.poll() is None:
                try:
                    pid = self.pid_of_rank(home, 1)
                except (AssertionError, OSError):
                    continue  # it has not been started yet, or is just being
            os.kill(pid, signal.SIGKILL)
            out, said = world.communicate(timeout=120)
            self.assertEqual((world.returncode, out), (0, expected), said)

    def test_a_rank_0_that_is_lost_while_it_plans(self):
        with StintHome() as home:
            durations = home.folder / "durations"
            durations.write_bytes(b"0\n" * 10_000_000)  # takes a second to read
            expected = home.run("run", "--run-id", "whole", "synthetic", "--durations", durations).stdout

            def words():
                return home.redis_cli("KEYS", "stint:world:*")

            before = words()
            world = subprocess.Popen([STINT, "run", "-n", "3", "--run-id", "early", "synthetic", "--durations", durations],
                                     env=home.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
            eventually(30, "rank 0 plans", lambda: words() != before)
            self.assertNotEqual(home.run("status", "early", check=False).returncode, 0, "the run is not there yet")
            os.kill(self.pid_of_rank(home, 0), signal.SIGKILL)
            out, said = world.communicate(timeout=60)
            self.assertEqual((world.returncode, out), (0, expected), said)
            self.assertEqual(len([line for line in said.splitlines() if "lost" in line]), 1, said)

    def test_an_mpirun_that_waits_for_nobody_is_ended(self):
        with StintHome() as home:
            expected = home.run("run", "--run-id", "whole", *JOB).stdout
            # As one whose first rank died while it was being started: a dead child that it does not look after.
            folder = home.folder / "programs"
            folder.mkdir()
            real = shutil.which("mpirun")
            (folder / "mpirun").write_text(
                "#!/usr/bin/env python3\nimport os, sys, time\n"
                f"if os.path.exists('{folder}/second'):\n os.execv('{real}', ['mpirun', *sys.argv[1:]])\n"
                f"open('{folder}/second', 'w').close()\nif os.fork() == 0:\n os._exit(1)\ntime.sleep(1000)\n")
            (folder / "mpirun").chmod(0o755)
            home.environment["PATH"] = f"{folder}:{home.environment['PATH']}"
            done = home.run("run", "-n", 2, "--run-id", "hung", *JOB, seconds=60)
            self.assertEqual(done.stdout, expected)
            self.assertIn("starting them again", done.stderr)

    def test_a_signal_drains_and_the_same_command_continues(self):
        with StintHome() as home:
            expected = home.run("run", "--run-id", "whole", *JOB).stdout
            world = self.world(home, "drained", "--commit-every", "0.2")
            self.await_chunks(home, "drained", 30)
            world.send_signal(signal.SIGTERM)
            out, said = world.communicate(timeout=60)
            self.assertEqual((world.returncode, out), (75, ""), said)
            self.assertIn("the same command continues", said)
            out, said = self.world(home, "drained").communicate(timeout=60)
            self.assertEqual(out, expected)
            # Nothing was in hand when it ended, so nothing is computed again.
            self.assertEqual(home.status("drained")["computed"]["again"], 0)


if __name__ == "__main__":
    unittest.main()

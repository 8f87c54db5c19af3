# SPDX-License-Identifier: Apache-2.0
"""The blackboard is lost, comes back with less, is full, refuses or stalls; ranks and the guardian are stopped or killed.
Each fault comes at a named point of a run of real processes; the result is that of a run without faults."""

import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from stint_home import STINT, Server, StintHome, eventually, last_append_only_file

CHUNKS = 240
SECONDS = 0.02
LEASE = 1


def end_of_last_commit(file):
    """Where the last script that stored a node ends in an append-only file."""
    data = file.read_bytes()
    end = b"EXEC\r\n"
    return data.index(end, data.rindex(b":nodes\r\n")) + len(end)


class Faults(unittest.TestCase):
    """A home, a server of the test's own, and worlds of two ranks on it."""

    settings = ()

    def setUp(self):
        self.home = self.enterContext(StintHome())
        self.addCleanup(self.end_worlds)
        self.worlds = []
        self.log = self.home.folder / "computed"
        self.board = []
        self.expected = self.home.run("run", "--run-id", "whole", "synthetic", "--chunks", CHUNKS).stdout

    def own_server(self, *settings):
        self.server = Server(self.home.folder / "server", *settings)
        self.addCleanup(self.server.stop)
        self.board = ["--board", self.server.url]

    def words(self, *more):
        return ["run", "--threads", 1, "--lease", LEASE, "--commit-every", 0.2, "--run-id", "hit", *self.board, *more,
                "synthetic", "--chunks", CHUNKS, "--seconds", SECONDS, "--append", self.log]

    def start(self, *more, ranks=2):
        world = subprocess.Popen([STINT, *map(str, self.words("-n", ranks, *more))], env=self.home.environment,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.worlds.append(world)
        return world

    def end_worlds(self):
        for pid in self.home.pids():
            os.kill(pid, signal.SIGKILL)
        for world in self.worlds:
            world.communicate(timeout=30)

    def status(self):
        return json.loads(self.home.run("status", "hit", "--json", *self.board).stdout)

    def computed(self):
        return [line.split()[0] for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def await_chunks(self, count):
        eventually(30, f"{count} chunks have begun", lambda: len(set(self.computed())) >= count)

    def assert_result(self, world, again=0, reaped=0):
        """The world ends well; at most so many chunks were computed again, and so many workers given up."""
        out, said = world.communicate(timeout=40)
        self.assertEqual((world.returncode, out), (0, self.expected), said)
        self.assertEqual(len(set(self.computed())), CHUNKS)
        self.assertLessEqual(len(self.computed()) - CHUNKS, again, said)
        status = self.status()
        self.assertEqual(status["chunks"], {"total": CHUNKS, "done": CHUNKS, "failed": 0})
        self.assertLessEqual(status["reaped"], reaped, said)
        return said

    def assert_error(self, code, out, said, exit_code, *words):
        """The exit code, nothing on stdout, and one line that has these words."""
        self.assertEqual((code, out), (exit_code, ""), said)
        lines = [line for line in said.splitlines() if line.startswith("stint: ") and " goes on: " not in line
                 and not line.startswith("stint: waiting ")]
        self.assertEqual(len(lines), 1, said)
        for word in words:
            self.assertIn(word, lines[0])

    def pid_of_rank(self, rank):
        mark = f"OMPI_COMM_WORLD_RANK={rank}\0".encode()
        for pid in self.home.pids():
            try:
                if mark in pathlib.Path(f"/proc/{pid}/environ").read_bytes() + b"\0":
                    return pid
            except OSError:
                pass  # it has just ended
        raise AssertionError(f"no rank {rank}")

    def pid_of(self, *words):
        """Of this home's process whose command line has these words."""
        for pid in self.home.pids():
            try:
                line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # it has just ended
            if all(word in line for word in words):
                return pid
        return None

    def incr_file(self):
        return last_append_only_file(pathlib.Path(self.home.environment["STINT_HOME"]) / "data/appendonlydir")


class LostServer(Faults):
    def test_a_killed_server_that_is_started_again_costs_nothing(self):
        self.own_server()
        world = self.start()
        self.await_chunks(60)
        self.server.stop()
        time.sleep(2.5 * LEASE)
        self.server.start()
        said = self.assert_result(world)
        self.assertIn("waiting for the blackboard", said)
        self.assertIn("the blackboard is back", said)

    def test_the_guardian_starts_a_killed_server_again(self):
        time.sleep(2)  # it gives up a server that dies sooner
        world = self.start()
        self.await_chunks(60)
        os.kill(self.pid_of("redis-server"), signal.SIGKILL)
        self.assert_result(world)

    def test_a_server_without_its_last_second_is_repaired(self):
        self.own_server()
        world = self.start()
        self.await_chunks(120)
        self.server.stop()
        file = self.server.last_file()
        os.truncate(file, file.stat().st_size - 6001)  # in the middle of a command, most probably
        self.server.start()
        self.assert_result(world, again=120)

    def test_a_server_that_comes_back_empty_is_an_error(self):
        self.own_server()
        world = self.start()
        self.await_chunks(60)
        self.server.stop()
        for file in (self.server.folder / "appendonlydir").iterdir():
            file.unlink()
        self.server.start()
        out, said = world.communicate(timeout=30)
        self.assert_error(world.returncode, out, said, 3, "came back empty", "the same command starts it again")
        # As it says.
        self.assert_result(self.start(), again=CHUNKS)

    def test_a_server_that_stays_away_ends_the_run_in_time(self):
        self.own_server()
        world = self.start("--board-timeout", 2)
        self.await_chunks(60)
        self.server.stop()
        begun = time.monotonic()
        out, said = world.communicate(timeout=30)
        self.assertLess(time.monotonic() - begun, 10)
        self.assert_error(world.returncode, out, said, 3, "gave up waiting for the blackboard", "the same command continues")
        self.server.start()
        self.assert_result(self.start(), again=2 * 30, reaped=2)  # who gave up could not say goodbye

    def test_a_torn_tail_goes_on(self):
        world = self.start()
        self.await_chunks(120)
        self.home.kill_everything()
        world.wait()
        os.truncate(self.incr_file(), self.incr_file().stat().st_size - 3)
        self.assert_result(self.start(), again=2 * 60, reaped=2)

    def test_a_torn_tail_that_comes_back_to_life_at_the_next_restart_goes_on(self):
        # Redis 7.0 leaves the torn script's MULTI and writes in the file; the next restart runs them after all, before
        # what was written since: the bits and nodes of that commit are there, the counters are the later ones.
        self.own_server()
        world = self.start()
        for count in (60, 120):
            self.await_chunks(count)
            self.server.stop()
            if count == 60:
                file = self.server.last_file()
                os.truncate(file, end_of_last_commit(file) - 1)
            self.server.start()
        self.assert_result(world, again=120)

    def test_damage_in_the_middle_is_named(self):
        world = self.start()
        self.await_chunks(120)
        self.home.kill_everything()
        world.wait()
        with open(self.incr_file(), "r+b") as file:
            data = file.read()
            file.seek(data.index(b"\r\n*", len(data) // 2))
            file.write(b"damaged!")
        for words in (self.words("-n", 2), self.words(), ("serve",)):
            done = self.home.run(*words, check=False)
            self.assert_error(done.returncode, done.stdout, done.stderr, 4, "redis-check-aof")

    def test_a_server_that_stalls_for_longer_than_a_lease_costs_nobody(self):
        self.own_server()
        world = self.start()
        self.await_chunks(60)
        self.server.process.send_signal(signal.SIGSTOP)
        time.sleep(3 * LEASE)
        self.server.process.send_signal(signal.SIGCONT)
        self.assert_result(world)


class RefusingServer(Faults):
    """It answers, but with an error. What passes is waited for; what does not is one line."""

    def hold(self, begin, end, word):
        """Between `begin` and `end`, longer than a lease, the server refuses with `word`; nothing is lost by it."""
        world = self.start()
        self.await_chunks(60)
        begin()
        time.sleep(2 * LEASE)
        count = len(self.computed())
        time.sleep(0.5)
        self.assertEqual(len(self.computed()), count, "no new claims")
        self.assertLess(count, CHUNKS)
        end()
        said = self.assert_result(world)
        self.assertIn(f"waiting for the blackboard: the blackboard answers: {word}", said)
        self.assertLessEqual(said.count("waiting for the blackboard"), 2, said)

    def test_no_memory_is_waited_for(self):
        self.own_server()
        self.hold(lambda: self.server.command("CONFIG", "SET", "maxmemory", 1),
                  lambda: self.server.command("CONFIG", "SET", "maxmemory", 0), "OOM")

    def test_a_full_disk_is_waited_for(self):
        # A folder where the snapshot should go: saving fails as it does on a full disk.
        self.own_server("--dbfilename", "taken")
        (self.server.folder / "taken").mkdir()

        def fill():
            self.server.command("CONFIG", "SET", "save", "3600 100000")
            self.server.command("BGSAVE")
            eventually(10, "the disk is full", lambda: self.server.command("SET", "x", 1).startswith("MISCONF"))

        def make_room():
            (self.server.folder / "taken").rmdir()
            self.server.command("BGSAVE")

        self.hold(fill, make_room, "MISCONF")

    def test_a_replica_that_becomes_a_master_again_is_waited_for(self):
        self.own_server()
        self.hold(lambda: self.server.command("REPLICAOF", "127.0.0.1", 1),
                  lambda: self.server.command("REPLICAOF", "NO", "ONE"), "READONLY")

    def test_a_long_script_of_another_client_is_waited_for(self):
        self.own_server("--busy-reply-threshold", "100")

        def block():
            blocker = subprocess.Popen(["redis-cli", "-s", str(self.server.socket), "EVAL", "while true do end", "0"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(blocker.wait, 30)

        self.hold(block, lambda: self.server.command("SCRIPT", "KILL"), "BUSY")

    def test_a_server_that_loads_is_waited_for(self):
        self.own_server("--key-load-delay", "500")  # microseconds a command
        with subprocess.Popen(["redis-cli", "-s", str(self.server.socket)], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, text=True) as client:
            client.communicate("".join(f"SET ballast:{i} x\n" for i in range(6000)))

        def restart():
            self.server.stop(signal.SIGTERM)
            self.server.start(wait=False)
            eventually(10, "it loads", lambda: self.server.command("PING").startswith("LOADING"))

        self.hold(restart, lambda: None, "LOADING")
        restart()
        self.assert_result(self.start())  # a start waits, too

    def test_forgotten_scripts_are_loaded_again(self):
        self.own_server()
        world = self.start()
        for count in (40, 80, 120):
            self.await_chunks(count)
            self.server.command("SCRIPT", "FLUSH")
        self.assert_result(world)

    def test_what_does_not_pass_ends_the_run_with_one_line(self):
        faults = {
            "NOAUTH": (("CONFIG", "SET", "requirepass", "secret"), ("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")),
            "NOPERM": (("ACL", "SETUSER", "default", "-evalsha"),),
            "WRONGTYPE": (("DEL", "stint:{hit}:queues"), ("SET", "stint:{hit}:queues", "x")),
        }
        for word, commands in faults.items():
            with self.subTest(word):
                self.own_server()
                world = self.start()
                self.await_chunks(60)
                for command in commands:
                    self.server.command(*command)
                out, said = world.communicate(timeout=30)
                self.server.stop()
                for file in (self.server.folder / "appendonlydir").iterdir():
                    file.unlink()
                self.log.unlink()
                self.assert_error(world.returncode, out, said, 4 if word == "WRONGTYPE" else 3, word)

    def test_a_start_is_refused_with_one_line(self):
        faults = {
            "STINT_BOARD": ("CONFIG", "SET", "requirepass", "secret"),
            "noeviction": ("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"),
            "OOM": ("CONFIG", "SET", "maxmemory", 1),
            "NOPERM": ("ACL", "SETUSER", "default", "-evalsha"),
        }
        for word, command in faults.items():
            with self.subTest(word):
                self.own_server()
                self.assertEqual(self.server.command(*command), "OK")
                begun = time.monotonic()
                done = self.home.run(*self.words("-n", 2, "--board-timeout", 2), check=False)
                self.server.stop()
                self.assert_error(done.returncode, done.stdout, done.stderr, 3, word)
                self.assertLess(time.monotonic() - begun, 10)


class PausedAndKilled(Faults):
    def test_a_rank_that_was_stopped_past_its_lease_joins_anew(self):
        for rank in (0, 1):
            with self.subTest(rank=rank):
                world = self.start("--fresh", "--log", self.home.folder / "log")
                self.await_chunks(40)
                pid = self.pid_of_rank(rank)
                os.kill(pid, signal.SIGSTOP)
                eventually(30, "it is given up", lambda: self.status()["reaped"] == 1)
                os.kill(pid, signal.SIGCONT)
                # Its results count where nobody was faster; the rest was in hand.
                self.assert_result(world, again=60, reaped=1)
                self.assertIn("joining anew", (self.home.folder / f"log.{rank}").read_text())
                self.log.unlink()

    def test_everything_is_killed_twice(self):
        for count in (60, 120):
            world = self.start()
            self.await_chunks(count)
            self.home.kill_everything()
            world.wait()
        self.assert_result(self.start(), again=2 * 60, reaped=4)

    def test_a_run_outlives_the_guardian(self):
        world = self.start()
        self.await_chunks(60)
        os.kill(self.pid_of("serve", "--foreground"), signal.SIGKILL)
        self.assert_result(world)
        # It had ended with its guardian; the next one's is found by the next start, and ended like any other.
        self.assertEqual(self.home.run(*self.words()).stdout, self.expected)
        self.home.run("serve", "--stop")
        eventually(10, "the server has ended", lambda: self.pid_of("redis-server") is None)

    def test_a_run_outlives_guardian_and_server(self):
        world = self.start()
        self.await_chunks(60)
        guardian = self.pid_of("serve", "--foreground")
        os.kill(guardian, signal.SIGSTOP)  # or it starts the next server before its end
        os.kill(self.pid_of("redis-server"), signal.SIGKILL)
        os.kill(guardian, signal.SIGKILL)
        self.assert_result(world, again=2 * 30)

    def test_what_was_ended_by_its_user_is_not_started_by_a_run(self):
        world = self.start("--board-timeout", 2)
        self.await_chunks(60)
        self.home.run("serve", "--stop")
        out, said = world.communicate(timeout=30)
        self.assert_error(world.returncode, out, said, 3, "gave up waiting for the blackboard")
        self.assertIsNone(self.pid_of("redis-server"))
        self.assert_result(self.start(), again=2 * 30, reaped=2)


if __name__ == "__main__":
    unittest.main()

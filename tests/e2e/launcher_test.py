# SPDX-License-Identifier: Apache-2.0
"""`stint run -n` at its edges: signals at any moment, results that cannot be written, arguments of any kind and number."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

from stint_home import STINT, StintHome, command_line, eventually

LONG = ("synthetic", "--chunks", "2000", "--seconds", "0.05")


def ranks(home):
    return [pid for pid in home.pids() if command_line(pid).endswith(b"\0--launched-rank\0")
            and not command_line(pid).startswith(b"mpirun\0")]


def state_of(pid):
    return re.search(r"State:\s+(\S)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)


def mpiruns(home):
    return [pid for pid in home.pids() if command_line(pid).startswith(b"mpirun\0")]


class Signals(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(StintHome())
        self.home.environment["TMPDIR"] = str(self.home.folder)

    def start(self, run, *more, job=LONG):
        return subprocess.Popen([STINT, "run", "-n", "2", "--threads", "1", "--run-id", run, *more, *job],
                                env=self.home.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def at_work(self, run):
        def some_done():
            done = self.home.run("status", run, "--json", check=False)
            return done.returncode == 0 and len(ranks(self.home)) == 2 and '"running"' in done.stdout
        eventually(30, f"{run} is at work", some_done)

    def nothing_left(self):
        eventually(20, "mpirun and its ranks are gone", lambda: not ranks(self.home) and not mpiruns(self.home))

    def test_a_signal_drains_the_run_and_says_so(self):
        for sent, words in ((signal.SIGINT, "--grace); Ctrl-C again ends at once"), (signal.SIGTERM, "(--grace)\n"),
                            (signal.SIGHUP, "(--grace)\n"), (signal.SIGUSR1, "(--grace)\n")):
            with self.subTest(signal=sent.name):
                run = f"drained-{sent.name}"
                world = self.start(run)
                self.at_work(run)
                world.send_signal(sent)
                out, said = world.communicate(timeout=30)
                self.assertEqual((world.returncode, out), (75, ""), said)
                self.assertIn("stint: stopping; chunks at work have up to 20 s to end ", said)
                self.assertIn(words, said)
                self.assertIn(f"run {run} was interrupted; the same command continues", said)
                self.nothing_left()

    def test_a_second_interrupt_ends_at_once(self):
        world = self.start("twice", job=("synthetic", "--chunks", "8", "--seconds", "600"))
        self.at_work("twice")
        world.send_signal(signal.SIGINT)
        self.assertIn("stopping", world.stderr.readline())
        began = time.monotonic()
        world.send_signal(signal.SIGINT)
        _, said = world.communicate(timeout=30)
        self.assertEqual(world.returncode, 75, said)
        self.assertIn("ends at once; what was at work is computed again when the same command continues", said)
        self.assertLess(time.monotonic() - began, 15)
        self.nothing_left()

    def test_a_killed_launcher_takes_mpirun_and_its_ranks_along(self):
        begun = self.home.folder / "begun"
        world = self.start("killed", job=(*LONG, "--append", str(begun)))
        self.at_work("killed")
        world.kill()
        before = begun.read_text().count("\n")
        world.communicate(timeout=30)
        self.nothing_left()
        # Not a second later: what they finished meanwhile nobody would print.
        self.assertLessEqual(begun.read_text().count("\n") - before, 8)

    def test_a_killed_mpirun_takes_its_ranks_along_and_the_run_goes_on(self):
        world = self.start("no-mpirun", job=("synthetic", "--chunks", "60", "--seconds", "0.05"))
        self.at_work("no-mpirun")
        before = ranks(self.home)
        os.kill(mpiruns(self.home)[0], signal.SIGKILL)
        out, said = world.communicate(timeout=60)
        self.assertEqual(world.returncode, 0, said)
        self.assertIn("starting them again", said)
        self.assertTrue(out.startswith("chunks 60 "), out)
        self.assertFalse(set(before) & set(ranks(self.home)))

    def test_ranks_that_are_lost_before_the_plan_begin_anew_all_the_same(self):
        job = ("commands", f"echo {{}} >> {self.home.folder}/ran", ":::", "1", "2", "3")
        self.home.run("run", "-n", "2", *job)
        world = subprocess.Popen([STINT, "run", "-n", "2", "--fresh", *job], env=self.home.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        eventually(10, "mpirun is there", lambda: mpiruns(self.home))
        os.kill(mpiruns(self.home)[0], signal.SIGKILL)
        _, said = world.communicate(timeout=60)
        self.assertEqual(world.returncode, 0, said)
        self.assertIn("starting them again", said)
        self.assertGreaterEqual((self.home.folder / "ran").read_text().count("\n"), 6, said)

    def test_a_signal_in_the_first_milliseconds_counts(self):
        for milliseconds in (0, 2, 5, 10, 20, 40, 80, 160):
            with self.subTest(milliseconds=milliseconds):
                world = self.start(f"early-{milliseconds}")
                time.sleep(milliseconds / 1000)
                world.send_signal(signal.SIGINT)
                out, said = world.communicate(timeout=20)
                self.assertIn(world.returncode, (75, -signal.SIGINT), said)
                self.assertEqual(out, "")
                self.assertNotIn("lost", said)
                self.nothing_left()

    def test_a_stopped_launcher_stops_its_ranks(self):
        world = self.start("stopped")
        self.at_work("stopped")
        pids = [world.pid, *ranks(self.home)]  # the launcher stops last: a shell goes on with it only then

        def states():
            return {state_of(pid) for pid in pids}

        world.send_signal(signal.SIGTSTP)
        eventually(10, "all are stopped", lambda: states() == {"T"})
        world.send_signal(signal.SIGCONT)
        eventually(10, "all go on", lambda: "T" not in states())
        world.send_signal(signal.SIGTERM)
        _, said = world.communicate(timeout=40)
        self.assertEqual(world.returncode, 75, said)

    def test_a_stop_reaches_the_commands_too(self):
        for words in (("-n", "2", "--threads", "1"), ("--threads", "2")):
            with self.subTest(words=words):
                world = subprocess.Popen([STINT, "run", *words, "--fresh", "commands", "sleep 67.{}", ":::", "1", "2"],
                                         env=self.home.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE, text=True, start_new_session=True)

                def states():
                    pids = [pid for pid in self.home.pids() if command_line(pid).startswith(b"sleep\x0067.")]
                    return [state_of(pid) for pid in (world.pid, *pids)]

                eventually(20, "both commands run", lambda: len(states()) == 3)
                world.send_signal(signal.SIGTSTP)
                eventually(10, "all are stopped", lambda: states() == ["T"] * 3)
                world.send_signal(signal.SIGCONT)
                eventually(10, "all go on", lambda: "T" not in states())
                world.send_signal(signal.SIGINT)
                self.assertTrue(any("stopping" in line for line in iter(world.stderr.readline, "")))
                world.send_signal(signal.SIGINT)
                _, said = world.communicate(timeout=40)
                self.assertEqual(world.returncode, 75, said)


class Output(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = cls.enterClassContext(StintHome())

    def run_into(self, stdout, *words):
        return subprocess.run([STINT, "run", "-n", "2", *words], env=self.home.environment, stdin=subprocess.DEVNULL,
                              stdout=stdout, stderr=subprocess.PIPE, timeout=60, check=False)

    def commands(self, count=200):
        return ("commands", "printf", "'%010000d\\n'", "{}", ":::", *map(str, range(count)))

    def test_a_result_that_cannot_be_written_is_an_error(self):
        corpus = self.home.folder / "words"
        corpus.write_text("\n".join(f"word{i}" for i in range(300_000)))
        for job in (("wordcount", str(corpus)), self.commands(20)):
            with self.subTest(job=job[0]), open("/dev/full", "wb") as full:
                done = self.run_into(full, *job)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(b"No space left on device", done.stderr)

    def test_what_commands_say_and_nobody_can_write_is_an_error(self):
        for words in (("-n", "2"), ()):
            for redirection in ("2> /dev/full", "2>&-"):
                with self.subTest(words=words, redirection=redirection):
                    done = subprocess.run(["bash", "-c", f'"$@" {redirection}', "bash", STINT, "run", *words, "--fresh", "commands",
                                           "echo {} >&2", ":::", "word"], env=self.home.environment, stdin=subprocess.DEVNULL,
                                          capture_output=True, timeout=60, check=False)
                    self.assertEqual((done.returncode, done.stdout), (2, b""), done.stderr)

    def test_a_pipe_that_does_not_block_gets_all_of_it(self):
        expected = b"".join(b"%010000d\n" % i for i in range(200))
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        world = subprocess.Popen([STINT, "run", "-n", "2", *self.commands()], env=self.home.environment,
                                 stdin=subprocess.DEVNULL, stdout=write_end, stderr=subprocess.PIPE)
        os.close(write_end)
        time.sleep(0.5)  # the pipe is full long before
        with open(read_end, "rb") as pipe:
            self.assertEqual(pipe.read(), expected)
        self.assertEqual(world.wait(timeout=30), 0, world.stderr.read())
        world.stderr.close()

    def test_the_last_line_stands_behind_the_result(self):
        # mpirun passes stdout and stderr on by two ways; fresh and stored, from a job that follows and one that does not.
        corpus = self.home.folder / "corpus"
        corpus.write_text("\n".join(f"word{i}" for i in range(20_000)))
        for job in (("wordcount", "--top", "20000", str(corpus)), self.commands(40)) * 2:
            with self.subTest(job=job[0]):
                done = subprocess.run([STINT, "run", "-n", "2", *job], env=self.home.environment, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=True)
                self.assertTrue(done.stdout.splitlines()[-1].startswith(b"stint: run "), done.stdout[-300:])
                self.assertEqual(done.stdout.count(b"stint: "), 1)

    def test_a_reader_that_leaves_ends_it_quietly(self):
        done = subprocess.run(["bash", "-c", '"$@" | head -n 1; echo "${PIPESTATUS[0]}"', "bash", STINT, "run", "-n", "2", "-q",
                               *self.commands()], env=self.home.environment, capture_output=True, timeout=60, check=False)
        first, code = done.stdout.split(b"\n")[:2]
        self.assertEqual((len(first), code, done.stderr), (10000, b"141", b""))


class Arguments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = cls.enterClassContext(StintHome())

    def test_thousands_of_values(self):
        values = [f"value-{i}-{'x' * 100}" for i in range(4000)]
        done = self.home.run("run", "-n", "2", "commands", "true", "{}", ":::", *values)
        self.assertIn("4,000 commands", done.stderr)

    def test_a_lone_colon_is_a_value(self):
        done = self.home.run("run", "-n", "2", "commands", "echo", "{}", ":::", "a", ":", "touch", "b c", "é", "")
        self.assertEqual(done.stdout, "a\n:\ntouch\nb c\né\n\n")

    def test_the_command_line_wins_over_a_variable(self):
        for verb, option in ((("run",), "OUTPUT"), (("rerun", "failed", "-n", 1), "OUTPUT"), (("ls",), "BOARD_FILE"), (("serve",), "INTERFACE")):
            with self.subTest(verb):
                self.home.run("run", "--fresh", "--run-id", "failed", "synthetic", "--chunks", 2, "--fail-chunks", 1, "--retries", 0,
                              check=False)
                wrong, right = self.home.folder / "variable", self.home.folder / "option"
                self.home.environment[f"STINT_{option}"] = str(wrong)
                if option == "OUTPUT":
                    job = ("synthetic", "--chunks", 1) if verb == ("run",) else ()
                    done = self.home.run(*verb, "--output", right, *job, check=False)
                    self.assertTrue(right.exists(), done.stderr)
                    self.assertFalse(wrong.exists())
                    right.unlink()
                else:
                    done = self.home.run(*verb, f"--{option.lower().replace('_', '-')}", right, check=False)
                    self.assertIn(str(right), done.stderr)
                    self.assertNotIn(str(wrong), done.stderr)
                del self.home.environment[f"STINT_{option}"]

    def test_options_of_the_launcher_need_it(self):
        hosts = self.home.folder / "hosts"
        hosts.write_text("localhost slots=2\n")
        for words in (("--hostfile", "/nowhere/hosts"), ("--hostfile", hosts), ("--mpirun", "--tag-output"), ("--restarts", 5)):
            for verb in (("run", *words, "synthetic"), ("rerun", "last", *words)):
                done = self.home.run(*verb, check=False)
                self.assertEqual((done.returncode, done.stdout, done.stderr),
                                 (2, "", f"stint: {words[0]} is for the ranks that -n starts; add -n N, or leave it away\n"))
        self.home.environment["STINT_HOSTFILE"] = "/nowhere/hosts"
        self.addCleanup(self.home.environment.pop, "STINT_HOSTFILE")
        self.home.run("run", "synthetic", "--chunks", 1)
        done = self.home.run("run", "-n", 1, "--hostfile", self.home.folder, "synthetic", "--chunks", 1, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("Is a directory", done.stderr)

    def test_a_hostfile_that_is_not_there(self):
        done = self.home.run("run", "-n", "2", "--hostfile", "/nowhere/hosts", "synthetic", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, "stint: cannot read --hostfile /nowhere/hosts: No such file or directory; it holds a line "
                                      "'name slots=N' for each host\n")

    def test_a_mpirun_that_refuses(self):
        done = self.home.run("run", "-n", "2", "--mpirun=--no-such-option", "synthetic", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("to see why: mpirun --enable-recovery", done.stderr)

    def test_nothing_is_left_in_the_temporary_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = dict(self.home.environment, TMPDIR=folder)
            subprocess.run([STINT, "run", "-n", "2", "synthetic", "--chunks", "3"], env=environment, check=True, timeout=60,
                           capture_output=True, stdin=subprocess.DEVNULL)
            self.assertEqual([name for name in os.listdir(folder) if name.startswith("stint")], [])


if __name__ == "__main__":
    unittest.main()

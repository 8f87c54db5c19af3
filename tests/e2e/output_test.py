# SPDX-License-Identifier: Apache-2.0
"""What Stint writes is whole, or the exit code says so: closed descriptors, full devices, pipes that do not block or whose
reader goes, links and devices named as output files."""

import fcntl
import os
import pathlib
import shlex
import signal
import stat
import subprocess
import unittest

from stint_home import STINT, StintHome, eventually


class Output(unittest.TestCase):
    def setUp(self):
        self.home = StintHome().__enter__()
        self.addCleanup(self.home.__exit__, None, None, None)
        self.box = self.home.folder / "box"
        self.box.mkdir()

    def shell(self, line):
        """Runs a line of the shell, with $S for stint and the box as its folder."""
        return subprocess.run(["bash", "-c", line], env=dict(self.home.environment, S=STINT), cwd=self.box,
                              capture_output=True, text=True, timeout=60, check=False)

    def test_closed_descriptors_are_no_way_to_the_blackboard(self):
        self.home.run("run", "--run-id", "kept", "commands", "echo", ":::", "kept")
        for redirection, words, code in [
            (">&-", "run commands echo ::: FLUSHALL", 2),
            (">&-", "run -n 2 commands echo ::: FLUSHALL FLUSHDB", 2),
            ("2>&-", "run -q commands 'echo FLUSHALL >&2' ::: 1", 2),
            ("<&-", "run -q commands echo ::: a", 0),
            (">&- 2>&- <&-", "run commands echo ::: FLUSHALL FLUSHDB FLUSHALL", 2),
        ]:
            with self.subTest(words, redirection=redirection):
                done = self.shell(f"$S {words} {redirection}")
                self.assertEqual(done.returncode, code, done.stderr)
                if redirection == ">&-":
                    self.assertRegex(done.stderr, "(?m)^stint: stdout is closed; .*the same command with --output FILE writes it there$")
        self.assertEqual(self.home.run("result", "kept").stdout, "kept\n")
        self.assertGreaterEqual(len(self.home.run("ls").stdout.splitlines()), 5, "every run is still there")

    def test_what_a_verb_cannot_write_is_an_error(self):
        self.home.run("run", "commands", "echo", ":::", "kept")
        for words in ("ls", "ls --json", "status last", "explain last", "result last", "run commands echo ::: kept", "serve",
                      "run --dry-run commands echo ::: kept", "--help", "run --help", "--version", "new project"):
            for target in ("/dev/full", "&-"):
                with self.subTest(words, target=target):
                    done = self.shell(f"$S {words} >{target}; code=$?; rm -rf project; exit $code")
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertRegex(done.stderr.splitlines()[-1], "^stint: (cannot write to stdout: No space left|stdout is closed)")

    def test_a_log_is_written_through_or_refused_before_the_run(self):
        for ranks in ("", "-n 2"):
            for log, says in (("nodir/x", "No such file or directory"), ("/proc/x", "No such file or directory"),
                              ("/dev/fd/9", "No such file" if not ranks else "do not have this descriptor")):
                with self.subTest(log, ranks=ranks):
                    done = self.shell(f"$S run {ranks} --fresh --log {log} pi --points 100")
                    self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
                    self.assertRegex(done.stderr, f"^stint: cannot write the log {log}.*{says}.*; give another --log")
            done = self.shell(f"$S run {ranks} --fresh --log /dev/stderr pi --points 100")
            self.assertIn("[info] run pi-", done.stderr)
            done = self.shell(f"$S run {ranks} -q --fresh --log /dev/full pi --points 100")
            self.assertEqual((done.returncode, done.stderr.count("\n")), (0, 1), done.stderr)
            self.assertIn("cannot write the log /dev/full: ", done.stderr)
            done = self.shell(f"mkfifo pipe; cat pipe >copy & $S run {ranks} --fresh --log pipe pi --points 100; wait; rm pipe; cat copy")
            self.assertRegex(done.stdout, r"^3\..*\n\[.*\[info\] run pi-")
        self.assertEqual(sorted(path.name for path in self.box.iterdir()), ["copy"])
        self.assertEqual([str(path) for path in pathlib.Path("/dev").glob("std*.?")], [])

    def test_what_a_full_disk_took_is_written_by_the_same_command(self):
        slow = "commands 'echo {}; test {} = 1 || sleep 0.3' ::: 1 2 3 4"
        for ranks in ("", "-n 2"):
            for words in ("commands echo {} ::: 1 2 3 4", "commands seq {} ::: 4", slow):
                with self.subTest(words, ranks=ranks):
                    run = f"$S run -q {ranks} --threads 1 --run-id full{len(words)}{ranks[3:]} {words}"
                    full = self.shell(run + " >/dev/full")
                    self.assertEqual(full.returncode, 2)
                    self.assertRegex(full.stderr, "^stint: cannot write to stdout: No space left on device; what is computed stays: .*\n$")
                    self.assertNotIn("failed", self.home.run("ls").stdout.replace("FAILED", ""))
                    again = self.shell(run.replace("run -q", "run -q --output file") + "; cat file")
                    self.assertEqual((again.returncode, again.stdout), (0, "1\n2\n3\n4\n"), again.stderr)

    def test_waits_for_a_pipe_that_does_not_block(self):
        for words in ("run -q --fresh commands seq ::: 200000", "run -n 2 -q --fresh commands seq ::: 200000", "result last"):
            with self.subTest(words):
                reader, writer = os.pipe()
                fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
                with subprocess.Popen([STINT, *words.split()], env=self.home.environment, stdin=subprocess.DEVNULL,
                                      stdout=writer) as process:
                    os.close(writer)
                    with open(reader, "rb") as pipe:
                        self.assertEqual(pipe.read(), "".join(f"{i}\n" for i in range(1, 200001)).encode())
                    self.assertEqual(process.wait(60), 0)

    def test_both_outputs_of_commands_keep_their_order_in_one_file(self):
        """As with `parallel -k … 2>&1`: each command's standard error behind its standard output."""
        values = range(1, 301)
        whole = "".join(f"out {i}\nerr {i}\n" for i in values)
        for words in ("run -q", "run -q -n 2"):
            with self.subTest(words):
                command = "commands 'echo out {}; echo err {} >&2' ::: $(seq 300)"
                self.assertEqual(self.shell(f"$S {words} --fresh {command} 2>&1").stdout, whole)
                self.assertEqual(self.shell(f"$S {words} --fresh {command} >both 2>&1; cat both").stdout, whole)
                apart = self.shell(f"$S {words} --fresh {command}")
                self.assertEqual(apart.stdout, "".join(f"out {i}\n" for i in values))
                self.assertEqual(apart.stderr, "".join(f"err {i}\n" for i in values))
        self.assertEqual(self.shell("$S result last 2>&1").stdout, whole)

    def test_a_reader_that_is_gone_ends_it_quietly(self):
        self.home.run("run", "--run-id", "long", "commands", "seq", ":::", 300000)
        for words in ("result long", "run commands seq ::: 300001", "run --help", "ls"):
            with self.subTest(words):
                done = self.shell(f"$S {words} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}")
                self.assertEqual(done.stderr, "")
                self.assertIn(done.stdout.strip(), ("141", "0") if words in ("ls", "run --help") else ("141",))
        # A run that was computed before stays complete.
        done = self.shell("$S run --run-id sum commands seq ::: 300000 300001 | head -1; echo ${PIPESTATUS[0]}")
        self.assertEqual(done.stdout.splitlines()[0], "1")

    def test_a_reader_that_is_gone_stops_a_run_whose_results_come_as_they_end(self):
        done = self.shell("$S run --run-id early --threads 1 commands 'seq 20000 | sed s/^/{}:/; test {} = 1 || sleep 0.2' "
                          "::: {1..40} | head -1; echo ${PIPESTATUS[0]}")
        self.assertEqual(done.stdout, "1:1\n141\n")
        self.assertEqual(done.stderr, "")
        status = self.home.status("early")
        self.assertLess(status["chunks"]["done"], 40)
        self.assertGreater(status["chunks"]["done"], 0, "what is done stays")

    def test_links_stay_and_what_they_lead_to_is_replaced(self):
        target, link, dangling = (self.box / name for name in ("target", "link", "dangling"))
        target.write_text("old")
        target.chmod(0o640)
        link.symlink_to("target")
        dangling.symlink_to("made")
        self.home.run("run", "-q", "--output", link, "--summary", dangling, "commands", "echo", ":::", "new")
        self.assertTrue(link.is_symlink() and dangling.is_symlink())
        self.assertEqual(target.read_text(), "new\n")
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o640)
        self.assertIn('"done":1', (self.box / "made").read_text())
        self.home.run("result", "last", "--output", link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(sorted(os.listdir(self.box)), ["dangling", "link", "made", "target"], "and nothing else is left")

    def test_equal_bytes_leave_a_file_alone(self):
        file = self.box / "result"
        for words in (["run", "-q", "--output", file, "commands", "echo", ":::", "same"], ["result", "last", "--output", file]):
            self.home.run(*words)
            os.utime(file, (1, 1))
            self.home.run(*words)
            self.assertEqual(file.stat().st_mtime, 1, words)

    def test_a_pipe_without_a_reader_is_waited_for_with_a_word(self):
        pipe = self.box / "pipe"
        os.mkfifo(pipe)
        for option in ("--output", "--summary", "--joblog", "--failed"):
            with self.subTest(option), subprocess.Popen(
                    [STINT, "run", "-q", "--fresh", "commands", option, pipe, "echo", ":::", "a"], env=self.home.environment,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                self.assertEqual(process.stderr.readline(), f"stint: waiting up to 10 s for a reader of the pipe {pipe}\n")
                with open(pipe, encoding="utf-8") as reader:
                    text = reader.read()
                self.assertEqual((process.wait(60), process.stderr.read()), (0, ""))
                self.assertEqual(text != "", option != "--failed")

        done = self.shell("$S run -q --output pipe commands echo ::: a")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.splitlines()[1:],
                         ["stint: cannot write the result to pipe: nobody reads this pipe; start its reader first"])

    def test_devices_pipes_and_descriptors_are_written_through(self):
        standard = self.box / "standard"  # as /dev/stdout
        standard.symlink_to("/proc/self/fd/1")
        pipe = self.box / "pipe"
        os.mkfifo(pipe)
        for words, expected in [
            ("$S run -q --output standard commands echo ::: a", "a\n"),
            ("$S run -q --output standard commands echo ::: a > file; cat file", "a\n"),
            ("$S run -q --output /dev/null commands echo ::: b", ""),
            ("$S run -q --output /dev/fd/5 commands echo ::: c 5>&1", "c\n"),
            ("timeout 20 cat pipe & $S run -q --output pipe commands echo ::: d; wait", "d\n"),
            ("$S run -q --output >(cat) commands echo ::: e | cat", "e\n"),
            ("timeout 20 cat pipe & $S run -q commands --joblog pipe echo ::: f >/dev/null; wait", None),
        ]:
            with self.subTest(words):
                done = self.shell(words)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                if expected is not None:
                    self.assertEqual(done.stdout, expected)
        self.assertTrue(standard.is_symlink() and stat.S_ISFIFO(pipe.stat().st_mode))
        full = self.shell("$S run -q --output /dev/full commands echo ::: g")
        self.assertEqual(full.returncode, 2)
        self.assertRegex(full.stderr, "^stint: cannot write the result to /dev/full: No space left on device.*\n$")
        # A descriptor that is none of the user's may be the socket of the blackboard.
        for number in (3, 4, 5, 6, 7, 8):
            done = self.shell(f"$S run -q --output /dev/fd/{number} commands echo ::: FLUSHALL")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(f"there is no descriptor {number}", done.stderr)

    def test_paths_are_tried_before_the_first_command(self):
        (self.box / "list").write_text("touch begun\n")
        (self.box / "file").write_text("")
        (self.box / "names").write_text("list\n")
        for words, line in [
            ("--output none/x commands list", "cannot write the result to none/x: No such file"),
            ("--summary none/x commands list", "cannot write the summary to none/x: No such file"),
            ("--summary . commands list", "cannot write the summary to .: it is a folder"),
            ("--output file --summary file commands list", "--output and --summary are the same file"),
            ("--output list commands list", "would be written over what this run reads"),
            ("--log list commands list", "would be written over what this run reads"),
            ("commands --joblog none/x list", "cannot write none/x"),
            ("commands --results file list", "cannot make file"),
            ("commands --failed list list", "--failed list would be written over what this run reads"),
            ("commands --joblog ./list list", "--joblog ./list would be written over what this run reads"),
            ("commands --joblog x --failed x list", "--joblog and --failed are the same file"),
            ("--output x commands --joblog ./x list", "--output and --joblog are the same file"),
            ("commands --joblog list - < list", "--joblog list would be written over what this run reads from standard input"),
            ("-n 2 commands --failed list echo {} < list", "would be written over what this run reads from standard input"),
            ("commands --failed list echo {} :::: list", "would be written over what this run reads"),
            ("--output file wordcount .", "--output file would be written over what this run reads"),
            ("--output list wordcount --files-from names", "--output list would be written over what this run reads"),
            ("commands --joblog /dev/stdout echo ::: a >> file", "is a regular file that is open already"),
        ]:
            with self.subTest(words):
                done = self.shell(f"$S run {words}")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(line, done.stderr)
                self.assertFalse((self.box / "begun").exists())
                self.assertEqual((self.box / "list").read_text(), "touch begun\n")

    def test_part_of_a_result_is_shown_on_demand_and_never_with_0(self):
        with self.home.start("run", "--run-id", "part", "--threads", 2, "commands", f"test {{}} = 1 || sleep 30; echo {{}}", ":::", 1,
                             2) as process:
            eventually(20, "the first has ended",
                       lambda: self.home.run("result", "part", "--partial", check=False).stdout == "1\n")
            refused = self.home.run("result", "part", check=False)
            self.assertEqual((refused.returncode, refused.stdout), (75, ""))
            self.assertRegex(refused.stderr, "^stint: run part has not ended: the run is running, 1 of 2 commands are done; --partial.*\n$")
            self.assertEqual(self.home.run("result", "part", "--partial", check=False).returncode, 75)
            os.killpg(process.pid, signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()

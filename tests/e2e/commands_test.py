# SPDX-License-Identifier: Apache-2.0
"""`stint run commands` as somebody uses it who comes from GNU parallel: lists, values, outputs in order, failures, job log,
time limits, what is killed and goes on, and what is hard on a runner of commands."""

import collections
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from stint_home import STINT, StintHome, command_line, eventually


class Commands(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(StintHome())
        self.folder = self.home.folder / "work"
        self.folder.mkdir()

    def list(self, *lines, name="list"):
        file = self.folder / name
        file.write_bytes(b"".join(line if isinstance(line, bytes) else line.encode() for line in
                                  (part + (b"\n" if isinstance(part, bytes) else "\n") for part in lines)))
        return file

    def stint(self, *words, before=(), check=True, **options):
        done = subprocess.run([STINT, "run", *map(str, before), "commands", *map(str, words)], cwd=self.folder,
                              env=self.home.environment, capture_output=True, timeout=120,
                              **{"stdin": subprocess.DEVNULL, "text": True, **options}, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def start(self, *words, before=()):
        world = subprocess.Popen([STINT, "run", *map(str, before), "commands", *map(str, words)], cwd=self.folder,
                                 env=self.home.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.addCleanup(self.end, world)
        return world

    @staticmethod
    def end(world):
        if world.poll() is None:
            os.killpg(world.pid, signal.SIGKILL)
        world.communicate(timeout=30)

    def joblog(self, name="joblog"):
        lines = (self.folder / name).read_text(errors="surrogateescape").splitlines()
        self.assertEqual(lines[0], "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand")
        return {int(line.split("\t")[0]): line.split("\t", 8) for line in lines[1:]}


class Halting(Commands):
    def test_failures_for_which_it_halts_are_said_also_with_q(self):
        for ranks in ((), ("-n", 2)):
            halted = self.stint("exit {}", ":::", 3, before=(*ranks, "-q", "--fresh", "--halt", "now,fail=1"), check=False)
            self.assertEqual((halted.returncode, halted.stdout), (1, ""), halted.stderr)
            self.assertRegex(halted.stderr, r"^stint: command 1 failed: exit 3 .*\nstint: ")

    def test_soon_lets_what_runs_end_and_the_same_command_goes_on(self):
        self.list("touch a; exit 3", "sleep 1; touch b; echo two", *(f"sleep 0.05; touch c{i}" for i in range(40)))
        halted = self.stint("list", before=("--threads", 2, "--halt", "soon,fail=1"), check=False)
        self.assertEqual((halted.returncode, halted.stdout), (1, "two\n"), halted.stderr)
        self.assertRegex(halted.stderr, r"\nstint: command 1 failed: exit 3 after .*\nstint: run \S+ halted as --halt says: ")
        self.assertTrue((self.folder / "b").exists())
        self.assertLess(len(list(self.folder.glob("c*"))), 10)
        self.assertEqual(self.home.status()["state"], "halted")
        again = self.stint("list", check=False)
        self.assertEqual((again.returncode, again.stdout), (1, "two\n"), again.stderr)
        self.assertEqual(len(list(self.folder.glob("c*"))), 40)

    def test_now_ends_what_runs_on_all_ranks(self):
        self.list("sleep 61 & echo $$ >pid; trap '' TERM; wait", "sleep 0.3; echo two", "sleep 0.6; false", "sleep 62",
                  "sleep 63")
        begun = time.monotonic()
        halted = self.stint("list", before=("-n", 2, "--threads", 2, "--lease", 2, "--halt", "now,fail=1"), check=False)
        self.assertEqual((halted.returncode, halted.stdout), (1, "two\n"), halted.stderr)
        self.assertLess(time.monotonic() - begun, 15)
        self.assertIn("1 of 5 commands are done, 1 failed", halted.stderr)
        self.assertFalse(pathlib.Path("/proc", (self.folder / "pid").read_text().strip()).exists())

    def test_success_and_percentages_count(self):
        first = self.stint("sleep {}; echo {}", ":::", "60", "0.1", "59", before=("--threads", 3, "--halt", "now,success=1"))
        self.assertEqual(first.stdout, "0.1\n")
        half = self.stint("sleep 0.05; echo {}", ":::", *range(10), before=("--threads", 1, "--halt", "soon,done=50%"))
        self.assertIn(len(half.stdout.split()), (5, 6, 7))
        some = self.stint("[ {} -gt 5 ]", ":::", *range(10), before=("--threads", 1, "--halt", "2", "--exit-count"),
                          check=False)
        self.assertEqual(some.returncode, 1, some.stderr)


class Looking(Commands):
    def look(self):
        """The status of the run `look`; what it will have, before it is there."""
        status = self.home.run("status", "look", "--json", check=False)
        return json.loads(status.stdout) if status.returncode == 0 else {"at_work": [], "slowest": [], "chunks": {"done": 0}}

    def test_status_tells_what_runs_what_took_long_and_what_failed(self):
        self.list("sleep 60", "sleep 0.4", "exit 7")
        self.start("list", before=("-n", 2, "--threads", 2, "--lease", 1, "--run-id", "look"))
        self.addCleanup(self.home.kill_everything)
        eventually(30, "it is seen at work", lambda: [each["text"] for each in self.look()["at_work"]] == ["sleep 60"]
                   and len(self.look()["slowest"]) == 1)
        status = self.look()
        at_work = status["at_work"][0]
        self.assertEqual(pathlib.Path("/proc", at_work["what"].removeprefix("pid "), "cmdline").read_bytes(), b"sleep\x0060\x00")
        self.assertEqual([(each["chunk"], each["text"]) for each in status["slowest"]], [(1, "sleep 0.4")])
        text = self.home.run("status", "look").stdout
        self.assertRegex(text, r"at work  command 1 on \S+, pid \d+, for \d.*: sleep 60\n")
        self.assertRegex(text, r"slow     command 2, \d+\.\d+ s: sleep 0\.4\n")
        self.assertRegex(text, r"failed   command 3 on \S+, 1 attempt: exit code 7: exit 7\n")

    def test_outputs_of_a_run_that_goes_on_can_be_looked_at(self):
        self.list("sleep 60", "echo one", "echo two >&2; false", "echo three")
        self.start("list", before=("--threads", 2, "--run-id", "look"))
        self.addCleanup(self.home.kill_everything)
        eventually(30, "all but one have ended", lambda: self.look()["chunks"]["done"] == 2)
        self.assertEqual(self.home.run("result", "look", "--chunk", 2).stdout, "one\n")
        self.assertEqual(self.home.run("result", "look", "--chunk", 3, "--stderr").stdout, "two\n")
        for options, shown in (((), ""), (("--partial",), "one\nthree\n")):
            part = self.home.run("result", "look", *options, check=False)
            self.assertEqual((part.returncode, part.stdout), (75, shown))
            self.assertIn("run look has not ended: the run is running, 2 of 4 commands are done", part.stderr)
        early = self.home.run("result", "look", "--chunk", 1, check=False)
        self.assertEqual((early.returncode, early.stdout), (75, ""))
        self.assertIn("command 1 of run look has not ended: ", early.stderr)


class Lists(Commands):
    def test_outputs_come_in_the_order_of_the_list_whatever_ends_first(self):
        self.list("# a comment", "sleep 0.5; echo one", "", "echo two", "  # another", "sleep 0.2; echo three")
        for before in ((), ("-n", 2), ("--threads", 3), ("-n", 2, "--threads", 2)):
            with self.subTest(before=before):
                self.assertEqual(self.stint("list", before=("--fresh", *before)).stdout, "one\ntwo\nthree\n")

    def test_unordered_shows_what_ends_first(self):
        self.list("sleep 1; echo slow", "echo quick")
        self.assertEqual(self.stint("--unordered", "list", before=("--threads", 2)).stdout, "quick\nslow\n")

    def test_output_is_seen_before_the_run_ends(self):
        self.list("echo first", "sleep 20")
        world = self.start("list", before=("--threads", 2))
        begun = time.monotonic()
        self.assertEqual(world.stdout.readline(), "first\n")
        self.assertLess(time.monotonic() - begun, 10)

    def test_standard_error_stays_standard_error(self):
        self.list("echo out; echo err >&2")
        done = self.stint("list", before=("-q",))
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))

    def test_values_and_tags(self):
        self.assertEqual(self.stint("--tag", "echo", "{1/.}-{2}", ":::", "/a/b.c", "d", ":::", "x y").stdout,
                         "/a/b.c x y\tb-x y\nd x y\td-x y\n")
        (self.folder / "values").write_text("p\nq\n")
        self.assertEqual(self.stint("--each", "values", "--", "printf", "%s.", "{}", "{#}").stdout, "p.1.q.2.")
        self.assertEqual(self.stint("echo", "::::", "values").stdout, "p\nq\n")

    def test_standard_input_is_a_list(self):
        for before in ((), ("-n", 2)):
            done = self.stint("-", before=before, stdin=None, input="echo a\necho b\n")
            self.assertEqual(done.stdout, "a\nb\n")

    def test_a_list_from_standard_input_need_not_be_given_again(self):
        lines = "".join(f"sleep 0.02; echo {i} | tee -a ran\n" for i in range(20))
        self.stint("-", before=("--run-id", "kept", "--threads", 1, "--halt", "soon,done=5"), input=lines, stdin=None)
        self.assertLess(len((self.folder / "ran").read_text().split()), 20)
        on = self.stint("-", before=("--run-id", "kept", "--threads", 1, "--halt", "soon,success=15"))
        self.assertIn("run kept goes on: ", on.stderr)
        self.assertEqual((self.folder / "ran").read_text().split(), [str(i) for i in range(20)])

    def test_a_slot_is_one_of_those_that_run_at_once(self):
        shown = self.stint("sleep 0.1; echo {%} $STINT_SLOT", ":::", *range(8), before=("--threads", 2))
        self.assertLessEqual(set(shown.stdout.splitlines()), {"1 1", "2 2"})
        shown = self.stint("echo '{%}' {}", ":::", "{%}", before=("-n", 2, "--threads", 1))
        self.assertIn(shown.stdout, ("1 {%}\n", "2 {%}\n"))

    def test_a_dry_run_prints_and_begins_nothing(self):
        done = self.stint("touch", "{}", ":::", "made", "it's", before=("--dry-run",))
        self.assertEqual(done.stdout, "touch made\ntouch 'it'\"'\"'s'\n" if "'it'\"'\"'s'" in done.stdout else done.stdout)
        self.assertFalse((self.folder / "made").exists())

    def test_empty_lists_end_well(self):
        self.list("# nothing")
        self.assertEqual(self.stint("list").stdout, "")

    def test_the_environment_of_a_command(self):
        (self.folder / "more").write_text("# settings\nOWN=a b=c\n")
        (self.folder / "elsewhere").mkdir()
        self.list('echo "$OWN|$STINT_CHUNK|$STINT_ATTEMPT|${PWD##*/}|$STINT_RUN"; env | grep -c "^OMPI_COMM\\|^PMIX_\\|^STINT_EXIT"')
        done = self.stint("--env-from", "more", "--workdir", "elsewhere", "list", before=("-n", 2, "--run-id", "named"), check=False)
        self.assertEqual(done.stdout, "a b=c|0|1|elsewhere|named\n0\n")

    def test_a_command_may_itself_be_an_mpi_program(self):
        self.list(f"mpirun --oversubscribe -n 2 {STINT} --version | wc -l")
        done = self.stint("list", before=("-n", 2))
        self.assertGreaterEqual(int(done.stdout), 1)

    def test_results_lie_in_a_tree(self):
        self.stint("--results", "tree", "echo {1} {2} >&2; echo {1}", ":::", "a", "x/y", ":::", "B")
        self.assertEqual((self.folder / "tree/1/a/2/B/stdout").read_text(), "a\n")
        self.assertEqual((self.folder / "tree/1/x\\_y/2/B/stderr").read_text(), "x/y B\n")

    def test_the_longest_begin_first_when_their_times_are_known(self):
        self.list("sleep 0.01; echo short", "sleep 0.3; echo long", "sleep 0.1; echo middle")
        self.stint("--joblog", "joblog", "list")
        done = self.stint("--expect", "joblog", "--joblog", "second", "list", before=("--threads", 1))
        self.assertEqual(done.stdout, "short\nlong\nmiddle\n")
        starts = {number: float(fields[2]) for number, fields in self.joblog("second").items()}
        self.assertEqual(sorted(starts, key=starts.get), [2, 3, 1])


class Failures(Commands):
    def test_what_fails_is_told_kept_and_can_be_given_again(self):
        self.list("echo fine", "exit 3", "kill -9 $$", "no-such-program", "echo after; false")
        done = self.stint("--joblog", "joblog", "--failed", "failed", "list", check=False)
        self.assertEqual((done.returncode, done.stdout), (1, "fine\nafter\n"))
        self.assertIn("4 of 5 commands failed", done.stderr)
        ends = {number: (fields[6], fields[7]) for number, fields in self.joblog().items()}
        self.assertEqual(ends, {1: ("0", "0"), 2: ("3", "0"), 3: ("0", "9"), 4: ("127", "0"), 5: ("1", "0")})
        self.assertEqual((self.folder / "failed").read_text().splitlines().sort(),
                         ["exit 3", "kill -9 $$", "no-such-program", "echo after; false"].sort())
        self.assertEqual(self.stint("failed", before=("--exit-count",), check=False).returncode, 4)
        # Nothing runs again, and the same is shown.
        again = self.stint("list", check=False)
        self.assertEqual((again.returncode, again.stdout), (1, "fine\nafter\n"))

    def test_what_failed_gets_another_life(self):
        self.list("echo one", "test -e mended && echo two", "echo three")
        self.assertEqual(self.stint("list", before=("--run-id", "life"), check=False).stdout, "one\nthree\n")
        (self.folder / "mended").touch()
        done = subprocess.run([STINT, "rerun", "life", "-n", "1"], cwd=self.folder, env=self.home.environment, capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "one\ntwo\nthree\n"), done.stderr)

    def test_what_timed_out_gets_more_time(self):
        self.list("echo one", "sleep 1.5; echo two")
        self.assertEqual(self.stint("--timeout", 0.5, "list", before=("--run-id", "slow"), check=False).returncode, 1)

        def rerun(*words):
            return subprocess.run([STINT, "rerun", "slow", *words], cwd=self.folder, env=self.home.environment,
                                  capture_output=True, text=True, timeout=60, check=False)

        here = rerun("--failed", "--timeout", "30")
        self.assertEqual(here.returncode, 2)
        self.assertIn("give -n N, too", here.stderr)
        other = rerun("-n", "1", "--shuf")
        self.assertEqual(other.returncode, 2)
        self.assertIn("takes the options of commands that are not part of what is computed", other.stderr)
        done = rerun("--failed", "-n", "2", "--timeout", "30", "--tag")
        self.assertEqual((done.returncode, done.stdout), (0, "echo one\tone\nsleep 1.5; echo two\ttwo\n"), done.stderr)

    def test_retries(self):
        self.list("echo $STINT_ATTEMPT >> tries; test $STINT_ATTEMPT = 3")
        self.stint("list", before=("--retries", 2))
        self.assertEqual((self.folder / "tries").read_text(), "1\n2\n3\n")

    def test_a_command_over_its_time_is_ended_with_all_that_it_started(self):
        self.list("sleep 71 & sleep 72", "echo other")
        done = self.stint("--timeout", 0.5, "--joblog", "joblog", "list", check=False)
        self.assertEqual((done.returncode, done.stdout), (1, "other\n"))
        self.assertEqual(self.joblog()[1][6], "-1")
        eventually(10, "both are gone", lambda: not [pid for pid in self.home.pids() if b"sleep\x007" in
                                                    command_line(pid)])

    def test_one_output_can_be_looked_at(self):
        self.list("echo out0", "echo out1; echo err1 >&2; false")
        self.stint("list", check=False)
        self.assertEqual(self.home.run("result", "last", "--chunk", 2, check=False).stdout, "out1\n")
        self.assertEqual(self.home.run("result", "last", "--chunk", 2, "--stderr", check=False).stdout, "err1\n")

    def test_an_output_whose_bytes_have_changed_is_not_believed(self):
        self.list("echo out1", "echo out2; echo err2 >&2", "echo out3")
        for options in ((), ("-n", 2)):
            run = f"kept{len(options)}"
            before = (*options, "--run-id", run)
            self.stint("list", before=before)
            log = next(file for file in (self.home.folder / "home/runs" / run).glob("*.out") if b"out2" in file.read_bytes())
            log.write_bytes(log.read_bytes().replace(b"out2", b"ouu2"))
            again = self.stint("list", before=before, check=False)
            looked_at = self.home.run("result", run, check=False)
            one = self.home.run("result", run, "--chunk", 2, check=False)
            for done, out in ((again, "out1\nout3\n"), (looked_at, "out1\nout3\n"), (one, "")):
                self.assertEqual((done.returncode, done.stdout), (4, out), done.stderr)
                self.assertIn("command 2 ", done.stderr)
                self.assertIn("--fresh", done.stderr)
            self.assertEqual(self.home.run("result", run, "--chunk", 3).stdout, "out3\n")
            self.assertEqual(self.stint("list", before=(*before, "--fresh")).stdout, "out1\nout2\nout3\n")


class Lost(Commands):
    def test_everything_is_killed_and_nothing_is_lost(self):
        count = 600
        self.list(*(f"echo {i} >> ran; sleep 0.005; echo {i}" for i in range(count)))
        world = self.start("--joblog", "joblog", "list", before=("-n", 2, "--threads", 1, "--run-id", "big"))
        ran = self.folder / "ran"
        eventually(60, "half have run", lambda: ran.exists() and len(ran.read_text().splitlines()) > count // 2)
        self.home.kill_everything()
        world.wait()
        done = self.stint("--joblog", "joblog", "list", before=("-n", 2, "--threads", 1, "--run-id", "big"))
        self.assertEqual(done.stdout, "".join(f"{i}\n" for i in range(count)))
        times = collections.Counter(ran.read_text().split())
        self.assertEqual(len(times), count)
        # Two were running, and two may have ended without having been committed.
        self.assertLessEqual(sum(times.values()) - count, 4)
        self.assertEqual(sorted(self.joblog()), list(range(1, count + 1)))

    def test_a_rank_that_is_killed_leaves_no_command_behind(self):
        self.list("setsid sleep 73", "trap '' TERM; sleep 74", "sleep 75 & wait", "echo fine")
        world = self.start("list", before=("--threads", 4, "--run-id", "left"))

        def sleeps():
            found = 0
            for pid in self.home.pids():
                try:
                    found += b"sleep\x007" in command_line(pid)
                except OSError:
                    pass  # it has just ended
            return found

        eventually(30, "they run", lambda: sleeps() >= 3)
        os.kill(world.pid, signal.SIGKILL)
        eventually(15, "they have ended", lambda: sleeps() == 0)

    def test_a_leader_that_is_killed_leaves_its_place_in_the_output_to_the_next(self):
        self.list(*(f"sleep 0.05; echo {i}" for i in range(120)))
        world = self.start("list", before=("-n", 3, "--threads", 1, "--lease", 1, "--run-id", "led"))
        for i in range(20):
            self.assertEqual(world.stdout.readline(), f"{i}\n")
        for pid in self.home.pids():
            try:
                words = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                program = os.readlink(f"/proc/{pid}/exe")
            except OSError:
                continue  # it has just ended
            if b"OMPI_COMM_WORLD_RANK=0" in words and program == os.path.realpath(STINT):
                os.kill(pid, signal.SIGKILL)
        out, said = world.stdout.read(), world.stderr.read()
        self.assertEqual(out, "".join(f"{i}\n" for i in range(20, 120)), said)
        self.assertEqual(world.wait(30), 0)

    def test_a_signal_waits_for_what_runs_and_the_same_command_goes_on(self):
        self.list(*(f"sleep 0.3; echo {i}" for i in range(12)))
        world = self.start("list", before=("--threads", 2, "--run-id", "drained"))
        self.assertEqual(world.stdout.readline(), "0\n")
        world.send_signal(signal.SIGTERM)
        out, said = world.communicate(timeout=30)
        self.assertEqual(world.returncode, 75, said)
        before = json.loads(self.home.run("status", "drained", "--json").stdout)["chunks"]["done"]
        self.assertGreater(before, 1)
        done = self.stint("list", before=("--threads", 2, "--run-id", "drained"))
        self.assertEqual(done.stdout, "".join(f"{i}\n" for i in range(12)))
        status = json.loads(self.home.run("status", "drained", "--json").stdout)
        self.assertEqual(status["computed"]["total"], 12, "none ran twice")


class ChangedLists(Commands):
    def ran(self):
        return collections.Counter((self.folder / "ran").read_text().split())

    def lines(self, *names):
        return self.list(*(f"echo {name} >> ran; echo {name}; test {name} != bad" for name in names))

    def test_what_has_run_does_not_run_again(self):
        for before in ((), ("--run-id", "named"), ("-n", 2, "--run-id", "two")):
            with self.subTest(before=before):
                self.lines("a", "b", "b", "bad", "c")
                self.assertEqual(self.stint("list", before=before, check=False).stdout, "a\nb\nb\nbad\nc\n")
                # One is gone, some are elsewhere, two are new; a failure stays one.
                self.lines("new", "c", "bad", "b", "a", "newer")
                done = self.stint("--joblog", "joblog", "list", before=before, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, "new\nc\nbad\nb\na\nnewer\n"), done.stderr)
                self.assertIn("2 commands are new, 1 are gone; of the others 4 have run", done.stderr)
                self.assertEqual(self.ran(), {"a": 1, "b": 2, "bad": 1, "c": 1, "new": 1, "newer": 1})
                self.assertEqual(sorted(self.joblog()), [1, 2, 3, 4, 5, 6])
                # And back again: still nothing twice.
                self.lines("a", "b", "b", "bad", "c")
                self.stint("list", before=before, check=False)
                self.assertLessEqual(self.ran()["a"], 1)
                (self.folder / "ran").unlink()
                self.home.run("rm", "last")

    def test_a_list_that_changes_after_everything_was_killed(self):
        self.list(*(f"echo {i} >> ran; sleep 0.02; echo {i}" for i in range(200)))
        world = self.start("list", before=("-n", 2, "--threads", 1))
        ran = self.folder / "ran"
        eventually(60, "half have run", lambda: ran.exists() and len(ran.read_text().splitlines()) > 100)
        self.home.kill_everything()
        world.wait()
        self.list(*(f"echo {i} >> ran; sleep 0.02; echo {i}" for i in reversed(range(210))))
        done = self.stint("list", before=("-n", 2, "--threads", 1))
        self.assertEqual(done.stdout, "".join(f"{i}\n" for i in reversed(range(210))))
        self.assertLessEqual(sum(self.ran().values()) - 210, 4)

    def test_a_list_that_changes_again_before_what_was_done_is_given_back(self):
        old = [f"echo {i} >> ran; echo {i}" for i in range(100)]
        self.list(*old[:99], old[99] + "; false")
        self.stint("list", check=False)
        self.list("touch begun; sleep 30", *old[:99], old[99] + "; false")
        world = self.start("list", before=("--threads", 1))
        eventually(60, "the first is at work", (self.folder / "begun").exists)
        self.home.kill_everything()
        world.wait()
        self.list("echo new", *old[:99], old[99] + "; false")
        done = self.stint("list", check=False)
        self.assertEqual((done.returncode, done.stdout), (1, "new\n" + "".join(f"{i}\n" for i in range(100))), done.stderr)
        self.assertEqual(set(self.ran().values()), {1})

    def test_a_list_that_is_being_worked_on_is_not_taken_away(self):
        self.list("echo a", "sleep 30")
        self.start("list", before=("--threads", 1)).stdout.readline()
        self.list("echo a", "sleep 30", "echo b")
        done = self.stint("list", check=False)
        self.assertEqual((done.returncode, done.stdout), (5, ""))
        self.assertIn("is at work on the old one", done.stderr)


class Hard(Commands):
    def test_bytes_that_are_no_text(self):
        line = b"printf '%s\\n' \xff\xfe'\x01\x7f'"
        self.list(line)
        done = self.stint("list", text=False)
        self.assertEqual(done.stdout, b"\xff\xfe\x01\x7f\n")

    def test_every_printable_character_as_a_value(self):
        values = [chr(code) for code in range(32, 127)] + ["a\tb", " x ", "*", "$(false)", "`", "ü"]
        done = self.stint("printf", "'%s\\n'", "{}", ":::", *values)
        self.assertEqual(done.stdout, "".join(value + "\n" for value in values))

    def test_long_commands(self):
        self.list(": " + "x" * 130_000, "true " + "y" * 400_000)
        done = self.stint("--joblog", "joblog", "list", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("more than the kernel takes", done.stderr)
        self.assertEqual({number: fields[6] for number, fields in self.joblog().items()}, {1: "0", 2: "126"})

    def test_commands_that_are_hard_on_their_runner(self):
        self.list("exec >&- 2>&-; echo lost", "echo kept | tee /dev/stderr > /dev/stdout", "cat; echo no input",
                  "(sleep 76 & echo $! > left); echo leaves", "printf 'no newline'")
        done = self.stint("list", check=False)
        self.assertEqual(done.stdout, "kept\nno input\nleaves\nno newline")
        os.kill(int((self.folder / "left").read_text()), signal.SIGKILL)  # as from any other shell, it lives on

    def test_a_command_that_kills_its_rank_is_found(self):
        self.list("echo one", "sleep 0.3; kill -9 $PPID; sleep 0.2; touch survived", "echo three")
        done = self.stint("list", before=("-n", 3, "--threads", 1, "--lease", 2), check=False)
        self.assertEqual((done.returncode, done.stdout), (1, "one\nthree\n"), done.stderr)
        self.assertIn("its rank died while it computed this chunk", done.stderr)

    def test_a_full_disk_is_told_and_nothing_is_lost(self):
        logs = pathlib.Path(self.home.environment["STINT_HOME"], "runs")
        logs.mkdir(parents=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", logs], capture_output=True, text=True,
                                 check=False)
        if mounted.returncode != 0:
            self.skipTest("a small file system cannot be had here: " + mounted.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", logs], check=True)
        self.list("echo one >>ran; echo one", "echo two >>ran; head -c 2M /dev/zero", "echo three >>ran; echo three")
        full = self.stint("list", before=("--threads", 1), check=False)
        self.assertEqual(full.returncode, 2, full.stderr)
        self.assertIn(f"cannot write the output of commands to {logs}", full.stderr)
        self.assertIn("No space left on device", full.stderr)
        subprocess.run(["mount", "-o", "remount,size=20m", logs], check=True)
        done = self.stint("list", before=("--threads", 1))
        self.assertEqual(done.stdout, "one\n" + (2 << 20) * "\0" + "three\n")
        self.assertEqual((self.folder / "ran").read_text(), "one\ntwo\ntwo\nthree\n")

    def test_large_outputs_pass_through_without_being_held(self):
        mib = 1024
        self.list(f"head -c {mib}M /dev/zero", "echo end")
        watch = ["/usr/bin/env", "python3", "-c", "import subprocess,sys,resource,hashlib\n"
                 "run=subprocess.Popen(sys.argv[1:],stdout=subprocess.PIPE)\nn=0\nlast=b''\n"
                 "while data:=run.stdout.read(1<<20):\n n+=len(data);last=data\n"
                 "code=run.wait()\nprint(code,n,last[-4:],resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"]
        done = subprocess.run([*watch, STINT, "run", "commands", "list"], cwd=self.folder, env=self.home.environment,
                              capture_output=True, text=True, timeout=120, check=True)
        code, size, *_, peak = done.stdout.split()
        self.assertEqual((code, int(size)), ("0", (mib << 20) + 4))
        self.assertLess(int(peak), 120 << 10, "KiB of the largest process")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""The verbs that look at runs, or remove them, on runs in every state; and the schemas of docs/schemas against what the
program prints."""

import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import termios
import time
import unittest

import jsonschema

from stint_home import STINT, StintHome, eventually

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "schemas"


def strict(schema):
    """The same schema, by which a field that it does not name is wrong."""
    if isinstance(schema, dict):
        schema = {key: strict(value) for key, value in schema.items()}
        if schema.get("type") == "object" and "properties" in schema:
            schema["additionalProperties"] = False
    elif isinstance(schema, list):
        schema = [strict(each) for each in schema]
    return schema


def check_schema(name, value):
    jsonschema.Draft202012Validator(strict(json.loads((SCHEMAS / f"{name}.json").read_text()))).validate(value)


class Verbs(unittest.TestCase):
    """Runs in every state on one home, made once: `done`, `partial`, `halted`, `cancelled`, `failed`, `killed` (4 ranks,
    kill -9) and `left` (ended by SIGTERM)."""

    @classmethod
    def setUpClass(cls):
        cls.home = StintHome().__enter__()
        cls.addClassCleanup(cls.home.__exit__)
        cls.addClassCleanup(cls.home.kill_everything)
        run = lambda name, *words: cls.home.run("run", "--run-id", name, "--threads", 1, *words, check=False)
        summary = cls.home.folder / "summary"
        run("done", "--summary", summary, "pi", "--points", "1e7", "--seed", 3)
        check_schema("summary", json.loads(summary.read_text()))
        run("partial", "commands", "exit {}", ":::", 0, 3, 0)
        run("halted", "--halt", "soon,fail=1", "commands", "exit {}", ":::", *[0, 1] + [0] * 20)
        run("failed", "--max-failed", 0, "synthetic", "--chunks", 9, "--fail-chunks", "0-8", "--retries", 0)
        killed = cls.start("killed", "-n", 4, "--threads", 1, "commands", "sleep {}", ":::", 0, 0, 601, 602, 603, 604, 605, 606)
        in_hand = lambda: [each["chunk"] for each in cls.home.status("killed")["at_work"] if each["chunk"] >= 2]
        eventually(60, "all four ranks sleep long", lambda: len(in_hand()) == 4)
        cls.in_hand = in_hand()[0] + 1
        cls.kill("killed", killed)
        left = cls.start("left", "--threads", 1, "--grace", "0.1", "commands", "sleep {}", ":::", 0, 601)
        left.send_signal(signal.SIGTERM)
        left.wait(30)
        cancelled = cls.start("cancelled", "--threads", 1, "commands", "sleep {}", ":::", 0, 601)
        cls.home.run("cancel", "cancelled")
        cancelled.wait(30)

    @classmethod
    def start(cls, name, *words, lease=2):
        """Starts a run and waits until what ends at once has ended, and the rest is seen at work."""
        process = cls.home.start("run", "--run-id", name, "--lease", lease, *words)

        def at_work():
            status = cls.home.run("status", name, "--json", check=False)
            if status.returncode != 0:
                return False
            found = json.loads(status.stdout)
            return found["chunks"]["done"] > 0 and found["at_work"] and found["state"] == "running"

        eventually(60, f"{name} is at work", at_work)
        return process

    @classmethod
    def kill(cls, name, process):
        """SIGKILL to the launcher and to all ranks."""
        pids = [process.pid] + [worker["pid"] for worker in cls.home.status(name)["workers"]]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait(30)

    def on_terminal(self, columns, *words):
        """What stint prints on a terminal of so many columns: its lines."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([STINT, *map(str, words)], env=self.home.environment, stdin=subprocess.DEVNULL,
                                   stdout=slave, stderr=subprocess.PIPE)
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        os.close(master)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        return shown.decode().replace("\r\n", "\n").splitlines()

    def refused(self, *words):
        """The one line with which stint refuses."""
        done = self.home.run(*words, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
        return done.stderr

    STATES = {"done": "done", "partial": "partial", "halted": "halted", "failed": "failed", "killed": "interrupted",
              "left": "interrupted", "cancelled": "cancelled"}

    def test_every_verb_says_the_same_state(self):
        listed = {}
        for line in self.home.run("ls", "--json").stdout.splitlines():
            check_schema("run", json.loads(line))
            listed[json.loads(line)["run"]] = json.loads(line)["state"]
        table = {line.split()[0]: line.split()[1] for line in self.home.run("ls").stdout.splitlines()[1:]}
        for run, state in self.STATES.items():
            with self.subTest(run):
                self.assertEqual(listed[run], state)
                self.assertEqual(table[run], state)
                status = self.home.status(run)
                check_schema("status", status)
                self.assertEqual((status["state"], status["at_work"]), (state, []))
                self.assertRegex(self.home.run("status", run).stdout, rf"\nstate    {state}\b")
                self.assertRegex(self.home.run("explain", run).stdout, rf"^run {run}: {state}, ")
                told = json.loads(self.home.run("explain", run, "--json").stdout)
                check_schema("explain", told)
                self.assertEqual(told["state"], state)

    def test_explains_each_chunk(self):
        says = {("done", 0): r"done", ("partial", 2): r"failed\n(.*\n)*command  exit 3\nexit     exit code 3\n",
                ("partial", 1): r"done(, .*)?\ncommand  exit 0\nexit     exit code 0\ntime     \d\.\d s, begun .*\nhost     \S+\n"
                                r"stderr   \(nothing\)\noutput   .*stint result partial --chunk 1 \(",
                ("halted", 1): r"done(, .*)?\ncommand  exit 0\n", ("halted", 22): r".*\nthe run is halted: its --halt rule ended it; .*result halted --partial shows what there is, and the same",
                ("cancelled", 2): r"was in the hands of .*\nthe run is cancelled: ",
                ("left", 2): r"waits .*\nthe run is interrupted: all its ranks have left and nobody computes it now; the same",
                ("killed", self.in_hand): r"was in the hands of \S+ when that stopped; it is computed again\n"
                               r"the run is interrupted: 4 ranks were lost and nobody computes it now; the same"}
        for (run, chunk), sentence in says.items():
            with self.subTest(run=run, chunk=chunk):
                self.assertRegex(self.home.run("explain", run, chunk).stdout, rf"^{'chunk' if run == 'done' else 'command'} {chunk} of run {run}: {sentence}")
                check_schema("explain", json.loads(self.home.run("explain", run, chunk, "--json").stdout))
        told = json.loads(self.home.run("explain", "partial", 1, "--json").stdout)
        self.assertEqual((told["chunk"], told["number"], told["success"]["command"], told["success"]["exit"]), (0, 1, "exit 0", "exit code 0"))
        self.assertIn("run done has no chunk 3: its chunks are 0 to 2", self.refused("explain", "done", 3))
        for text in ("-1", "x", "99999999999999999999"):
            self.assertIn(f"'{text}' is not the number of a chunk", self.refused("explain", "done", "--", text))

    def test_how_long_runs_took_that_did_not_end(self):
        for run in ("killed", "left", "cancelled"):  # the others end at once
            self.assertGreater(self.home.status(run)["elapsed"], 0.05, run)
        self.assertNotIn("cancelled", self.home.run("explain", "halted").stdout)

    def test_the_output_of_a_command_that_has_not_ended(self):
        early = self.home.run("result", "left", "--chunk", 2, check=False)
        self.assertEqual((early.returncode, early.stdout, early.stderr.count("\n")), (75, "", 1), early.stderr)
        self.assertRegex(early.stderr, "^stint: command 2 of run left has not ended: the run is interrupted, 1 of 2 commands are done; "
                                       ".* explain left 2 says where it is")
        self.assertEqual(self.home.run("result", "left", "--chunk", 1).returncode, 0)
        self.assertIn("there is no command 3", self.refused("result", "left", "--chunk", 3))

    def test_advice_names_the_program_as_it_was_called(self):
        (self.home.folder / "fj").symlink_to(os.path.abspath(STINT))
        call = lambda *words: subprocess.run(["./fj", *words], cwd=self.home.folder, env=self.home.environment, capture_output=True,
                                             stdin=subprocess.DEVNULL, text=True, timeout=60, check=False)
        for ranks in ((), ("-n", "2")):
            failed = call("run", *ranks, "--fresh", "--run-id", "called", "commands", "exit {}", ":::", "0", "3")
            self.assertIn("; ./fj rerun called -n N runs them again\n", failed.stderr)
        self.addCleanup(self.home.run, "rm", "called")
        self.assertIn("\noutput   ./fj result called --chunk 1 ", call("explain", "called", "1").stdout)
        for words, says in ((("status", "nosuch"), "; ./fj ls lists all"), (("run", "-x"), "(see ./fj run --help)"),
                            (("run", "--resume-failed", "commands", "true"), ": ./fj rerun RUN -n N runs again what failed"),
                            (("nosuch",), "or see ./fj --help"), (("cancel", "called"), "; ./fj rm called removes it"),
                            (("status", "--help"), "  ./fj status last\n")):
            told = call(*words)
            self.assertIn(says, told.stdout + told.stderr)
            self.assertNotRegex(told.stdout + told.stderr, r"stint (ls|run|rerun|result|status|rm|cancel|explain)\b")

    def test_one_numbering_of_commands(self):
        failures = self.home.status("partial")["failures"]
        self.assertEqual([(each["chunk"], each["number"]) for each in failures], [(1, 2)])
        told = json.loads(self.home.run("explain", "partial", "--json").stdout)["events"]
        self.assertTrue(any(event["text"].startswith("command 2 on ") for event in told if event["kind"] == "failed"), told)
        self.assertFalse([event for event in told if "chunk 1 " in event["text"]])
        self.assertIn("failed   command 2 on", self.home.run("status", "partial").stdout)

    def test_ls_tells_what_ran_and_chooses(self):
        whole = self.home.run("ls").stdout
        self.assertRegex(whole, r"(?m)^RUN +STATE +DONE +FAILED +BEGUN +TOOK +WHAT$")
        self.assertRegex(whole, r"(?m)^done +done +100% +0 +\d+ s ago +\d+\.\d s +pi --points 10000000 --seed 3$")
        self.assertRegex(whole, r"(?m)^partial +partial +66% +1 .* commands 'exit \{\}' ::: 0 3 0$")
        self.assertEqual(whole.splitlines()[1].split()[0], "cancelled", "the newest is the first")
        ids = lambda *words: [line.split()[0] for line in self.home.run("ls", *words).stdout.splitlines()[1:]]
        self.assertEqual(len(ids("--limit", 2)), 2)
        self.assertEqual(ids("--state", "interrupted,partial"), ["left", "killed", "partial"])
        self.assertEqual(ids("--state", "interrupted", "--limit", 1), ["left"])
        self.assertIn("'lost' is not a state", self.refused("ls", "--state", "lost"))
        none = self.home.run("ls", "--state", "running")
        self.assertEqual((none.stdout, none.stderr), ("", "stint: no run is in such a state\n"))

    def test_fits_narrow_terminals(self):
        long = "a-long-name-" + "x" * 60
        self.home.run("run", "-q", "--run-id", long + "2", "pi", "--points", "1e6")
        self.addCleanup(self.home.run, "rm", long + "2")
        self.home.run("run", "-q", "--run-id", long, "commands", "echo {}", ":::", "word " * 60)
        self.addCleanup(self.home.run, "rm", long)
        for columns in (120, 80, 50):
            for words in (("ls",), ("status", "killed"), ("status", "partial"), ("status", long)):
                lines = self.on_terminal(columns, *words)
                with self.subTest(columns=columns, words=words):
                    # Ids and errors are shown whole.
                    self.assertLessEqual(max(len(line) for line in lines if not line.startswith(("run  ", "failed  "))), columns,
                                         "\n".join(lines))
            for line in self.on_terminal(columns, "ls")[1:]:
                self.home.run("status", line.split()[0])  # what is shown names the run
        names = [line.split()[0] for line in self.on_terminal(50, "ls") if line.startswith("a-long")]
        self.assertEqual([self.home.status(name)["run"] for name in names], [long, long + "2"])
        self.assertTrue(all("…" in name for name in names), names)
        self.assertIn(long + " ", self.home.run("ls").stdout, "whole where it is piped")

    def test_status_has_a_row_a_rank(self):
        rows = self.home.run("status", "killed").stdout.splitlines()[-5:]
        self.assertEqual(rows[0].split(), "RANK HOST PID THREADS DONE RUNNING OLDEST HEARTBEAT".split())
        for rank, row in enumerate(rows[1:]):
            self.assertRegex(row, rf"^ *{rank}\*? +\S+ +\d+ +1 +\d+ +lost +\d.* ago$")
        lines = self.home.run("status", "done").stdout
        self.assertRegex(lines, r"job      pi --points 10000000 --seed 3\nstate    done\nbegun    .* ago\nelapsed  .*\nchunks   3 of 3 done\nrate ")
        self.assertIn("lost     0 ranks\n", lines)

    def test_status_shows_nothing_that_has_ended(self):
        marks = [self.home.folder / name for name in ("first", "second")]
        wait = "until [ -e {} ]; do sleep 0.05; done"
        # A heartbeat a second: the last one still tells of a command that has just ended.
        process = self.home.start("run", "--run-id", "looked", "--threads", 2, "--lease", 5, "--commit-every", "0.01",
                                  "commands", wait, ":::", *marks)
        chunks = lambda: [each["chunk"] for each in self.home.status("looked")["at_work"]]
        eventually(30, "it is there", lambda: self.home.run("status", "looked", check=False).returncode == 0)
        eventually(30, "both are at work", lambda: sorted(chunks()) == [0, 1])
        status = self.home.status("looked")
        check_schema("status", status)
        self.assertEqual([(worker["lives"], worker["leads"], worker["running"]) for worker in status["workers"]], [(True, True, 2)])
        self.assertEqual(status["state"], "running")
        self.assertIn("is being computed by 1 rank; end it with stint cancel looked, or give --force; nothing was removed",
                      self.refused("rm", "done", "looked"))
        self.assertEqual(self.home.status("done")["state"], "done")
        stays = self.home.run("rm", "--older", "0", "--dry-run")
        self.assertNotIn("looked", stays.stdout.split())
        self.assertIn("run looked is being computed, and stays", stays.stderr)
        marks[0].touch()
        eventually(30, "it is done", lambda: self.home.status("looked")["chunks"]["done"] == 1)
        self.assertEqual(chunks(), [1], "the heartbeat before still tells of both")
        marks[1].touch()
        self.assertEqual(process.wait(30), 0)
        self.home.run("rm", "looked")

    def test_removes_what_is_named_or_chosen(self):
        for name in ("old-1", "old-2", "old-3"):
            self.home.run("run", "-q", "--run-id", name, "pi", "--points", "1e6")
        many = self.home.run("rm", "old-1", "old-2", "old-1")
        self.assertEqual(many.stderr, "stint: removed 2 runs: old-1, old-2\n")
        self.assertIn("there is no run 'nothing'", self.refused("rm", "old-3", "nothing"))
        self.assertEqual(self.home.status("old-3")["state"], "done", "a typing error removes nothing")
        self.assertEqual(self.home.run("rm", "--done", "--older", "7d").stderr, "stint: no run was removed\n")
        dry = self.home.run("rm", "--done", "--dry-run")
        self.assertEqual((sorted(dry.stdout.split()), dry.stderr[:25]), (["done", "old-3"], "stint: would remove 2 runs"[:25]))
        self.assertEqual(self.home.run("rm", "old-3").stderr, "stint: removed run old-3\n")
        for words, says in ((["rm"], "give RUN…, --done or --older 7d"), (["rm", "done", "--done"], "give either"),
                            (["rm", "--done", "--force"], "--force is for runs that are named"),
                            (["rm", "--older", "soon"], "'soon' is not a time")):
            self.assertIn(says, self.refused(*words))
        # Nobody computes it, though its ranks never said goodbye: no --force is needed.
        self.kill("gone", self.start("gone", "--threads", 1, "commands", "sleep {}", ":::", 0, 601))
        self.assertEqual(self.home.run("rm", "gone").stderr, "stint: removed run gone\n")

    def test_a_run_whose_record_is_damaged_can_be_removed(self):
        key = "stint:{damaged}:"
        for damage in (("HDEL", key + "run", "identity"), ("HSET", key + "run", "chunks", "many"), ("SET", key + "run", "text"),
                       ("SET", key + "beats", "text"), ("SET", key + "workers", "text"), ("DEL", key + "run")):
            for name in ("damaged", "sound"):
                self.home.run("run", "-q", "--fresh", "--run-id", name, "synthetic", "--chunks", 2, "--fail-chunks", 1, "--retries", 0,
                              check=False)
            self.home.redis_cli(*damage)
            with self.subTest(damage):
                first = self.home.run("rm", "damaged", check=False)
                if first.returncode != 0:
                    self.assertEqual((first.returncode, first.stderr.count("\n")), (4, 1), first.stderr)
                    self.assertIn("stint rm --force damaged removes it", first.stderr)
                    chosen = self.home.run("rm", "--older", "0s", "--dry-run")
                    self.assertIn("sound", chosen.stdout)
                    self.assertNotIn("damaged\n", chosen.stdout)
                    self.assertEqual(self.home.run("rm", "--force", "damaged").stderr, "stint: removed run damaged\n")
                self.assertEqual(self.home.redis_cli("KEYS", "stint:{damaged}:*").strip(), "")
                self.assertNotIn("damaged", self.home.run("ls").stdout)
        self.home.run("rm", "sound")

    def test_a_list_of_runs_that_is_damaged_is_mended_by_the_line_that_is_told(self):
        with StintHome() as home:
            home.environment["STINT_HOME"] = str(home.folder / "a home's")
            home.run("run", "pi", "--points", 100)
            home.redis_cli("SET", "stint:runs", "text")
            done = home.run("ls", check=False)
            self.assertEqual(done.returncode, 4, done.stderr)
            line = re.search(r"; (REDISCLI_AUTH=.* DEL stint:runs) removes it", done.stderr).group(1)
            self.assertEqual(subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout, "1\n")
            home.run("run", "pi", "--points", 100)
            self.assertIn("pi-", home.run("ls").stdout)

    def test_a_run_whose_ranks_are_stopped_is_interrupted_and_not_removed(self):
        process = self.start("stopped", "--threads", 1, "commands", "sleep {}", ":::", 0, 601, lease=0.5)
        process.send_signal(signal.SIGSTOP)
        eventually(20, "it is seen as interrupted", lambda: self.home.status("stopped")["state"] == "interrupted")
        self.assertEqual([(each["lives"], each["gone"]) for each in self.home.status("stopped")["workers"]], [(False, False)])
        self.assertRegex(self.home.run("explain", "stopped").stdout, r"\nnext     1 rank has been silent for a lease and nobody")
        self.assertIn("run stopped may be gone on with: 1 silent rank is not known to be gone; end it with stint cancel",
                      self.refused("rm", "stopped"))
        self.home.run("cancel", "stopped")
        self.home.run("rm", "stopped")
        process.send_signal(signal.SIGCONT)
        process.wait(30)

    def test_cancels_what_can_be_cancelled(self):
        self.kill("gone", self.start("gone", "--threads", 1, "commands", "sleep {}", ":::", 0, 601))
        self.assertIn("cancelled run gone, which nobody computed any more;", self.home.run("cancel", "gone").stderr)
        self.assertEqual(self.home.status("gone")["state"], "cancelled")
        for run in ("gone", "done", "partial", "halted", "failed"):
            self.assertRegex(self.refused("cancel", run), rf"run {run} is \w+, so there is nothing to cancel; stint rm {run} removes it")
        self.home.run("rm", "gone")

    def test_names_that_mean_no_run_or_several(self):
        for verb in ("status", "explain", "result", "cancel", "rm", "rerun"):
            self.assertIn("there is no run 'nosuch' on this blackboard; stint ls lists all", self.refused(verb, "nosuch"))
        for name in ("two-1", "two-2"):  # in the same second
            self.home.run("run", "-q", "--run-id", name, "pi", "--points", "1e6")
        self.assertRegex(self.refused("status", "two"), r"'two' begins 2 runs: two-2, two-1; give more of the name")
        self.assertIn("did you mean two-1", self.refused("status", "o-1"))
        self.assertEqual(self.home.status("last")["run"], "two-2")
        self.assertIn("there is no run '?[31m'", self.refused("status", "\x1b[31m"))
        self.home.run("rm", "two-1", "two-2")


class NothingYet(unittest.TestCase):
    def test_a_home_without_a_run(self):
        with StintHome() as home:
            begun = time.monotonic()
            for words in (("ls",), ("ls", "--json"), ("rm", "--done")):
                empty = home.run(*words)
                self.assertEqual(empty.stdout, "")
                self.assertIn("there is no run yet", empty.stderr)
            for verb in ("status", "explain", "result", "cancel", "rm", "rerun"):
                refused = home.run(verb, "last", check=False)
                self.assertEqual((refused.returncode, refused.stdout, refused.stderr.count("\n")), (2, "", 1), refused.stderr)
                self.assertIn("there is no run yet", refused.stderr)
            self.assertLess(time.monotonic() - begun, 10)
            self.assertFalse((home.folder / "home").exists(), "a verb that looks makes nothing")
            home.run("serve")
            self.assertEqual(home.run("ls").stderr, "stint: there is no run yet; stint run JOB starts one\n")
            self.assertIn("there is no run yet", home.run("status", "last", check=False).stderr)

    def test_starts_the_blackboard_to_look(self):
        with StintHome() as home:
            home.run("run", "-q", "--run-id", "kept", "pi", "--points", "1e6")
            home.run("serve", "--stop")
            self.assertRegex(home.run("ls").stdout, r"\nkept +done ")
            home.run("serve", "--stop")
            self.assertEqual(home.status("kept")["state"], "done")

    def test_json_of_the_doctor(self):
        with StintHome() as home:
            check_schema("doctor", json.loads(home.run("doctor", "--json", check=False).stdout))


class Schemas(unittest.TestCase):
    def test_every_schema_is_one_and_says_what_each_field_means(self):
        for file in SCHEMAS.glob("*.json"):
            schema = json.loads(file.read_text())
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertEqual(schema["properties"]["schema"]["const"], 1)
        run = json.loads((SCHEMAS / "run.json").read_text())["properties"]
        for name in ("status", "explain"):
            whole = json.loads((SCHEMAS / f"{name}.json").read_text())["properties"]
            self.assertEqual({key: whole[key] for key in run}, run, "begins with the fields of ls")
        documented = re.findall(r"^\| `(\w+)` \|", (SCHEMAS.parent / "json.md").read_text(), re.MULTILINE)
        self.assertEqual(sorted(documented), sorted(["state", *run["state"]["enum"]]))


if __name__ == "__main__":
    unittest.main()

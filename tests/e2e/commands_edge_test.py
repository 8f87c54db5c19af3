# SPDX-License-Identifier: Apache-2.0
"""What the machine does to commands: disks without room, folders that are gone, limits of the user, an environment that is
meant for the commands, and processors."""

import json
import os
import pathlib
import subprocess
import unittest

from stint_home import STINT, StintHome


class CommandsAtTheEdge(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(StintHome())
        self.folder = self.home.folder / "work"
        self.folder.mkdir()

    def stint(self, *words, before=(), launcher=(), cwd=None, seconds=60, **variables):
        return subprocess.run([*launcher, STINT, "run", *map(str, before), "commands", *map(str, words)], text=True,
                              cwd=cwd or self.folder, env={**self.home.environment, **variables}, capture_output=True,
                              timeout=seconds, stdin=subprocess.DEVNULL, check=False)

    def line_of(self, done, code):
        """What it said, which is one line."""
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_an_output_for_which_there_is_no_room_is_a_failure(self):
        small = self.folder / "small"
        small.mkdir()
        # A disk of one MiB, seen by this call alone.
        mount = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                 f"mount -t tmpfs -o size=1m tmpfs '{small}' && TMPDIR='{small}' exec \"$@\"", "sh")
        self.home.run("serve")
        for before in (("--threads", 1), ("--threads", 2)):
            done = self.stint("yes {} | head -c 3000000; true", ":::", "a", "b", launcher=mount, before=("--fresh", *before))
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"cannot keep its output in {small}: No space left on device; set TMPDIR", done.stderr)
        done = self.stint("yes {} | head -c 300000", ":::", "a", "b", "c", launcher=mount, before=("--threads", 1))
        self.assertEqual((done.returncode, len(done.stdout)), (0, 900000), done.stderr)

    def test_a_folder_for_outputs_that_is_gone_is_one_line(self):
        gone = str(self.folder / "gone")
        line = self.line_of(self.stint("echo", ":::", "a", TMPDIR=gone), 2)
        self.assertIn(f"cannot keep the output of commands in {gone}: No such file or directory; set TMPDIR", line)

    def test_a_working_folder_that_is_gone_is_one_line(self):
        gone = self.folder / "gone"
        gone.mkdir()
        for before in ((), ("-n", 2)):
            done = self.stint("echo", ":::", "a", before=before, cwd=self.folder,
                              launcher=("sh", "-c", f"cd '{gone}' && rmdir '{gone}' && \"$@\"; code=$?; mkdir '{gone}'; exit $code", "sh"))
            self.assertIn(f"the working folder {gone} cannot be used: No such file or directory", self.line_of(done, 2))

    def test_commands_that_failed_are_named(self):
        done = self.stint("--joblog", "joblog", "echo no {} >&2; [ {} = 5 ] || exit 3", ":::", *range(1, 8))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"\nstint: command 1 failed: exit 3 after 0\.\d s on \S+: echo no 1 >&2; \[ 1 = 5 \] \|\| exit 3; "
                                      r"no 1 \(and 5 more like it\)\nstint: 6 of 7 commands failed, the result is partial; \S*stint rerun ")
        self.assertNotIn("chunk 0", done.stderr)
        told = self.home.run("explain", "last", 3).stdout
        self.assertRegex(told, r"^command 3 of run \S+: failed\n(.*\n)*command  echo no 3 >&2; \[ 3 = 5 \] \|\| exit 3\nexit     exit code 3\n"
                               r"time     0\.\d s, begun 2.*\nhost     \S+\nstderr   no 3\n")
        self.assertNotRegex(told, r"(?<!--)chunk")
        self.assertEqual(json.loads(self.home.run("explain", "last", 3, "--json").stdout)["failure"]["stderr"], "no 3\n")
        for words, said in ((("explain", "last", 8), "has no command 8: its commands are 1 to 7"),
                            (("rerun", "last", "--chunks", "8"), "has no command 8: its commands are 1 to 7"),
                            (("rerun", "last", "--chunks", "5"), "command 5 of run "),
                            (("rerun", "last", "--chunks", "7"), "1 command of run ")):
            self.assertIn(said, self.home.run(*words, check=False).stderr)

    def test_memory_that_the_machine_does_not_have_is_not_waited_for(self):
        line = self.line_of(self.stint("--memfree", "4000G", "--", "echo", ":::", "a"), 2)
        self.assertIn("--memfree 4000.0G is more than the ", line)

    def test_variables_of_openmp_are_for_the_commands(self):
        given = "".join(sorted(line for line in pathlib.Path("/proc/self/status").read_text().splitlines()
                               if line.startswith("Cpus_allowed_list")))
        show = ": {}; grep Cpus_allowed_list /proc/self/status; echo $OMP_NUM_THREADS $OMP_PROC_BIND"
        variables = dict(OMP_PROC_BIND="true", OMP_PLACES="{0}", OMP_NUM_THREADS="1", OMP_THREAD_LIMIT="1")
        for before in ((), ("-n", 2)):
            with self.subTest(before=before):
                done = self.stint(show, ":::", "", "", before=("--fresh", *before), **variables)
                self.assertEqual(done.stdout, f"{given}\n1 true\n" * 2, done.stderr)
        # Each waits for the other.
        wait = "touch {1}; until [ -e {2} ]; do sleep 0.01; done"
        done = self.stint(wait, ":::", "p", "q", ":::+", "q", "p", before=("--threads", 2), **variables)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_environment_is_the_users(self):
        board = self.home.run("serve").stdout.strip()
        variables = dict(OMPI_CC="mine", OMPI_MCA_btl="self,tcp,vader", PMIX_MCA_gds="hash", STINT_BOARD=board)
        for launcher, before in (((), ()), ((), ("-n", 2)), (("mpirun", "-n", "1"), ())):
            with self.subTest(launcher=launcher, before=before):
                done = self.stint("env", ":::", "-0", before=("--fresh", *before), launcher=launcher, **variables)
                seen = dict(each.split("=", 1) for each in done.stdout.split("\0") if each)
                own = {name: value for name, value in {**self.home.environment, **variables}.items()
                       if name not in ("STINT_BOARD", "_", "PWD", "OLDPWD", "SHLVL")}
                added = {"STINT_RUN", "STINT_WORKER", "STINT_CHUNK", "STINT_ATTEMPT", "STINT_SLOT", "PWD", "OLDPWD", "SHLVL", "_"}
                self.assertEqual({name: value for name, value in seen.items() if name not in added}, own, done.stderr)

    def test_a_limit_of_processes_or_files_is_one_line(self):
        home = self.home.folder / "nobody"
        home.mkdir()
        os.chmod(self.home.folder, 0o755)
        if os.geteuid() == 0:  # whom no limit holds
            os.chown(home, 65534, 65534)
        become = ("setpriv", "--reuid=65534", "--clear-groups") if os.geteuid() == 0 else ()
        for limit, before in (("-u 3", ()), ("-u 8", ()), ("-n 10", ()), ("-n 24", ()), ("-f 0", ()), ("-u 3", ("-n", 2)),
                              ("-u 8", ("-n", 2)), ("-n 20", ("-n", 2)), ("-f 0", ("-n", 2))):
            with self.subTest(limit=limit, before=before):
                done = self.stint("echo", ":::", "a", "b", before=before, launcher=(*become, "bash", "-c", f"ulimit {limit}; exec \"$@\"", "bash"),
                                  cwd="/", STINT_HOME=str(home / "home"), XDG_RUNTIME_DIR=str(home), TMPDIR=str(home))
                self.assertIn(done.returncode, (2, 3, 75), done.stderr)
                self.assertRegex(self.line_of(done, done.returncode), r"\(ulimit -|File too large; make room", "it says what to do")


if __name__ == "__main__":
    unittest.main()

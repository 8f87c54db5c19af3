# SPDX-License-Identifier: Apache-2.0
"""What the user types behind `stint run commands` is the user's: the command and its values arrive as they would under GNU
parallel, from the command line, files, pipes and standard input, in one process and on two ranks."""

import os
import pathlib
import pty
import select
import shutil
import subprocess
import unittest

from stint_home import STINT, StintHome

# Words behind `stint run commands` and behind `parallel -k` · what is on standard input.
AS_PARALLEL = [
    ("grep -v 3 {} ::: f", ""),
    ("head -n 2 {} ::: f f", ""),
    ("grep -q 3 {} '&&' echo found ::: f", ""),
    ("echo x{}y ::: -h -q -v -n -- ++ --x=1 --help '[a,b]' '[]' : - ''", ""),
    ("echo {1}-{2} ::: a b ::: -n --threads", ""),
    ("echo {}", "1\n2\n\n3"),
    ("echo", "1\n2\n"),
    ("'echo {} {#}'", "1\n2\n"),
    ("cat", "f\nf\n"),
    ("echo {1} {2} :::: - ::: a b", "1\n2\n"),
    ("echo {1} {2} ::: a b :::: /dev/stdin", "1\n2\n"),
    ("echo {} :::: <(printf '1\\n2\\n') <(printf '3\\n')", ""),
    ("-0 echo {} :::: <(printf '1\\n2\\0003\\000')", ""),
    ("-a f echo {}", ""),
    ("-a - echo {}", "4\n5\n"),
    ("-a <(seq 3) echo {}", ""),
    ("-j 2 -k --bar 'cat - {} <f | head -n 1' ::: f", ""),
]


class UserCommand(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(StintHome())
        self.folder = self.home.folder / "work"
        self.folder.mkdir()
        (self.folder / "f").write_text("1\n3\n33\n4\n")
        self.environment = dict(self.home.environment, PATH=f"{pathlib.Path(STINT).parent}:{os.environ['PATH']}")

    def shell(self, line, given="", check=True, **options):
        done = subprocess.run(["bash", "-c", line], cwd=self.folder, env=self.environment, input=given,
                              capture_output=True, text=True, timeout=60, check=False, **options)
        if check:
            self.assertEqual(done.returncode, 0, line + "\n" + done.stderr)
        return done

    @unittest.skipUnless(shutil.which("parallel"), "GNU parallel is not installed")
    def test_is_what_it_is_under_parallel(self):
        for words, given in AS_PARALLEL:
            right = self.shell(f"parallel -k {words}", given, check=False).stdout
            self.assertNotEqual(right, "", words)
            for options in ("", "-n 2"):
                with self.subTest(words=words, options=options):
                    done = self.shell(f"stint run -q --fresh {options} commands {words}", given)
                    self.assertEqual(done.stdout, right, done.stderr)

    def test_lists_come_from_anywhere(self):
        for options in ("", "-n 2"):
            for words, given in (("-", "echo a\necho b\n"), ("/dev/stdin", "echo a\necho b\n"), ("", "echo a\necho b\n"),
                                 ("<(echo echo a; echo echo b)", ""), ("-0 -", "echo a\0echo b\0")):
                with self.subTest(words=words, options=options):
                    done = self.shell(f"stint run -q --fresh {options} commands {words}", given)
                    self.assertEqual(done.stdout, "a\nb\n")
        files = self.shell("printf 'f\\r\\n' | stint run wordcount --files-from -")
        self.assertIn("carriage return", files.stderr)
        self.assertEqual(files.stdout, self.shell("stint run -q --fresh wordcount f").stdout)

    def test_nothing_waits_for_a_dash_inside_a_command(self):
        silent, open_end = os.pipe()  # nobody ever writes
        self.addCleanup(os.close, silent)
        self.addCleanup(os.close, open_end)
        for options in ("", "-n 2"):
            done = subprocess.run([STINT, "run", "-q", "--fresh", *options.split(), "commands", "tar -cf - {} | tar -tf -",
                                   ":::", "f"], cwd=self.folder, env=self.environment, stdin=silent, capture_output=True,
                                  text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, "f\n"), done.stderr)

    def test_values_that_nobody_gives_are_said(self):
        for words in ("echo hello", "echo hello {}", ""):
            done = self.shell(f"stint run commands {words} </dev/null", check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, r"\Astint: .*(no values|no commands).*:::.*\n\Z")
        self.assertEqual(self.shell("printf '' | stint run -q commands echo {}").stdout, "")

    def test_a_terminal_is_told_that_it_is_read(self):
        ours, theirs = pty.openpty()
        run = subprocess.Popen([STINT, "run", "-q", "commands", "echo", "{}"], cwd=self.folder, env=self.environment,
                               stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(theirs)
        self.addCleanup(run.communicate)
        self.addCleanup(os.close, ours)
        self.assertTrue(select.select([run.stderr], [], [], 30)[0], "it waits in silence")
        self.assertRegex(os.read(run.stderr.fileno(), 1000).decode(), r"\Astint: .*terminal.*Ctrl-D.*\n\Z")
        os.write(ours, b"typed\n\x04")
        out, _ = run.communicate(timeout=30)
        self.assertEqual((run.returncode, out), (0, b"typed\n"))

    def test_what_changes_a_command_makes_another_run(self):
        for name in ("a", "b"):
            (self.folder / name).mkdir()
            (self.folder / f"{name}.env").write_text(f"X={name}\n")
        (self.folder / "list").write_text("echo ${PWD##*/} $X\n")
        for options in ("", "-n 2"):
            for words, right in (("--workdir a", "a\n"), ("--workdir b", "b\n"), ("--workdir $PWD/./a", "a\n"),
                                 ("--workdir a --env-from b.env", "a b\n"), ("--workdir a --env-from a.env", "a a\n")):
                done = self.shell(f"stint run -q {options} commands {words} list")
                self.assertEqual(done.stdout, right, f"{options} {words}")
        self.assertEqual(len(self.home.run("ls", "--json").stdout.splitlines()), 4, "the same again is no other run")
        (self.folder / "a.env").write_text("\ufeffX=c\r\n")
        done = self.shell("stint run commands --workdir a --env-from a.env list")
        self.assertEqual(done.stdout, "a c\n")
        self.assertRegex(done.stderr, r"byte-order mark.*a\.env(.|\n)*1 line of 'a\.env' ended as in Windows")
        self.shell("stint run --run-id named commands --env-from b.env list")
        other = self.shell("stint run --run-id named commands --env-from a.env list", check=False)
        self.assertEqual(other.returncode, 5)
        self.assertIn("environment: 1 variable with digest", other.stderr)
        self.assertNotIn("X=c", other.stderr, "values may be secret")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Every command line in README.md and docs/ works as it is printed. A line is run by a shell in a folder that holds what
the lines speak of; what needs a cluster is run as a dry run of the words that reach stint. A line that fits none of the
rules below fails the test: it has to be made to work, or a rule says why it cannot be run here."""

import os
import pathlib
import re
import subprocess
import unittest

from stint_home import STINT, StintHome

SOURCE = pathlib.Path(__file__).resolve().parents[2]

# Not lines of stint, or tried by another test: quickstart and build by every run of the tests, what builds a project
# of one's own by installed_test, the packages by hand.
ELSEWHERE = re.compile(r"g\+\+ |(tools/(quickstart|test|build)\.sh|cmake|git|spack|conda|mkdir|cat|export|bench/simulate)\b")

# What is printed · what is run here: less of it, on this machine, and what only a cluster can do as a dry run.
HERE = [
    (r"^\$STINT ", "stint "),
    (r"\b(mpirun|stint run|build/bin/stint run) -n [48]", r"\1 -n 2"),
    (r"^(?:srun -n \d+ stint|sbatch .*?run\.sbatch) (?:run )?", "stint run --dry-run "),
    (r"^\./pi run (?:-n 4 )?", "stint run --dry-run pi "),
    (r"/data/corpus|/usr/share/common-licenses", "corpus"),
]


def documents():
    return [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("**/*.md"))]


def blocks(text):
    """The lines of shell blocks and of indented blocks, which follow a blank line or a heading."""
    fence = None
    in_block = False
    before = ""
    for line in text.splitlines():
        if line.startswith("```"):
            fence = line[3:].strip() if fence is None else None
        elif fence is None:
            in_block = line.startswith("    ") and (in_block or not before.strip() or before.startswith("#"))
            if in_block:
                yield line.strip()
        elif fence in ("sh", "bash", "console") and line.strip():
            yield line.strip()
        before = line


def lines():
    return [(document.name, line) for document in documents() for line in blocks(document.read_text())]


class DocumentedCommands(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(StintHome())
        self.folder = self.home.folder / "work"
        programs = self.folder / "build" / "bin"
        programs.mkdir(parents=True)
        (programs / "stint").symlink_to(STINT)
        # A picture program need not be installed for the line that shows it.
        (programs / "convert").write_text('#!/bin/sh\n[ "$1 $2" = "-resize 50%" ] && cp "$3" "$4"\n')
        (programs / "convert").chmod(0o755)
        (self.folder / "slurm").symlink_to(SOURCE / "slurm")
        self.environment = dict(self.home.environment, PATH=f"{programs}:{os.environ['PATH']}")
        corpus = self.folder / "corpus"
        corpus.mkdir()
        for name in ("a.txt", "b.txt"):
            (corpus / name).write_text("one two two\n")
            (self.folder / name).write_text("one two two\n")
        (self.folder / "FILE").write_text("echo first\n# a comment\necho second\n")
        (self.folder / "LIST").write_text("a.txt\nb.txt\n")
        (self.folder / "COLUMNS").write_text("1\n2\n")

    def shell(self, line):
        return subprocess.run(["bash", "-euc", line], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)

    def test_each_line_works(self):
        ran = 0
        for document, line in lines():
            if ELSEWHERE.match(line):
                continue
            with self.subTest(document=document, line=line):
                here = line
                for printed, tried in HERE:
                    here = re.sub(printed, tried, here)
                self.assertRegex(here, r"^((seq|find) [^|]*\| |mpirun -n 2 )?(build/bin/)?stint\b",
                                 "no rule of this test knows such a line")
                done = self.shell(here)
                self.assertEqual(done.returncode, 0, here + "\n" + done.stderr)
                for name in self.folder.glob("*.gz"):
                    name.unlink()
                ran += 1
        self.assertGreater(ran, 15)

    def test_what_they_show_is_what_they_say(self):
        self.assertEqual(self.shell("stint run commands FILE").stdout, "first\nsecond\n")
        self.shell("stint run -n 2 commands gzip -k {} ::: *.txt")
        self.assertEqual(sorted(path.name for path in self.folder.glob("*.txt*")),
                         ["a.txt", "a.txt.gz", "b.txt", "b.txt.gz"], "-k is gzip's: the files are kept")
        self.assertEqual(self.shell("stint run --dry-run commands echo {1} {2} ::: a b ::: 1 2").stdout,
                         "echo a 1\necho a 2\necho b 1\necho b 2\n")

    def test_options_named_in_the_text_are_there(self):
        """`stint VERB --option` inside a sentence: the parser knows the verb and the options."""
        of_job = self.shell("stint run commands --help").stdout
        for document in documents():
            text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL).replace("\n", " ")
            for span in set(re.findall(r"`stint ([a-z]+ [^`]*-[^`]*)`", text)):
                verb, *words = re.sub(r"[\[\]…']", " ", span).split()
                shown = self.shell(f"stint {verb} --help").stdout + of_job
                for option in {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)} - {"--mca"}:
                    with self.subTest(document=document.name, span=span, option=option):
                        self.assertRegex(shown, rf"(?m)(^|[ ,]){re.escape(option)}\b")


if __name__ == "__main__":
    unittest.main()

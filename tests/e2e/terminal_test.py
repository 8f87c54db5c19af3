# SPDX-License-Identifier: Apache-2.0
"""What stands on the screen of a real terminal after a run: every line of output whole and alone, and no rest of a bar.
And elsewhere: no escapes."""

import errno
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unittest

from stint_home import STINT, StintHome


class Screen:
    """Of a terminal so wide: what the bytes make of it. Knows what Stint writes, and fails on anything else."""

    def __init__(self, columns):
        self.columns = columns
        self.lines = [""]
        self.column = 0
        self.wrapped = 0
        self.bars = 0

    def write(self, text):
        for escape, char in re.findall(r"(\x1b\[[0-9;]*[A-Za-z])|([^\x1b])", text):
            if escape.endswith("K"):
                self.lines[-1] = self.lines[-1][:self.column]
                self.bars += 1
            elif escape:
                assert escape.endswith("m"), repr(escape)
            elif char == "\r":
                self.column = 0
            elif char == "\n":
                self.lines.append(" " * self.column)
            else:
                if self.column == self.columns:
                    self.wrapped += 1
                    self.lines.append("")
                    self.column = 0
                line = self.lines[-1].ljust(self.column)
                self.lines[-1] = line[:self.column] + char + line[self.column + 1:]
                self.column += 1

    def text(self):
        return [line.rstrip() for line in self.lines if line.strip()]


def on_a_terminal(words, columns, environment, typed=()):
    """Runs it with all descriptors on one terminal; returns its exit code and what it wrote. `typed`: pairs of a text to wait
    for and the keys that the user types then."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([STINT, *words], env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
                          start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) as process:
        os.close(theirs)
        read = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError as error:
                if error.errno != errno.EIO:  # everybody has closed it
                    raise
                break
            if not piece:
                break
            read += piece
            if typed and typed[0][0] in read:
                os.write(ours, typed[0][1])
                typed = typed[1:]
        os.close(ours)
        return process.wait(60), read.decode()


class OnATerminal(unittest.TestCase):
    def setUp(self):
        self.home = StintHome().__enter__()
        self.addCleanup(self.home.__exit__, None, None, None)
        self.environment = dict(self.home.environment, TERM="xterm")
        self.environment.pop("NO_COLOR", None)
        self.home.run("serve")  # so that no server has to start

    def run_on(self, columns, *words, **variables):
        code, text = on_a_terminal(["run", *words], columns, dict(self.environment, **variables))
        self.assertEqual(code, 0, text)
        screen = Screen(columns)
        screen.write(text)
        return screen, text

    def test_output_and_bar_never_touch(self):
        command = "sleep 0.4; echo out {}; echo err {} >&2"
        for columns, ranks in ((120, []), (60, []), (24, []), (100, ["-n", "2"])):
            with self.subTest(columns=columns, ranks=ranks):
                screen, _ = self.run_on(columns, "--fresh", "--threads", "1", *ranks, "commands", command, ":::", *"123456")
                lines = screen.text()
                self.assertGreater(screen.bars, 3, "there was a bar")
                self.assertEqual([line for line in lines if re.match("out|err", line)],
                                 [f"{kind} {i}" for i in range(1, 7) for kind in ("out", "err")], lines)
                rest = "".join(line for line in lines if not re.match("(out|err) [1-6]$", line))
                self.assertRegex(rest, r"^stint: run commands-\S+ ?6 commands: 6 ?computed here|^stint: run ", lines)
                self.assertNotIn("left", rest, "no rest of a bar")
                self.assertNotIn("#", rest)

    def test_values_may_be_typed_and_left(self):
        asks = b"reading lines from the terminal; Ctrl-D on an empty line ends them"
        for ranks in ([], ["-n", "2"]):
            with self.subTest(ranks=ranks):
                words = ["run", "-q", *ranks, "commands", "echo", "value {}"]
                code, text = on_a_terminal(words, 80, self.environment, [(asks, b"a\nb\n\x04")])
                self.assertEqual(code, 0, text)
                self.assertIn("value a\r\nvalue b\r\n", text)
                code, text = on_a_terminal(words, 80, dict(self.environment, TMPDIR=str(self.home.folder)), [(asks, b"\x03")])
                self.assertEqual(code, 75, text)
                self.assertEqual(list(self.home.folder.glob("stint-run-*")), [])

    def test_a_last_line_without_an_end_stays(self):
        screen, _ = self.run_on(80, "--threads", "1", "commands", "sleep 0.8; printf 'no end {}'", ":::", "1", "2")
        self.assertEqual([line for line in screen.text() if "no end" in line], ["no end 1", "no end 2"])
        self.assertTrue(screen.text()[-1].strip())

    def test_narrow_terminals_lose_fields_and_no_line(self):
        for columns in (79, 30, 12):
            with self.subTest(columns=columns):
                screen, _ = self.run_on(columns, "--fresh", "-v", "--threads", "1", "synthetic", "--chunks", "4", "--seconds", "0.4")
                bars = screen.bars
                self.assertGreater(bars, 2)
                quiet = Screen(columns)
                quiet.write("".join(line + "\r\n" for line in screen.text()))
                self.assertEqual([line for line in screen.text() if "%" in line], [], "no bar was left, as one that wraps would be")

    def test_no_escapes_where_the_terminal_knows_none(self):
        for kind in ("dumb", ""):
            _, text = self.run_on(80, "--fresh", "--threads", "1", "commands", "sleep 0.4; echo out {}", ":::", "1", "2", "3", TERM=kind)
            self.assertNotIn("\x1b", text)
        _, text = self.run_on(80, "--fresh", "--threads", "1", "commands", "sleep 0.4; echo out {}", ":::", "1", "2", "3", NO_COLOR="1")
        self.assertNotIn("\x1b[3", text)

    def test_progress_in_a_file_is_lines(self):
        for ranks in ([], ["-n", "2"]):
            done = self.home.run("run", "--progress", "--fresh", *ranks, "--threads", "1", "synthetic", "--chunks", "6", "--seconds",
                                 0.4 * (1 + bool(ranks)))
            self.assertRegex(done.stderr, r"(?m)^stint: synthetic-\S+: +\d+%  \d/6 chunks  ")
            self.assertNotRegex(done.stderr, "[\x1b\r]")


if __name__ == "__main__":
    unittest.main()

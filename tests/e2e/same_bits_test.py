# SPDX-License-Identifier: Apache-2.0
"""The result has the same bits for any number of ranks and threads, with stealing and without. The sum of `synthetic`
depends on the order of its additions, and its digest on every partial in order."""

import itertools
import unittest

from stint_home import StintHome


class SameBits(unittest.TestCase):
    def check(self, *job):
        with StintHome() as home:
            expected = home.run("run", "--threads", 1, *job).stdout
            self.assertTrue(expected)
            for ranks, threads, steal in itertools.product((1, 2, 3, 5), (1, 2, 4), (True, False)):
                with self.subTest(ranks=ranks, threads=threads, steal=steal):
                    words = ["run", "--fresh", "--threads", threads, *([] if steal else ["--no-steal"]), *job]
                    found = home.run(*words, launcher=("mpirun", "-n", str(ranks)) if ranks > 1 else ())
                    self.assertEqual(found.stdout.replace("\r\n", "\n"), expected)

    def test_many_empty_chunks(self):
        self.check("synthetic", "--chunks", 100_003)

    def test_few_uneven_chunks(self):
        self.check("synthetic", "--chunks", 61, "--seconds", "0.002", "--skew", "pareto", "--payload", 5000)

    def test_chunks_that_are_parallel_inside(self):
        self.check("pi", "--points", 50_000_000)

    def test_the_launcher_gives_the_same(self):
        with StintHome() as home:
            job = ("synthetic", "--chunks", 5000)
            expected = home.run("run", *job).stdout
            for ranks in (2, 3, 5):
                self.assertEqual(home.run("run", "--fresh", "-n", ranks, *job).stdout, expected)


class Check(unittest.TestCase):
    def test_check_compares_chunks_with_other_thread_counts(self):
        with StintHome() as home:
            self.assertIn("4 chunks checked", home.run("run", "--check", 4, "pi", "--points", 30_000_000).stderr)


if __name__ == "__main__":
    unittest.main()

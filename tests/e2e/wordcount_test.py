# SPDX-License-Identifier: Apache-2.0
"""wordcount against a plain count in Python, on text that is hard to cut; and on very many small files."""

import collections
import os
import pathlib
import random
import unittest

from stint_home import StintHome

SMALL_FILES = int(os.environ.get("STINT_TEST_SMALL_FILES", "1000000"))
WHITE = b" \t\n\v\f\r"


def count(texts, top=None):
    """What wordcount prints for these texts."""
    table = bytes.maketrans(WHITE, b" " * len(WHITE))
    counts = collections.Counter()
    for text in texts:
        counts.update(word for word in text.translate(table).split(b" ") if word)
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]
    return b"".join(b"%d\t%s\n" % (number, word) for word, number in rows)


class Wordcount(unittest.TestCase):
    def check(self, texts, chunk_sizes=("1", "7", "64", "4K", "1M"), ranks=2):
        with StintHome() as home:
            folder = home.folder / "text"
            folder.mkdir()
            for number, text in enumerate(texts):
                (folder / f"{number:06}").write_bytes(text)
            for size in chunk_sizes:
                with self.subTest(chunk_size=size):
                    found = home.run("run", "-n", ranks, "wordcount", "--top", 0, "--chunk-size", size, folder, text=False)
                    self.assertEqual(found.stdout, count(texts))

    def test_words_at_borders_of_files_and_chunks(self):
        self.check([b"one two", b"three\n", b" four", b"", b"\n\n", b"five six\tseven\r\neight\v\fnine", b"ten"])

    def test_bytes_that_are_not_text(self):
        dice = random.Random(3)
        noise = bytes(dice.choice(b"ab \n\0\xff\xc3") for _ in range(5000))
        self.check([noise, noise[::-1]], ("3", "100", "1M"))

    def test_empty_files_alone(self):
        self.check([b"", b""], ("1M",))

    def test_a_word_of_100_mib(self):
        self.check([b"before " + b"x" * (100 << 20) + b" after"], ("1M", "64M"))

    def test_several_files_and_a_list_of_more(self):
        with StintHome() as home:
            for number, text in enumerate(("a b", "b c", "c d", "c")):
                (home.folder / f"{number}.txt").write_text(text)
            listed = home.folder / "list"
            listed.write_text(f"{home.folder}/2.txt\n{home.folder}/3.txt\n")
            found = home.run("run", "wordcount", home.folder / "0.txt", home.folder / "1.txt", "--files-from", listed)
            self.assertEqual(found.stdout, "3\tc\n2\tb\n1\ta\n1\td\n")

    def test_top_is_made_anew_from_the_stored_result(self):
        with StintHome() as home:
            text = home.folder / "text"
            text.write_bytes(b"a a a b b c d")
            home.run("run", "wordcount", text)
            again = home.run("run", "wordcount", "--top", 2, text)
            self.assertEqual(again.stdout, "3\ta\n2\tb\n")
            self.assertIn("nothing computed", again.stderr)
            self.assertEqual(home.run("result", "last", "--top", "1").stdout, "3\ta\n")

    def test_many_small_files(self):
        with StintHome() as home:
            folder = home.folder / "small"
            for shelf in range(100):
                (folder / f"{shelf:02}").mkdir(parents=True)
            texts = [home.folder / f"text-{number}" for number in range(50)]
            for number, text in enumerate(texts):
                text.write_text(f"w{number} common")
            for number in range(SMALL_FILES):  # links are files like others, and made in half the time
                os.link(texts[number % 50], f"{folder}/{number % 100:02}/{number}")
            rows = home.run("run", "-n", 2, "wordcount", "--top", 1, folder, seconds=600).stdout
            self.assertEqual(rows, f"{SMALL_FILES}\tcommon\n")


if __name__ == "__main__":
    unittest.main()

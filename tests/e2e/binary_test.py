# SPDX-License-Identifier: Apache-2.0
"""How the program and its library are linked: nothing is loaded from the current folder, and what the compiler can do
against overwritten memory is switched on. Reads them with readelf; nothing is run."""

import os
import pathlib
import re
import subprocess
import unittest

PROGRAM = pathlib.Path(os.environ["STINT"])
SANITIZED = "__asan_init" in subprocess.run(["readelf", "--dyn-syms", "-W", PROGRAM], capture_output=True, text=True, check=True).stdout


def files():
    return [PROGRAM, *PROGRAM.parent.parent.glob("lib/libstint.so")]


def readelf(file, *options):
    return subprocess.run(["readelf", "-W", *options, file], capture_output=True, text=True, check=True).stdout


class Binary(unittest.TestCase):
    def test_libraries_are_never_loaded_from_the_current_folder(self):
        for file in files():
            for path in re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", readelf(file, "-d")):
                for element in path.split(":"):
                    self.assertRegex(element, r"^(/|\$ORIGIN)", f"{file}: {path}")

    @unittest.skipIf(SANITIZED, "sanitizers have ways of their own")
    def test_the_program_is_hardened(self):
        for file in files():
            with self.subTest(file=file.name):
                self.assertRegex(readelf(file, "-h"), r"Type:\s+DYN")  # position independent
                self.assertIn("GNU_RELRO", readelf(file, "-l"))
                self.assertRegex(readelf(file, "-d"), r"BIND_NOW|FLAGS.*NOW")
                symbols = readelf(file, "--dyn-syms")
                self.assertTrue("__stack_chk_fail" in symbols)
                # The program hardly calls what _FORTIFY_SOURCE looks at.
                self.assertTrue(file == PROGRAM or re.search(r" __\w+_chk@", symbols), "_FORTIFY_SOURCE")


if __name__ == "__main__":
    unittest.main()

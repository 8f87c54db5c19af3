# SPDX-License-Identifier: Apache-2.0
"""Installs Stint into a temporary folder and uses it from there as a user outside this project would: the README's
hello world by find_package and by pkg-config, and the project that `stint new` writes."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

CMAKE = os.environ["CMAKE"]
BUILD = os.environ["STINT_BUILD"]
SOURCE = pathlib.Path(os.environ["STINT_SOURCE"])
CXX = os.environ["CXX"]

PROJECT = """cmake_minimum_required(VERSION 3.22)
project(pi LANGUAGES CXX)
find_package(stint REQUIRED)
add_executable(pi pi.cpp)
target_link_libraries(pi PRIVATE stint::stint)
"""


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="stint-installed-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = cls.folder / "prefix"
        cls.environment = {name: value for name, value in os.environ.items() if not name.startswith("STINT")}
        cls.environment["STINT_HOME"] = str(cls.folder / "home")
        cls.run_in(cls.folder, CMAKE, "--install", BUILD, "--prefix", cls.prefix)
        cls.stint = cls.prefix / "bin" / "stint"
        cls.addClassCleanup(cls.run_in, cls.folder, cls.stint, "serve", "--stop")

    @classmethod
    def run_in(cls, folder, *command, **environment):
        """stdout of the command; an error with all that it said unless it returns 0."""
        done = subprocess.run([str(part) for part in command], cwd=folder, env={**cls.environment, **environment},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=500)
        if done.returncode != 0:
            raise AssertionError(f"{command} returned {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def hello_world(self, name):
        """A new folder that holds the program of the README."""
        programs = [text for text in re.findall(r"```cpp\n(.*?)```", (SOURCE / "README.md").read_text(), re.DOTALL)
                    if "int main" in text]
        self.assertEqual(1, len(programs), "the README has one whole program")
        folder = self.folder / name
        folder.mkdir()
        (folder / "pi.cpp").write_text(programs[0])
        return folder

    def check_pi(self, program):
        """The same bits from one rank, from two and from mpirun's own ranks, each computed anew."""
        folder = program.parent
        options = ["run", "--points", "1e6", "-q", "--fresh"]
        one = self.run_in(folder, program, *options)
        self.assertRegex(one, r"\A3\.14\d*\n\Z")
        self.assertEqual(one, self.run_in(folder, program, "run", "-n", "2", *options[1:]))
        self.assertEqual(one, self.run_in(folder, "mpirun", "-q", "--bind-to", "none", "-n", "2", program, *options))
        self.assertEqual(one, self.run_in(folder, program, *options[:-1]), "the stored result")

    def test_find_package_builds_the_hello_world_of_the_readme(self):
        folder = self.hello_world("by_cmake")
        (folder / "CMakeLists.txt").write_text(PROJECT)
        self.run_in(folder, CMAKE, "-B", "build", f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_CXX_COMPILER={CXX}")
        self.run_in(folder, CMAKE, "--build", "build")
        self.check_pi(folder / "build" / "pi")

    def test_pkg_config_builds_the_hello_world_as_the_readme_says(self):
        folder = self.hello_world("by_pkg_config")
        lines = [line.strip() for line in (SOURCE / "README.md").read_text().splitlines()
                 if line.startswith("    export CMAKE_PREFIX_PATH=") or line.startswith("    g++ ")]
        self.assertEqual(2, len(lines), lines)
        script = " && ".join(lines).replace("~/stint", str(self.prefix)).replace("g++ ", f"{CXX} ")
        self.run_in(folder, "sh", "-c", script)
        self.check_pi(folder / "pi")

    def new_project(self, stint, name):
        """The folder of a project that `stint new` wrote, built and tested by the lines that it printed."""
        said = self.run_in(self.folder, stint, "new", name)
        lines = [line.strip() for line in said.splitlines() if line.startswith("  ")]
        self.assertEqual((3, f"cd {name}"), (len(lines), lines[0]), said)
        self.run_in(self.folder, "sh", "-c", " && ".join(lines[:2] + [lines[2].replace("1e10", "1e5")]), CXX=CXX)
        folder = self.folder / name
        self.assertIn(lines[1].split(" && ")[0], (folder / "README.md").read_text())
        return folder

    def test_stint_new_writes_a_project_that_is_built_as_it_says(self):
        folder = self.new_project(self.stint, "demo")
        for name in ("CMakeLists.txt", "demo.cpp", "test.cmake", "run.sbatch", "README.md"):
            self.assertNotIn("{{", (folder / name).read_text(), name)
        self.run_in(folder, "bash", "-n", "run.sbatch")
        self.assertIn('"${STINT:-$SLURM_SUBMIT_DIR/build/demo}" run -n', (folder / "run.sbatch").read_text())

    def test_stint_new_of_a_stint_that_is_not_installed_does_so_too(self):
        self.new_project(pathlib.Path(BUILD) / "bin" / "stint", "from_build")

    def test_what_readme_names_is_installed(self):
        shared = self.prefix / "share"
        documents = {path.name for path in shared.glob("doc/**/*.md")}
        self.assertLessEqual({path.name for path in SOURCE.glob("docs/*.md")} | {"README.md"}, documents)
        self.assertEqual({path.name for path in SOURCE.glob("slurm/*.sbatch")},
                         {path.name for path in shared.glob("stint/slurm/*")})
        self.assertTrue((shared / "stint" / "jobs" / "pi.hpp").exists())

    def test_the_installed_program_knows_its_version_and_its_jobs(self):
        version = re.search(r"project\(stint VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text()).group(1)
        self.assertIn(version, self.run_in(self.folder, self.stint, "--version"))
        self.assertIn("wordcount", self.run_in(self.folder, self.stint, "run", "--help"))

    def test_man_pages_come_with_help2man(self):
        pages = sorted(path.name for path in self.prefix.glob("share/man/man1/*.1"))
        if shutil.which("help2man"):
            self.assertIn("stint.1", pages)
            self.assertIn("stint-run.1", pages)
        else:
            self.assertEqual([], pages)


if __name__ == "__main__":
    unittest.main()

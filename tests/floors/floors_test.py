# SPDX-License-Identifier: Apache-2.0
"""A file includes only its own floor or a lower one (docs/architecture.md, 'Floors and rooms'), and each foreign library
is known to one folder. Reads the #include lines of include/, src/ and jobs/; nothing is compiled."""

import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The first row whose path begins a file's path gives its floor.
FLOORS = [
    ("include/stint/stint.hpp", 4),  # all of the public headers in one
    ("include/stint/main.hpp", 4),
    ("include/stint/detail/adapter.hpp", 1),
    ("include/stint/archive.hpp", 1),
    ("include/stint/", 0),
    ("src/base/", 0),
    ("src/redis/", 1),
    ("src/mpi/", 1),
    ("src/codec/", 1),
    ("src/blackboard/", 2),
    ("src/engine/", 3),
    ("src/cli/", 4),
    ("jobs/", 5),
]

# A header whose name begins so may be included under these paths alone.
KNOWN_TO = [
    ("hiredis", ["src/redis/"]),
    ("mpi.h", ["src/mpi/"]),
    ("boost/archive", ["src/codec/", "include/stint/archive.hpp"]),
]

# Under the first path nothing of the second is included, though its floor is lower.
BLIND = [
    ("src/engine/", "src/redis/"),
    ("src/engine/", "src/mpi/"),
    ("src/engine/", "src/blackboard/redis_blackboard.hpp"),
    ("src/redis/", "src/mpi/"),
    ("src/redis/", "src/codec/"),
    ("src/mpi/", "src/redis/"),
    ("src/mpi/", "src/codec/"),
    ("src/codec/", "src/redis/"),
    ("src/codec/", "src/mpi/"),
    ("jobs/", "src/"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def floor_of(path):
    return next((floor for start, floor in FLOORS if path.startswith(start)), None)


def resolve(root, path, header):
    """The project's file that `header` means in the file `path`; None for a foreign one."""
    for folder in (pathlib.PurePath(path).parent, "src", "include"):
        candidate = root / folder / header
        if candidate.is_file():
            return candidate.resolve().relative_to(root.resolve()).as_posix()
    return None


def offences_of(root, path):
    text = (root / path).read_text(encoding="utf-8")
    floor = floor_of(path)
    if floor is None:
        yield f"{path}: lies on no floor; add its folder to the table"
        return
    for mark, header in INCLUDE.findall(text):
        for start, homes in KNOWN_TO:
            if header.startswith(start) and not any(path.startswith(home) for home in homes):
                yield f"{path}: includes <{header}>, which only {' and '.join(homes)} may"
        target = resolve(root, path, header)
        if target is None:
            if mark == '"' or header.startswith("stint/"):
                yield f'{path}: includes "{header}", which is nowhere in the project'
            continue
        target_floor = floor_of(target)
        if target_floor is None or target_floor > floor:
            yield f"{path}: floor {floor} includes {target}, floor {target_floor}"
        for start, hidden in BLIND:
            if path.startswith(start) and target.startswith(hidden):
                yield f"{path}: includes {target}, and {start} knows nothing of {hidden}"


def offences(root):
    paths = sorted(
        file.relative_to(root).as_posix()
        for folder in ("include", "src", "jobs")
        for file in (root / folder).rglob("*")
        if file.suffix in (".hpp", ".cpp", ".h")
    )
    return [offence for path in paths for offence in offences_of(root, path)]


class Floors(unittest.TestCase):
    def test_every_file_includes_only_its_floor_or_a_lower_one(self):
        self.assertEqual([], offences(ROOT))

    def offences_with(self, path, line):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            present = ["src/engine/worker.hpp", "src/redis/connection.hpp", "src/cli/run.hpp", "include/stint/range.hpp",
                       "include/stint/main.hpp", "src/blackboard/blackboard.hpp"]
            for name in present:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text("")
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(line + "\n")
            return offences(root)

    def test_sees_a_higher_floor(self):
        self.assertEqual(1, len(self.offences_with("src/engine/x.cpp", '#include "cli/run.hpp"')))
        self.assertEqual(1, len(self.offences_with("include/stint/plan.hpp", "#include <stint/main.hpp>")))

    def test_sees_a_foreign_library_away_from_its_folder(self):
        for line in ("#include <hiredis/hiredis.h>", "#include <mpi.h>", "# include <boost/archive/binary_oarchive.hpp>"):
            self.assertEqual(1, len(self.offences_with("src/cli/x.cpp", line)), line)

    def test_sees_redis_in_the_engine_and_the_engine_in_a_job(self):
        self.assertEqual(1, len(self.offences_with("src/engine/x.cpp", '#include "redis/connection.hpp"')))
        self.assertEqual(1, len(self.offences_with("jobs/x.cpp", '#include "engine/worker.hpp"')))

    def test_sees_a_header_that_is_nowhere_and_a_folder_without_a_floor(self):
        self.assertEqual(1, len(self.offences_with("src/engine/x.cpp", '#include "engine/gone.hpp"')))
        self.assertEqual(1, len(self.offences_with("src/other/x.cpp", "")))

    def test_lets_lower_floors_and_the_standard_library_pass(self):
        self.assertEqual([], self.offences_with("src/engine/x.cpp", '#include <vector>\n#include <stint/range.hpp>\n'
                                                '#include "engine/worker.hpp"\n#include "blackboard/blackboard.hpp"'))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""`stint doctor` names what would hurt a run, says what to change, and its exit code says whether a run can start."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import unittest

from stint_home import StintHome, eventually

MACHINE = ["mpirun", "launch", "recovery", "binding", "user", "cores", "OpenMP", "memory", "overcommit", "huge pages",
           "open files", "processes", "clock"]
EMBEDDED = ["server", "home", "space", "file system", "lock", "fsync", "data", "socket"]
BOARD = ["board", "role", "cluster", "scripts", "persistence", "last write", "eviction", "board memory", "clients", "busy",
         "access", "board clock", "round trip"]


@contextlib.contextmanager
def redis_server(folder, *options):
    """A redis-server of the test's own, by its address."""
    path = pathlib.Path(folder) / "own.sock"
    data = pathlib.Path(folder) / "own.data"
    data.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    server = subprocess.Popen(["redis-server", "--unixsocket", path, "--unixsocketperm", "700", "--save", "", "--port", "0",
                               "--dir", data, *map(str, options)], stdout=subprocess.DEVNULL)
    try:
        eventually(10, "redis-server is there", path.exists)
        yield f"unix://{path}"
    finally:
        server.terminate()
        server.wait()


class Doctor(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(StintHome()) if hasattr(self, "enterContext") else self.entered(StintHome())
        for name in list(self.home.environment):
            if name.startswith(("OMP_PROC", "OMP_PLACES", "OMP_THREAD")):
                del self.home.environment[name]

    def entered(self, context):
        self.addCleanup(context.__exit__, None, None, None)
        return context.__enter__()

    def doctor(self, *words, code=0):
        """The checks by name, in their order, from --json."""
        done = self.home.run("doctor", "--json", *words, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")
        report = json.loads(done.stdout)
        self.assertEqual(sorted(report), ["checks", "schema"])
        self.assertEqual(report["schema"], 1)
        for check in report["checks"]:
            self.assertEqual(sorted(check), ["advice", "found", "name", "state"])
            self.assertIn(check["state"], ("ok", "warn", "bad"))
            self.assertTrue(check["found"], check)
            self.assertEqual(check["state"] == "ok", check["advice"] == "", check)
        checks = {check["name"]: check for check in report["checks"]}
        self.assertEqual(len(checks), len(report["checks"]), "each name once")
        return checks

    def assert_check(self, checks, name, state, *texts):
        self.assertEqual(checks[name]["state"], state, checks[name])
        for text in texts:
            self.assertRegex(checks[name]["found"] + "; " + checks[name]["advice"], text)

    def test_a_fresh_home_has_no_board_and_gets_none(self):
        checks = self.doctor()
        self.assertEqual(list(checks), MACHINE + EMBEDDED + ["board"])
        self.assert_check(checks, "board", "ok", "none is running.*stint run starts it")
        self.assert_check(checks, "recovery", "ok", "rank 0 was killed, rank 1 went on")
        self.assert_check(checks, "launch", "ok", r"2 ranks .* \d+\.\d s")
        self.assert_check(checks, "home", "ok", "mode 700")
        self.assertEqual(sorted(path.name for path in (self.home.folder / "home").iterdir()), [], "nothing is left there")
        self.assertEqual(self.home.pids(), [], "no process is left")

    def test_the_embedded_board_is_fit_for_a_run(self):
        self.home.run("serve")
        self.home.run("run", "-q", "pi", "--points", 1000)
        checks = self.doctor()
        self.assertEqual(list(checks), MACHINE + EMBEDDED + BOARD)
        for name in BOARD:
            if name != "round trip":  # the machine may be busy
                self.assert_check(checks, name, "ok")
        self.assert_check(checks, "board", "ok", r"Redis \d+\.\d+.*, 1 run$|Valkey .*, 1 run$|, 1 run;")
        self.assert_check(checks, "persistence", "ok", "append-only file, appendfsync everysec")
        self.assertEqual(self.home.status()["state"], "done", "the run is still there")

    def test_lines_for_people_say_the_same(self):
        done = self.home.run("doctor")
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), len(MACHINE + EMBEDDED) + 1 + 2, done.stdout)
        for line in lines[:-2]:
            self.assertRegex(line, r"^(ok  |warn|bad )  \S")
        self.assertRegex(lines[-1], r"^22 checks: \d+ ok, \d+ warn, 0 bad$")
        self.assertEqual(done.stderr, "")

    def test_a_board_that_evicts_is_bad_and_one_without_a_file_is_warned_of(self):
        with redis_server(self.home.folder, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru",
                          "--maxclients", 40) as board:
            checks = self.doctor("--board", board, code=3)
            self.assertEqual(list(checks), MACHINE + BOARD)
            self.assert_check(checks, "eviction", "bad", "allkeys-lru", "CONFIG SET maxmemory-policy noeviction")
            self.assert_check(checks, "persistence", "warn", "no append-only file", "restart of the server loses the run")
            self.assert_check(checks, "clients", "warn", "[0-9] more ranks fit")
            self.assertEqual(3, self.home.run("run", "--board", board, "pi", "--points", 5, check=False).returncode)

    def test_a_board_that_refuses_writes_is_bad(self):
        for options, name, text in ((("--maxmemory", 1000), "scripts", "OOM.*stint rm"),
                                    (("--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "yes"), "role",
                                     "replica of 127.0.0.1:1.*primary")):
            with self.subTest(name), redis_server(self.home.folder, *options) as board:
                self.assert_check(self.doctor("--board", board, code=3), name, "bad", text)

    def test_a_board_that_tells_little_is_taken_as_it_is(self):
        with redis_server(self.home.folder, "--rename-command", "CONFIG", "", "--appendonly", "yes") as board:
            checks = self.doctor("--board", board)
            self.assert_check(checks, "persistence", "ok", "appendfsync not told")
            self.assert_check(checks, "busy", "ok", "not told")
            self.assert_check(checks, "eviction", "ok", "noeviction")

    def test_a_password_is_asked_for_and_never_shown(self):
        with redis_server(self.home.folder, "--requirepass", "geheim", "--appendonly", "yes") as board:
            self.assert_check(self.doctor("--board", board, code=3), "board", "bad", "password.*STINT_BOARD")
            self.home.environment["STINT_BOARD"] = board.replace("unix://", "unix://:geheim@")
            checks = self.doctor()
            self.assert_check(checks, "access", "ok", "asks for a password")
            self.assertNotIn("geheim", json.dumps(checks))

    def test_a_board_that_is_not_there_is_one_line_and_exit_code_3(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            board = f"redis://127.0.0.1:{probe.getsockname()[1]}"
        checks = self.doctor("--board", board, code=3)
        self.assertEqual(list(checks), MACHINE + ["board"])
        self.assert_check(checks, "board", "bad", "refused.*--board")

    def test_an_open_port_is_warned_of(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with redis_server(self.home.folder, "--port", port, "--protected-mode", "no", "--bind", "127.0.0.1") as _:
            self.assert_check(self.doctor("--board", f"redis://127.0.0.1:{port}"), "access", "ok", "this machine alone")

    def test_openmp_variables_that_spoil_a_run_are_named(self):
        self.home.environment["OMP_PROC_BIND"] = "close"
        checks = self.doctor()
        self.assert_check(checks, "OpenMP", "warn", "OMP_PROC_BIND=close.*unset")
        usable = len(os.sched_getaffinity(0))
        self.assert_check(checks, "cores", checks["cores"]["state"], rf"^{usable} of ")

    def test_without_programs_it_says_which_to_install(self):
        self.home.environment["PATH"] = str(self.home.folder)
        checks = self.doctor(code=3)
        self.assert_check(checks, "mpirun", "bad", "not on the PATH", "apt install openmpi-bin")
        self.assert_check(checks, "server", "bad", "not|neither", "apt install redis-server")
        self.assertNotIn("launch", checks)

    def test_an_mpirun_that_does_not_recover_is_found_out(self):
        program = self.home.folder / "bin" / "mpirun"
        program.parent.mkdir()
        real = shutil.which("mpirun")
        program.write_text("#!/bin/bash\nwords=()\nfor word; do [ \"$word\" = --enable-recovery ] || words+=(\"$word\"); done\n"
                           f"exec {real} \"${{words[@]}}\"\n")
        program.chmod(0o755)
        self.home.environment["PATH"] = f"{program.parent}:{self.home.environment['PATH']}"
        checks = self.doctor(code=2)
        self.assert_check(checks, "launch", "ok")
        self.assert_check(checks, "recovery", "bad", "rank 1 was ended with it", "ends the run")

    def test_a_home_that_others_can_read_and_one_that_cannot_be(self):
        home = pathlib.Path(self.home.environment["STINT_HOME"])
        home.mkdir(mode=0o755)
        home.chmod(0o755)
        self.assert_check(self.doctor(), "home", "warn", "mode 755", "chmod 700")
        home.rmdir()
        home.write_text("")
        self.assert_check(self.doctor(code=3), "home", "bad", "set STINT_HOME")
        home.unlink()

    def test_a_bad_option_is_one_line(self):
        done = self.home.run("doctor", "--board", "http://localhost", check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()

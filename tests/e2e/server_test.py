# SPDX-License-Identifier: Apache-2.0
"""The embedded blackboard, its home and its guardian: folders that vanish, spellings and names of the home, data of other
users, data that are damaged or far larger than what they hold. Real processes; each wait is for a condition."""

import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from stint_home import STINT, StintHome, eventually, last_append_only_file


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(StintHome())
        self.folder = pathlib.Path(self.home.environment["STINT_HOME"])

    def guardian(self):
        """Its pid, as it says it; None: there is none."""
        try:
            pid = int((self.folder / "serve.lock").read_text().split()[1])
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            return pid if b"--foreground" in words else None
        except (OSError, IndexError):
            return None

    def socket(self):
        return pathlib.Path((self.folder / "serve.lock").read_text().rstrip("\n").split(" ", 4)[4])

    def quick(self, *words, seconds=5.0, code=0):
        """Runs stint, which must end within so many seconds, far below any wait of old."""
        begun = time.monotonic()
        done = self.home.run(*words, check=False, seconds=60)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertLess(time.monotonic() - begun, seconds, done.stderr)
        return done

    def refused(self, code, *words):
        done = self.quick("run", "pi", "--points", 100, code=code)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_run_goes_on_when_the_folder_of_the_socket_vanishes(self):
        for runtime_stays in (True, False):
            with self.subTest(runtime_stays=runtime_stays):
                runtime = self.home.folder / f"runtime-{runtime_stays}"
                runtime.mkdir(mode=0o700)
                self.home.environment["XDG_RUNTIME_DIR"] = str(runtime)
                log = self.home.folder / "log"
                log.unlink(missing_ok=True)
                with subprocess.Popen([STINT, "run", "--fresh", "--threads", "2", "synthetic", "--chunks", "200", "--seconds", "0.02",
                                       "--append", str(log)], env=self.home.environment, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True) as run:
                    eventually(20, "it computes", lambda: log.exists() and len(log.read_text().splitlines()) > 20)
                    shutil.rmtree(self.socket().parent if runtime_stays else runtime)
                    out, said = run.communicate(timeout=40)
                self.assertEqual(run.returncode, 0, said)
                self.assertNotEqual(out, "")
                self.assertTrue(self.socket().exists())
                self.quick("ls")
                self.quick("serve", "--stop")
                self.assertFalse(self.socket().parent.exists(), "its folder goes with the server")

    def test_the_guardian_ends_without_its_socket(self):
        for how in ("TERM", "--stop"):
            with self.subTest(how):
                self.quick("serve")
                guardian = self.guardian()
                os.kill(guardian, signal.SIGSTOP)  # or it makes the socket anew before we are done
                shutil.rmtree(self.socket().parent)
                os.kill(guardian, signal.SIGCONT)
                if how == "TERM":
                    os.kill(guardian, signal.SIGTERM)
                else:
                    self.quick("serve", "--stop")
                eventually(10, "the guardian has ended", lambda: self.guardian() is None)
                self.assertEqual(self.home.pids(), [])
                self.assertEqual(list(self.folder.glob("serve.lease.*")), [], "the data are free for another host")

    def test_another_environment_finds_the_socket(self):
        self.quick("serve")
        pid = self.guardian()
        for runtime in (self.home.folder / "none", None):
            self.home.environment.pop("XDG_RUNTIME_DIR")
            if runtime:
                self.home.environment["XDG_RUNTIME_DIR"] = str(runtime)
            self.quick("ls")
            self.assertEqual(self.guardian(), pid)

    def test_another_spelling_of_the_home_is_the_same_home(self):
        self.quick("run", "pi", "--points", 100)
        (self.home.folder / "link").symlink_to("home")
        first = self.home.run("ls").stdout.split()[5]
        for spelling in (f"{self.folder}/", f"{self.folder}/.", f"{self.home.folder}//home/../home", f"{self.home.folder}/link/"):
            self.home.environment["STINT_HOME"] = spelling
            self.assertIn(first, self.quick("ls").stdout, spelling)
        self.home.environment["STINT_HOME"] = str(self.folder)

    def test_a_home_within_the_input_is_not_input(self):
        (self.home.folder / "text").write_text("one two two\n")
        first = self.quick("run", "wordcount", self.home.folder)
        second = self.quick("run", "wordcount", self.home.folder)
        self.assertEqual(first.stdout, second.stdout)
        self.assertIn("nothing computed", second.stderr)
        for own in (self.folder, self.folder / "data", self.folder / "redis.log"):
            self.assertIn("Stint keeps its own files", self.quick("run", "wordcount", own, code=2).stderr)

    def test_a_home_may_have_any_name(self):
        for name in ('"', "\\", "a\nb", "*", "[x]", " ", "'", "\\x41", "${HOME}", "ä\xff", "#", "x" * 200):
            with self.subTest(name):
                self.folder = self.home.folder / "names" / name
                self.home.environment["STINT_HOME"] = str(self.folder)
                self.assertTrue(self.quick("run", "pi", "--points", 100).stdout.startswith("3."))
                self.quick("serve", "--stop")
                self.assertTrue((self.folder / "data/appendonlydir").exists())
                self.assertIn("pi-", self.quick("ls").stdout)
                self.quick("serve", "--stop")

    def test_data_that_are_damaged_are_refused(self):
        self.quick("run", "pi", "--points", 100)
        self.quick("serve", "--stop")
        folder = self.folder / "data/appendonlydir"
        manifest = folder / "appendonly.aof.manifest"
        text = manifest.read_bytes()
        file = last_append_only_file(folder)
        data = file.read_bytes()

        manifest.unlink()
        self.refused(4, "lost their manifest", "put back a copy")
        manifest.write_bytes(text)
        begin = data.index(b"EXEC")
        file.write_bytes(data[:begin] + b"\0" * 512 + data[begin + 512:])
        self.refused(4, "damaged at byte", "redis-check-aof --fix")
        base = next(folder.glob("*.base.rdb"))
        good = base.read_bytes()
        file.write_bytes(data)
        base.write_bytes(good[:-3] + b"xyz")
        self.refused(4, "are damaged", "redis-check-aof")
        base.unlink()
        self.refused(4, "are damaged", base.name)
        base.write_bytes(good)
        self.assertIn("pi-", self.quick("ls").stdout)
        self.quick("serve", "--stop")

        with open(file, "ab") as end:
            end.write(b"*3\r\n$3\r\nSET\r\n$1")
        said = self.quick("run", "pi", "--points", 100).stderr
        self.assertIn("15 bytes were cut off", said)
        self.assertEqual(pathlib.Path(f"{file}.cut").read_bytes(), b"*3\r\n$3\r\nSET\r\n$1")

    def test_data_that_are_gone_are_not_a_first_start(self):
        self.quick("run", "pi", "--points", 100)
        self.quick("serve", "--stop")
        folder = self.folder / "data/appendonlydir"
        file = last_append_only_file(folder)
        data = file.read_bytes()
        away = self.home.folder / "away"

        def is_refused(*words):
            self.refused(4, *words)
            for verb in (("ls",), ("status", "last"), ("result", "last"), ("serve",)):
                done = self.quick(*verb, code=4)
                self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
            checks = self.home.run("doctor", check=False).stdout
            self.assertRegex(checks, r"bad +data +the blackboard's data are gone")

        file.write_bytes(b"")
        is_refused(file.name, "is empty", "put back a copy")
        file.write_bytes(data)
        for lost in (folder, folder.parent):
            lost.rename(away)
            is_refused("holds no data", str(self.folder / "data.mark"))
            away.rename(lost)
        self.assertIn("pi-", self.quick("ls").stdout)
        self.quick("serve", "--stop")
        folder.rename(away)
        (self.folder / "data.mark").unlink()
        self.quick("run", "pi", "--points", 100)
        self.quick("serve", "--stop")
        last_append_only_file(folder).write_bytes(b"*")  # all but the first byte lost with the machine
        for _ in range(2):
            self.assertEqual(self.quick("ls").stdout, "")
            self.quick("serve", "--stop")

    def test_an_end_that_is_not_damage_says_nothing_of_it(self):
        self.home.environment["STINT_REDIS_SERVER"] = "/bin/false"
        done = self.quick("run", "pi", "--points", 100, code=3)
        self.assertIn("ended at once", done.stderr)
        self.assertNotIn("redis-check-aof", done.stderr)

    def test_a_home_that_others_own_or_may_change_is_refused(self):
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.refused(2, "other users may write to it", "STINT_HOME")
        self.folder.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(self.folder, 65534, 65534)
            self.refused(2, "belongs to user nobody", "STINT_HOME")
            os.chown(self.folder, 0, 0)
        secret = self.folder / "secret"
        secret.write_text("known\n")
        secret.chmod(0o644)
        self.refused(2, str(secret), "chmod 600")
        secret.chmod(0o600)
        for text in ("", "\n", "fifteen letters", "\n0123456789abcdef0123456789abcdef\n"):
            secret.write_text(text)
            self.refused(2, str(secret), "no password of at least 16 characters", "remove it")
        secret.unlink()
        for name in ("secret", "board", "serve.lock", "serve.lease.1"):
            (self.folder / name).symlink_to(self.home.folder / "elsewhere")
            self.refused(2, name, "link")
            (self.folder / name).unlink()
        self.assertFalse((self.home.folder / "elsewhere").exists())

    def test_a_secret_that_is_emptied_under_a_server_can_be_made_anew(self):
        self.quick("run", "pi", "--points", 100)
        secret = self.folder / "secret"
        secret.write_text("")
        for verb in (("ls",), ("serve", "--stop")):
            self.assertIn("remove it, and end a blackboard that runs", self.quick(*verb, code=2).stderr)
        secret.unlink()
        self.quick("serve", "--stop")
        self.assertIn("pi-", self.quick("ls").stdout)
        self.assertEqual(len(secret.read_text()), 33)

    def test_no_link_in_the_home_is_followed(self):
        elsewhere = self.home.folder / "elsewhere"
        elsewhere.mkdir(mode=0o700)
        self.folder.mkdir(mode=0o700)
        log = self.folder / "redis.log"
        for target in (elsewhere / "log", elsewhere, "/dev/null"):
            log.symlink_to(target)
            self.refused(2, f"{log}: it is a link")
            log.unlink()
        for name in ("data", "data/appendonlydir"):
            link = self.folder / name
            shutil.rmtree(link, ignore_errors=True)
            link.parent.mkdir(mode=0o700, exist_ok=True)
            link.symlink_to(elsewhere)
            self.refused(2, f"{link}: it is a link")
            link.unlink()
        self.quick("run", "--run-id", "r", "commands", "echo", ":::", "1")
        for name in ("runs", "runs/r"):
            link = self.folder / name
            link.rename(self.home.folder / "kept")
            link.symlink_to(elsewhere)
            for verb in (("run", "--run-id", "r", "commands", "echo", ":::", "1"), ("result", "r"), ("rm", "r")):
                self.assertIn(f"{link}: it is a link", self.quick(*verb, code=2).stderr)
            link.unlink()
            (self.home.folder / "kept").rename(link)
        self.assertEqual(list(elsewhere.iterdir()), [])
        self.assertEqual(self.quick("result", "r").stdout, "1\n")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_host_name_may_have_an_underscore(self):
        script = ("import socket, subprocess, sys\nsocket.sethostname('my_host')\n"
                  "sys.exit(subprocess.call(sys.argv[1:]))")
        done = self.home.run("run", "-n", 2, "--fresh", "pi", "--points", 300, launcher=["unshare", "--uts", "python3", "-c", script])
        self.assertTrue(done.stdout.startswith("3."), done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_what_misses_is_named(self):
        other = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", "env", "-u", "HOME", "-u", "XDG_STATE_HOME"]
        for launcher, words in (([*other, "-u", "STINT_HOME"], "neither STINT_HOME nor HOME is set"),
                                ([*other, "STINT_HOME=/proc/none/x"], "/proc/none/x"),
                                ([*other, f"STINT_HOME={self.home.folder}/closed/home"],
                                 f"Permission denied in {self.home.folder}/closed, which belongs to user root"),
                                ([*other, f"STINT_HOME={self.folder}"], "belongs to user root")):
            for verb in (("run", "pi", "--points", 100), ("ls",)):
                self.folder.mkdir(exist_ok=True)
                self.home.folder.chmod(0o755)
                (self.home.folder / "closed").mkdir(mode=0o700, exist_ok=True)
                done = self.home.run(*verb, launcher=launcher, check=False)
                if verb == ("ls",) and "belongs to user root" not in words:
                    continue  # nothing is looked at
                self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
                self.assertIn(words, done.stderr)

    def test_folders_are_private_whatever_the_umask_is(self):
        old = os.umask(0)
        try:
            self.quick("run", "pi", "--points", 100)
        finally:
            os.umask(old)
        for path in [self.folder, *self.folder.rglob("*"), self.socket().parent]:
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_a_lease_with_an_absurd_number_is_removed(self):
        self.folder.mkdir(mode=0o700)
        absurd = self.folder / "serve.lease.18446744073709551615"
        absurd.write_text("boot 1 host 1\n")
        absurd.chmod(0o600)
        self.quick("serve")
        self.assertFalse(absurd.exists())

    def test_a_guardian_that_gives_no_sign_is_named_and_one_that_dies_is_not_waited_for(self):
        self.quick("serve")
        guardian = self.guardian()
        os.kill(guardian, signal.SIGSTOP)
        self.home.redis_cli("SHUTDOWN")
        with subprocess.Popen([STINT, "ls"], env=self.home.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as ls:
            eventually(10, "another guardian waits", lambda: len([pid for pid in self.home.pids() if pid != guardian]) >= 2)
            begun = time.monotonic()
            os.kill(guardian, signal.SIGKILL)
            self.assertEqual(ls.wait(20), 0, ls.stderr.read())
            self.assertLess(time.monotonic() - begun, 5)

    def test_data_that_are_no_longer_needed_go(self):
        for seed in range(3):
            self.home.run("run", "--run-id", f"big{seed}", "synthetic", "--chunks", 40, "--payload", 400000)
            self.home.run("rm", f"big{seed}")
        folder = self.folder / "data/appendonlydir"

        def is_small():
            try:
                return sum(file.stat().st_size for file in folder.iterdir()) < 1 << 20
            except FileNotFoundError:  # one that the server has just replaced
                return False

        eventually(30, "the file is small", is_small)
        self.quick("serve", "--stop")
        self.quick("ls", seconds=1)

    def test_what_a_batch_job_started_ends_with_its_last_command_and_what_serve_started_does_not(self):
        self.home.environment["PBS_JOBID"] = "77.host"
        for words in (("run", "pi", "--points", 100), ("run", "-n", 2, "pi", "--points", 200), ("ls",)):
            self.quick(*words, seconds=15)
            self.assertIsNone(self.guardian(), words)
            self.assertEqual(list(self.folder.glob("serve.lease.*")), [], "another host need not wait")
        self.quick("serve")
        for words in (("run", "pi", "--points", 100), ("ls",)):
            self.quick(*words)
            self.assertIsNotNone(self.guardian(), words)
        self.quick("serve", "--stop")
        # Whoever else uses it keeps it.
        begun, may_end = self.home.folder / "begun", self.home.folder / "may-end"
        command = f"touch {begun}; until [ -e {may_end} ]; do sleep {{}}; done"
        with subprocess.Popen([STINT, "run", "commands", command, ":::", "0.02"], env=self.home.environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            eventually(20, "it runs", begun.exists)
            guardian = self.guardian()
            self.assertIn("running", self.home.run("ls").stdout)
            self.quick("ls")
            self.assertEqual(self.guardian(), guardian)
            may_end.touch()
            self.assertEqual(run.wait(30), 0)
        self.assertIsNone(self.guardian())

    def test_runs_whose_time_is_over_go_with_their_files(self):
        self.quick("run", "--run-id", "old", "commands", "echo", ":::", "1")
        self.assertTrue((self.folder / "runs/old").exists())
        ttl = int(self.home.redis_cli("TTL", "stint:{old}:run"))
        self.assertTrue(13 * 86400 < ttl <= 14 * 86400, ttl)
        self.home.redis_cli("DEL", "stint:{old}:run")
        self.quick("serve", "--stop")
        self.quick("serve")
        eventually(10, "it is forgotten", lambda: not (self.folder / "runs/old").exists())
        self.assertEqual(self.home.redis_cli("ZRANGE", "stint:runs", 0, -1).strip(), "")


if __name__ == "__main__":
    unittest.main()

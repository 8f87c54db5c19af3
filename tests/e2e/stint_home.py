# SPDX-License-Identifier: Apache-2.0
"""A blackboard of a test's own, and stint on it: a temporary STINT_HOME whose server is ended at the end, by its pid."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

STINT = os.environ["STINT"]


class StintHome:
    """Use as a context manager. Every process that is started here is ended here."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stint-test-"))
        self.environment = dict(os.environ, STINT_HOME=str(self.folder / "home"), XDG_RUNTIME_DIR=str(self.folder))
        for name in ("STINT_BOARD", "OMP_NUM_THREADS"):
            self.environment.pop(name, None)
        return self

    def __exit__(self, *_):
        self.run("serve", "--stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words, launcher=(), check=True, seconds=120, text=True):
        """Runs stint to its end. Fails with what it said unless it returns 0 (or `check` is false)."""
        # Called by its bare name: so its advice names it.
        done = subprocess.run([*launcher, STINT if launcher else "stint", *map(str, words)], executable=None if launcher else STINT,
                              env=self.environment, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL, text=text,
                              check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"stint {' '.join(map(str, words))}: exit code {done.returncode}\n{done.stderr}")
        return done

    def start(self, *words):
        """Starts stint in a process group of its own; its output is thrown away."""
        return subprocess.Popen([STINT, *map(str, words)], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def status(self, run="last"):
        return json.loads(self.run("status", run, "--json").stdout)

    def redis_cli(self, *words):
        """What redis-cli prints, asked at the embedded blackboard."""
        home = pathlib.Path(self.environment["STINT_HOME"])
        socket = next(self.folder.glob("**/redis.sock"))
        return subprocess.run(["redis-cli", "-s", socket, *map(str, words)], capture_output=True, text=True, timeout=60,
                              errors="replace", check=True,
                              env=dict(self.environment, REDISCLI_AUTH=(home / "secret").read_text().strip())).stdout

    def pids(self):
        """Every process that carries this home in its environment: ranks, mpirun, the guardian; and its server, which
        writes its title over its environment: the title names the socket in our folder."""
        mark = f"STINT_HOME={self.environment['STINT_HOME']}\0".encode()
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    title = (entry / "cmdline").read_bytes()
                    if (mark in (entry / "environ").read_bytes() + b"\0"
                            or re.match(rb"\S*(redis|valkey)-server ", title) and bytes(self.folder) + b"/" in title):
                        found.append(int(entry.name))
                except OSError:
                    pass
        return found

    def kill_everything(self):
        """SIGKILL to every process of this home, the server included, and to those that they start meanwhile."""

        def kill_who_is_there():
            pids = self.pids()
            # All stop before one dies: a rank that outlived its command for a moment would report it as failed, and one that
            # outlived its server would work on, and could hand in nothing.
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in pids:
                    try:
                        os.kill(pid, number)
                    except ProcessLookupError:
                        pass
            return not pids

        eventually(20, "all processes are gone", kill_who_is_there)


class Server:
    """A redis-server of the test's own, on a UNIX socket in `folder`; ended by stop(). With `port` and `bind` on TCP, too;
    `prefix`: the words that run it elsewhere."""

    def __init__(self, folder, *settings, prefix=(), port=0, bind="127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.prefix = list(prefix)
        self.where = ["--port", str(port), "--bind", bind, *(["--protected-mode", "no"] if port else [])]
        self.socket = self.folder / "socket"
        self.url = f"unix://{self.socket}"
        self.settings = settings
        self.start()

    def start(self, wait=True):
        program = os.environ.get("STINT_REDIS_SERVER") or "redis-server"
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, program, *self.where, "--unixsocket", str(self.socket), "--dir", str(self.folder), "--save", "",
                 "--appendonly", "yes", "--appendfsync", "everysec", *self.settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        if wait:
            eventually(20, "the server answers", lambda: self.command("PING") in ("PONG", "NOAUTH Authentication required."))

    def command(self, *words):
        """The reply, or the error, as redis-cli prints it."""
        done = subprocess.run(["redis-cli", "-s", str(self.socket), *map(str, words)], capture_output=True, text=True,
                              errors="replace", timeout=60, check=False)
        return (done.stdout or done.stderr).strip()

    def workers(self, run):
        return self.command("HKEYS", f"stint:{{{run}}}:workers").split()

    def stop(self, how=signal.SIGKILL):
        """With SIGKILL it may lose its last second, when the disk is slow; with SIGTERM nothing."""
        self.process.send_signal(how)
        self.process.wait()

    def last_file(self):
        """The append-only file that it writes to."""
        return last_append_only_file(self.folder / "appendonlydir")


def command_line(pid):
    """Its words, each ended by a NUL byte; empty: it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def last_append_only_file(folder):
    return max(pathlib.Path(folder).glob("*.incr.aof"), key=lambda file: int(file.name.split(".")[-3]))


def eventually(seconds, what, condition):
    """Waits for a condition, with a bound."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def closing_numbers(stderr):
    """(computed here, found in the checkpoint, computed again) of the last line of a run."""
    match = re.search(r"([\d,]+) computed here, ([\d,]+) found in the checkpoint(?:, [\d,]+ failed)?, ([\d,]+) computed again", stderr)
    return tuple(int(number.replace(",", "")) for number in match.groups())

# SPDX-License-Identifier: Apache-2.0
"""The two kinds of blackboard that a storm hits: the one that Stint starts by itself, looked after by its guardian, and a
server of the storm's own behind a proxy, which the storm itself starts again."""

import os
import pathlib
import signal
import socket
import subprocess
import time

import processes
from proxy import Proxy
from stint_home import eventually


def cut_append_only_file(folder, amount):
    """Takes up to `amount` bytes off the end of the file that a server in `folder` was writing to."""
    files = list(pathlib.Path(folder).glob("*.incr.aof"))
    if not files:
        return 0
    last = max(files, key=lambda file: int(file.name.split(".")[-3]))
    size = last.stat().st_size
    os.truncate(last, max(0, size - amount))
    return min(size, amount)


def await_gone(pid):
    eventually(20, f"process {pid} is gone", lambda: not processes.alive(pid))


def pause(pid, seconds):
    if processes.send(pid, signal.SIGSTOP):
        try:
            time.sleep(seconds)  # the fault itself
        finally:
            processes.send(pid, signal.SIGCONT)


class EmbeddedBoard:
    """Starts with the first world; its guardian starts a server that died."""

    arguments = ()
    proxy = None

    def __init__(self, home):
        self.home = home
        home.run("serve")

    def kill(self, seconds=0.0, cut=0):
        guardian = processes.guardian(self.home)
        server = processes.embedded_server(self.home)
        if server is None:
            return
        if guardian is not None:
            processes.send(guardian, signal.SIGSTOP)  # or it starts the next server before the cut
        try:
            processes.kill(server)
            await_gone(server)
            if cut:
                cut_append_only_file(pathlib.Path(self.home.environment["STINT_HOME"]) / "data/appendonlydir", cut)
            time.sleep(seconds)
        finally:
            if guardian is not None:
                processes.send(guardian, signal.SIGCONT)

    def pause(self, seconds):
        server = processes.embedded_server(self.home)
        if server is not None:
            pause(server, seconds)

    def kill_guardian(self):
        guardian = processes.guardian(self.home)
        if guardian is not None:
            processes.kill(guardian)

    def socket(self):
        return next(pathlib.Path(self.home.folder).glob("stint-*/redis.sock"), None)

    def close(self):
        pass  # the home ends it


class OwnBoard:
    """A redis-server on a UNIX socket in the home's folder, and a proxy in front of it."""

    def __init__(self, home, proxy=True, settings=()):
        self.folder = pathlib.Path(home.folder) / "board"
        self.folder.mkdir(exist_ok=True)
        self.settings = settings
        self.process = None
        self.start()
        self.proxy = Proxy(self.folder / "front", self.socket()) if proxy else None
        self.url = f"unix://{self.folder / 'front' if proxy else self.socket()}"
        self.arguments = ("--board", self.url)

    def socket(self):
        return self.folder / "back"

    def start(self, wait=True):
        program = os.environ.get("STINT_REDIS_SERVER") or "redis-server"
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [program, "--port", "0", "--unixsocket", str(self.socket()), "--dir", str(self.folder), "--save", "",
                 "--appendonly", "yes", "--appendfsync", "everysec", *self.settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        if wait:
            eventually(20, "the server answers", lambda: self.process.poll() is not None or self.answers())

    def answers(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            try:
                client.connect(str(self.socket()))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith((b"+PONG", b"-NOAUTH"))
            except OSError:
                return False

    def command(self, *words, check=True):
        """The reply as redis-cli prints it."""
        done = subprocess.run(["redis-cli", "-s", str(self.socket()), *map(str, words)], capture_output=True, text=True,
                              timeout=60, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"redis-cli {words}: {done.stdout}{done.stderr}")
        return done.stdout.rstrip("\n")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def kill(self, seconds=0.0, cut=0):
        self.stop()
        if cut:
            cut_append_only_file(self.folder / "appendonlydir", cut)
        time.sleep(seconds)
        self.start()

    def pause(self, seconds):
        pause(self.process.pid, seconds)

    def close(self):
        if self.proxy:
            self.proxy.close()
        self.stop()

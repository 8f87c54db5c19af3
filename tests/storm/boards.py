# SPDX-License-Identifier: Apache-2.0
"""The two kinds of blackboard that a storm hits: the one that Stint starts by itself, looked after by its guardian, and a
server of the storm's own behind a proxy, which the storm itself starts again."""

import os
import pathlib
import signal
import time

import processes
from proxy import Proxy
from stint_home import Server, eventually, last_append_only_file


def cut_append_only_file(folder, amount):
    """Takes up to `amount` bytes off the end of the file that a server in `folder` was writing to; never all, which is a loss
    that no crash explains."""
    file = last_append_only_file(folder)
    size = file.stat().st_size
    os.truncate(file, max(min(size, 1), size - amount))


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

    def secret(self):
        return (pathlib.Path(self.home.environment["STINT_HOME"]) / "secret").read_text().strip()

    def close(self):
        pass  # the home ends it


class OwnBoard:
    """A redis-server on a UNIX socket in the home's folder, and a proxy in front of it."""

    def __init__(self, home):
        self.server = Server(pathlib.Path(home.folder) / "board")
        self.proxy = Proxy(self.server.folder / "front", self.server.socket)
        self.arguments = ("--board", f"unix://{self.proxy.front}")

    def kill(self, seconds=0.0, cut=0):
        self.server.stop()
        if cut:
            cut_append_only_file(self.server.folder / "appendonlydir", cut)
        time.sleep(seconds)
        self.server.start()

    def pause(self, seconds):
        pause(self.server.process.pid, seconds)

    def socket(self):
        return self.server.socket

    def secret(self):
        return ""

    def close(self):
        self.proxy.close()
        self.server.stop()

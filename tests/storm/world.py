# SPDX-License-Identifier: Apache-2.0
"""One `stint run -n N` of a storm: its launcher, mpirun and ranks, and what they said."""

import signal
import subprocess
import time

import processes
from stint_home import STINT


class World:
    def __init__(self, home, number, ranks, command):
        self.home, self.number, self.ranks_wanted = home, number, ranks
        self.command = [STINT, "run", "-n", str(ranks), *map(str, command)]
        self.begun = time.monotonic()
        self.killed = False
        self.joined = False  # started while another was at work
        # Files, not pipes: a rank that outlives its launcher must not keep the driver waiting.
        self._files = [open(home.folder / f"world-{number}.{name}", "w+b") for name in ("out", "err")]
        self.process = subprocess.Popen(self.command, env=home.environment, stdin=subprocess.DEVNULL,
                                        stdout=self._files[0], stderr=self._files[1], start_new_session=True)
        self._mpirun = None

    def mpirun(self):
        """The pid of the present one, once it is there; it stays known when the launcher is gone."""
        for pid in self.home.pids():
            if processes.parent(pid) == self.process.pid:
                self._mpirun = pid
        return self._mpirun

    def ranks(self):
        mpirun = self.mpirun()
        return processes.ranks(self.home, mpirun) if mpirun else {}

    def running(self):
        return self.process.poll() is None

    def terminate(self):
        if self.running():
            self.process.send_signal(signal.SIGTERM)

    def kill(self):
        """Launcher first, then mpirun, then the ranks: nobody may report the death of another."""
        self.killed = True
        victims = (self.process.pid, self.mpirun(), *self.ranks().values())
        ours = set(self.home.pids())  # a number that was known long ago may be somebody else's by now
        for pid in victims:
            if pid in ours:
                processes.kill(pid)

    def read(self):
        """(stdout as bytes, stderr as text) so far."""
        texts = []
        for file in self._files:
            with open(file.name, "rb") as again:
                texts.append(again.read())
        return texts[0], texts[1].decode(errors="replace")

    def close(self):
        for file in self._files:
            file.close()

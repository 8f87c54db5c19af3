# SPDX-License-Identifier: Apache-2.0
"""Processes of one STINT_HOME, as /proc shows them. Nothing here names a process that the storm did not start."""

import os
import pathlib
import signal


def parent(pid):
    """None: it is gone, or a zombie, which is as good."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[1])


def alive(pid):
    return parent(pid) is not None


def words(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def variable(pid, name):
    try:
        for entry in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            key, _, value = entry.partition(b"=")
            if key == name.encode():
                return value.decode(errors="replace")
    except OSError:
        pass
    return None


def send(pid, number):
    """False: it is gone."""
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


def kill(pid):
    # A stopped process dies of SIGKILL as well.
    return send(pid, signal.SIGKILL)


def ranks(home, mpirun=None):
    """{rank: pid} of the ranks of this home, of one mpirun or of any."""
    found = {}
    for pid in home.pids():
        rank = variable(pid, "OMPI_COMM_WORLD_RANK")
        above = parent(pid)
        if rank is not None and above is not None and (mpirun is None or above == mpirun):
            found[int(rank)] = pid
    return found


def guardian(home):
    return next((pid for pid in home.pids() if "serve" in words(pid)[1:2] and alive(pid)), None)


def embedded_server(home):
    return next((pid for pid in home.pids() if pathlib.Path(words(pid)[:1] and words(pid)[0].split(" ")[0] or "").name
                 in ("redis-server", "valkey-server") and alive(pid)), None)

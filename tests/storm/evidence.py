# SPDX-License-Identifier: Apache-2.0
"""What a reader wants to see of a storm that failed: what was said, what is on the blackboard, where the ranks stand."""

import os
import shutil
import subprocess

import processes


def output_of(*words, env=None):
    try:
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, errors="replace", timeout=20, env=env,
                              check=False)
        return (done.stdout + done.stderr).strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)


def keys(socket, secret, run):
    def ask(*words):
        return output_of("redis-cli", "-s", socket, *words, env=dict(os.environ, REDISCLI_AUTH=secret))

    lines = []
    for key in sorted(ask("--scan", "--pattern", f"stint:{{{run}}}:*").splitlines()):
        kind = ask("TYPE", key)
        look = {"hash": ("HGETALL", key), "zset": ("ZRANGE", key, 0, -1, "WITHSCORES"), "stream": ("XRANGE", key, "-", "+")}
        if key.endswith(":nodes"):
            look["hash"] = ("HKEYS", key)
        if key.endswith(":done"):
            look["string"] = ("BITCOUNT", key)
        text = ask(*look.get(kind, ("GET", key))).replace("\n", " | ")
        lines.append(f"{key}: {''.join(c if c.isprintable() else '.' for c in text[:6000])}")
    return "\n".join(lines)


def collect_evidence(storm):
    parts = [f"faults that hit: {', '.join(storm.injector.hit) if storm.injector else ''}"]
    for world in storm.worlds:
        out, said = world.read()
        parts.append(f"world {world.number}, exit code {world.process.poll()}, stdout {out!r}, stderr:\n{said[-3000:]}")
    ranks = processes.ranks(storm.home)
    if ranks and shutil.which("gdb"):
        for rank, pid in ranks.items():
            stacks = output_of("gdb", "-p", pid, "-batch", "-nx", "-ex", "thread apply all bt 12")
            parts.append(f"stacks of rank {rank}:\n{stacks[-6000:]}")
    status = output_of(storm.worlds[0].command[0] if storm.worlds else "stint", "status", "storm", *storm.board.arguments,
                       env=storm.home.environment)
    parts.append(f"status:\n{status}")
    if shutil.which("redis-cli") and storm.board.socket():
        parts.append(f"keys:\n{keys(storm.board.socket(), storm.board.secret(), 'storm')}")
    return "\n".join(parts)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what bench/README.md promises, and prints one JSON line a figure.

    bench/measure.py [--build DIR] [--text FOLDER] [--repeat N] [FIGURE…]

FIGURE: start empty memory tail wordcount overhead restart lost-rank lost-leader lost-server commands commands-tail
commands-memory; none: all. Stint and the plain program it is compared with run in turn, A B A B, and each pair gives one
ratio; the median of the ratios counts. Needs 2 free cores, and for commands GNU parallel."""

import argparse
import functools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Bench:
    def __init__(self, options):
        self.repeat = options.repeat
        self.text = options.text
        self.runs = options.runs
        self.bin = pathlib.Path(options.build).resolve() / "bin"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stint-bench-"))
        self.environment = dict(os.environ, STINT_HOME=str(self.folder / "home"), XDG_RUNTIME_DIR=str(self.folder))
        self.environment.pop("STINT_BOARD", None)

    def close(self):
        self.stint("serve", "--stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *words):
        begun = time.monotonic()
        done = subprocess.run([str(word) for word in words], env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout, time.monotonic() - begun

    def stint(self, *words):
        return self.command(self.bin / "stint", *words)

    @functools.cached_property
    def socket_path(self):
        return self.stint("serve")[0].strip().removeprefix("unix://")

    def summary(self, *words):
        file = self.folder / "summary.json"
        self.stint("run", "--summary", file, *words)
        return json.loads(file.read_text())

    def redis(self, *words):
        """One command to the embedded server; its answer as raw text."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.socket_path)
            line = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
            connection.sendall(f"*{len(words)}\r\n{line}".encode())
            connection.settimeout(1)
            answer = b""
            while b"\r\n" not in answer or (answer.startswith(b"$") and
                                            len(answer) < int(answer[1:answer.index(b"\r\n")])):
                answer += connection.recv(65536)
            return answer.decode()

    # The figures. Each yields dictionaries.

    def start(self):
        """Runs of ten empty chunks beside two busy processes, in pairs with mpirun and a program that does MPI_Init, a barrier
        and MPI_Finalize on as many ranks (for -n 1: the same program alone)."""
        self.stint("serve")
        environment = dict(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self.environment.update(environment)
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
        try:
            for ranks in (1, 2, 4, 8):
                world = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", ranks] if ranks > 1 else []
                times, ratios = [], []
                for _ in range(self.runs):
                    hello = self.command(*world, self.bin / "mpi_hello")[1]
                    times.append(self.stint("run", "-q", "-n", ranks, "synthetic", "--chunks", 10, "--fresh")[1])
                    ratios.append(times[-1] / hello)
                median = statistics.median(times)
                yield {"ranks": ranks, "runs": self.runs, "seconds": round(median, 3), "slowest": round(max(times), 3),
                       "slowest_over_median": round(max(times) / median, 2), "over_mpi_hello": round(statistics.median(ratios), 3)}
        finally:
            for process in busy:
                process.kill()
                process.wait()

    def empty(self):
        """Chunks a second from start to result: whole processes, mpirun and MPI_Init included."""
        for chunks in (10_000_000, 100_000_000):
            for _ in range(self.repeat):
                _, seconds = self.stint("run", "-n", 2, "--threads", 1, "--fresh", "synthetic", "--chunks", chunks)
                yield {"chunks": chunks, "seconds": round(seconds, 3), "chunks_per_second": round(chunks / seconds)}

    def memory(self):
        """Peak memory of Redis over a run, above what it has when idle; with and without one bit a chunk."""
        for chunks in (100_000, 10_000_000):
            for _ in range(self.repeat):
                self.stint("serve", "--stop")
                shutil.rmtree(self.folder / "home", ignore_errors=True)  # its peak would count what is loaded
                before = int(re.search(r"used_memory:(\d+)", self.redis("INFO", "memory")).group(1))
                self.stint("run", "-n", 2, "--threads", 1, "synthetic", "--chunks", chunks)
                peak = int(re.search(r"used_memory_peak:(\d+)", self.redis("INFO", "memory")).group(1))
                yield {"chunks": chunks, "peak_bytes": peak, "above_idle": peak - before,
                       "without_bits": peak - chunks // 8}

    @staticmethod
    def heavy_tailed_seconds():
        """400 of them, the long ones last, 160 in all."""
        dice = random.Random(1)
        lengths = sorted(dice.paretovariate(2.0) for _ in range(400))
        scale = 160 / sum(lengths)
        return [length * scale for length in lengths]

    def tail(self):
        """400 sleeping chunks of heavy-tailed length, the long ones last, on 8 ranks of 1 thread."""
        lengths = self.heavy_tailed_seconds()
        file = self.folder / "durations"
        file.write_text("".join(f"{length:.6f}\n" for length in lengths))
        ideal = sum(lengths) / 8
        free = [0.0] * 8  # when each worker of perfect list scheduling gets free
        for length in lengths:
            free[free.index(min(free))] += length
        yield {"perfect_list_scheduling": round(max(free) / ideal, 4)}
        for how in ([], ["--longest-first"]):
            for _ in range(self.repeat):
                found = self.summary("-n", 8, "--threads", 1, "--fresh", "synthetic", "--durations", file, *how)
                yield {"longest_first": bool(how), "over_ideal": round(found["compute_seconds"] / ideal, 4),
                       "steals": found["steals"]}

    def commands(self):
        """5,000 times `true` on 2 threads, whole processes, against xargs and GNU parallel with two at a time."""
        file = self.folder / "commands"
        file.write_text("true\n" * 5000)
        parallel = dict(self.environment, PARALLEL_HOME=str(self.folder))
        ratios = []
        for number in range(self.repeat):
            _, seconds = self.stint("run", "--threads", 2, "--fresh", "commands", file)
            begun = time.monotonic()
            with file.open() as lines:
                subprocess.run(["xargs", "-P2", "-I{}", "true"], stdin=lines, env=self.environment, check=True)
            xargs = time.monotonic() - begun
            ratios.append(seconds / xargs)
            figure = {"seconds": round(seconds, 3), "xargs_seconds": round(xargs, 3), "over_xargs": round(seconds / xargs, 3)}
            if number == 0 and shutil.which("parallel"):
                begun = time.monotonic()
                with file.open() as lines:
                    subprocess.run(["parallel", "--will-cite", "-j2"], stdin=lines, env=parallel, check=True)
                figure["over_parallel"] = round(seconds / (time.monotonic() - begun), 3)
            yield figure
        yield {"over_xargs_median": round(statistics.median(ratios), 3)}

    def commands_tail(self):
        """400 sleeps of heavy-tailed length, the long ones last, 8 at a time; then with the job log of the first."""
        lengths = self.heavy_tailed_seconds()
        file, log = self.folder / "sleeps", self.folder / "joblog"
        file.write_text("".join(f"sleep {length:.6f}\n" for length in lengths))
        ideal = sum(lengths) / 8
        for how in ([], ["--expect", log]):
            for _ in range(self.repeat):
                found = self.summary("--threads", 8, "--fresh", "commands", *([] if how else ["--joblog", log]), *how, file)
                yield {"expected": bool(how), "over_ideal": round(found["compute_seconds"] / ideal, 4)}

    def commands_memory(self):
        """Peak memory of the process that runs them, 5,000 and 100,000 commands."""
        for count in (5_000, 100_000):
            file = self.folder / "commands"
            file.write_text("true\n" * count)
            words = [str(self.bin / "stint"), "run", "--threads", "2", "--fresh", "commands", str(file)]
            code = ("import resource,subprocess,sys;subprocess.run(sys.argv[1:],check=True,capture_output=True);"
                    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
            kib, seconds = self.command(sys.executable, "-c", code, *words)
            yield {"commands": count, "peak_kib": int(kib), "seconds": round(seconds, 1)}

    def wordcount(self):
        """Whole processes over the same bytes, two threads each."""
        if not self.text:
            sys.exit("wordcount needs --text FOLDER with the text to count")
        bytes_ = sum(file.stat().st_size for file in pathlib.Path(self.text).rglob("*") if file.is_file())
        ratios = []
        for warm_up in range(self.repeat + 1):
            ours, seconds = self.stint("run", "--threads", 2, "--fresh", "wordcount", self.text)
            plain, limit = self.command(self.bin / "plain_wordcount", 2, self.text)
            if ours != plain:
                sys.exit("wordcount and the plain program differ")
            if warm_up == 0:
                continue
            ratios.append(limit / seconds)
            yield {"bytes": bytes_, "seconds": round(seconds, 3), "plain_seconds": round(limit, 3),
                   "mb_per_second": round(bytes_ / seconds / 1e6), "of_plain": round(limit / seconds, 4)}
        yield {"of_plain_median": round(statistics.median(ratios), 4)}

    def overhead(self):
        """A minute of chunks of 100 ms, against the same kernel in a plain OpenMP loop on as many threads."""
        ratios = []
        for _ in range(self.repeat):
            _, seconds = self.stint("run", "--threads", 2, "--fresh", "synthetic", "--work", "spin", "--seconds", 0.1,
                                    "--chunks", 1200)
            _, limit = self.command(self.bin / "plain_kernel", 2, 1200, 0.1)
            ratios.append(seconds / limit)
            yield {"seconds": round(seconds, 3), "plain_seconds": round(limit, 3), "ratio": round(seconds / limit, 4)}
        yield {"ratio_median": round(statistics.median(ratios), 4)}

    def restart(self):
        """SIGKILL to mpirun and its ranks; then from the start of the second mpirun to its first new chunk."""
        for number in range(self.repeat):
            log = self.folder / f"computed-{number}"
            words = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "2", str(self.bin / "stint"), "run",
                     "--run-id", f"restart-{number}", "--threads", "1", "synthetic", "--chunks", "2000", "--seconds",
                     "0.01", "--append", str(log)]
            first = subprocess.Popen(words, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            while not log.exists() or log.read_bytes().count(b"\n") < 500:
                time.sleep(0.001)
            ranks = subprocess.run(["pgrep", "-P", str(first.pid)], capture_output=True, text=True, check=False).stdout
            for pid in [first.pid, *map(int, ranks.split())]:
                os.kill(pid, signal.SIGKILL)
            first.wait()
            time.sleep(0.2)  # the last of the killed are gone
            lines = log.read_text().count("\n")
            size = log.stat().st_size
            begun = time.monotonic()
            second = subprocess.Popen(words, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, text=True)
            while log.stat().st_size == size:
                time.sleep(0.001)
            seconds = time.monotonic() - begun
            _, said = second.communicate()
            found = int(re.search(r"([\d,]+) found in the checkpoint", said).group(1).replace(",", ""))
            total = log.read_text().count("\n")
            yield {"seconds_to_first_chunk": round(seconds, 3), "computed_before": lines, "found": found,
                   "computed_twice": total - 2000}

    def world(self, run, *job):
        return subprocess.Popen([str(self.bin / "stint"), "run", "-n", "4", "--threads", "1", "--run-id", run,
                                 *map(str, job)], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self, *words):
        """One command to the embedded server; its answer as text, none while it does not answer."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(self.socket_path)
                connection.sendall(" ".join(words).encode() + b"\r\n")
                return connection.recv(1 << 16).decode(errors="replace")
        except OSError:
            return None

    def done(self, run):
        answer = self.ask("HGET", f"stint:{{{run}}}:run", "done") or ""
        return int(answer.splitlines()[1]) if answer.count("\n") > 1 else 0

    def kill_rank(self, rank):
        mark = f"OMPI_COMM_WORLD_RANK={rank}\0".encode()
        home = f"STINT_HOME={self.environment['STINT_HOME']}\0".encode()
        for entry in pathlib.Path("/proc").iterdir():
            try:
                environment = (entry / "environ").read_bytes() if entry.name.isdigit() else b""
            except OSError:
                continue
            if mark in environment and home in environment:
                os.kill(int(entry.name), signal.SIGKILL)

    def lost_rank(self):
        """SIGKILL to one of four ranks: how long until its chunks are in the pool (default lease, 10 s), and what it cost."""
        for number in range(self.repeat):
            run = f"lost-rank-{number}"
            begun = time.monotonic()
            world = self.world(run, "synthetic", "--chunks", 2000, "--seconds", 0.02)
            while self.done(run) < 500:
                time.sleep(0.01)
            self.kill_rank(2)
            killed = time.monotonic()
            while (self.ask("HGET", f"stint:{{{run}}}:run", "reaped") or "").splitlines()[1:2] != ["1"]:
                time.sleep(0.01)
            reaped = time.monotonic() - killed
            world.wait()
            yield {"seconds_until_given_up": round(reaped, 2), "seconds": round(time.monotonic() - begun, 2)}

    def lost_leader(self):
        """SIGKILL to rank 0 while it merges and folds nodes of 256 KiB: seconds until the result (lease 2 s)."""
        for number in range(self.repeat):
            run = f"lost-leader-{number}"
            world = self.world(run, "--lease", 2, "synthetic", "--chunks", 1500, "--payload", "256K")
            while self.done(run) < 1400:
                time.sleep(0.002)
            self.kill_rank(0)
            killed = time.monotonic()
            code = world.wait()
            yield {"seconds_to_result": round(time.monotonic() - killed, 2), "leases": 2, "exit": code}

    def lost_server(self):
        """SIGKILL to redis-server: from its first PONG after the restart to the next commit."""
        for number in range(self.repeat):
            run = f"lost-server-{number}"
            world = self.world(run, "synthetic", "--chunks", 2000, "--seconds", 0.01)
            while self.done(run) < 500:
                time.sleep(0.01)
            os.kill(int(re.search(r"process_id:(\d+)", self.ask("INFO", "server")).group(1)), signal.SIGKILL)
            killed = time.monotonic()

            while not (self.ask("PING") or "").startswith("+PONG"):
                time.sleep(0.002)
            pong = time.monotonic()
            before = self.done(run)
            while self.done(run) <= before:
                time.sleep(0.002)
            yield {"seconds_down": round(pong - killed, 3), "seconds_to_commit": round(time.monotonic() - pong, 3)}
            world.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="short runs for each number of ranks of `start`")
    parser.add_argument("figures", nargs="*", metavar="FIGURE")
    parser.add_argument("--build", default=ROOT / "build", help="build folder (default: build)")
    parser.add_argument("--text", help="folder of text for wordcount")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT", "1")
    os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
    bench = Bench(options)
    try:
        for name in options.figures or ["start", "empty", "memory", "tail", "wordcount", "overhead", "restart", "lost-rank",
                                        "lost-leader", "lost-server", "commands", "commands-tail", "commands-memory"]:
            for figure in getattr(bench, name.replace("-", "_"))():
                print(json.dumps({"figure": name, **figure}), flush=True)
    finally:
        bench.close()


if __name__ == "__main__":
    main()

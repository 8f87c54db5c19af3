# SPDX-License-Identifier: Apache-2.0
"""Storms: real worlds under faults at random moments, by seed. After each the result has the bytes of a run without
faults, nothing is lost or failed, and what was computed again is what the faults had in hand.

    storm.py --seeds 20 [--first S]     so many storms, one after the other
    storm.py --seed S [--show]          one of them, or only what it does
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import sys
import threading
import time

os.environ.setdefault("STINT", str(pathlib.Path(__file__).parents[2] / "build/bin/stint"))
sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1] / "e2e")]
import processes  # noqa: E402
from boards import EmbeddedBoard, OwnBoard  # noqa: E402
from evidence import collect_evidence  # noqa: E402
from fault_plan import KINDS, plan_of  # noqa: E402
from injector import Injector  # noqa: E402
from stint_home import StintHome, eventually  # noqa: E402
from world import World  # noqa: E402

RUN = "storm"
BOARD_TIMEOUT = 8     # seconds; longer than any outage that a plan makes
WORLD_SECONDS = 60    # no world may take longer
STARTS = 8            # so often the same command is given


class StormFailure(Exception):
    """What a storm found; its text is for the reader."""


class Storm:
    def __init__(self, plan, home, say):
        self.plan, self.home, self.say = plan, home, say
        self.log = home.folder / "computed"
        self.worlds = []
        self.mutex = threading.Lock()  # the injector starts a second world
        self.board = None
        self.injector = None

    def command(self, *more):
        plan = self.plan
        return ["--threads", 1, "--lease", plan.lease, "--commit-every", plan.commit_every, "--run-id", RUN,
                "--board-timeout", BOARD_TIMEOUT, *self.board.arguments, *more, "synthetic", "--chunks", plan.chunks,
                "--seconds", plan.chunk_seconds, "--skew", plan.skew, "--append", self.log]

    def start_world(self, ranks):
        with self.mutex:
            world = World(self.home, len(self.worlds), ranks, self.command())
            self.worlds.append(world)
            return world

    def begun(self):
        """Chunks that have begun at least once, and all beginnings."""
        if not self.log.exists():
            return 0, 0
        times = collections.Counter(line.split()[0] for line in self.log.read_text().splitlines())
        return len(times), sum(times.values())

    # The storm itself.

    def run(self):
        self.board = EmbeddedBoard(self.home) if self.plan.board == "embedded" else OwnBoard(self.home)
        try:
            plain = ["--chunks", self.plan.chunks, "--skew", self.plan.skew]
            fair = ("run", "--run-id", "fair", *self.board.arguments, "synthetic", *plain)
            expected = self.home.run(*fair, text=False).stdout
            begun = time.monotonic()
            self.injector = Injector(self)
            self.injector.start()
            try:
                result = self.rerun_until_done()
            finally:
                self.injector.stop()
            self.await_the_rest()
            self.check(expected, result)
            return time.monotonic() - begun
        except Exception as error:
            what = str(error) if isinstance(error, StormFailure) else f"{type(error).__name__}: {error}"
            raise StormFailure(f"{what}\n{collect_evidence(self)}") from error
        finally:
            for world in self.worlds:
                world.kill()
                world.process.wait()
                world.close()
            self.board.close()
            for pid in self.home.pids():
                processes.kill(pid)

    def rerun_until_done(self):
        """The same command until it says that it is complete; what it printed."""
        for _ in range(STARTS):
            world = self.start_world(self.plan.ranks)
            self.injector.world_started(world)
            self.await_world(world)
            code = world.process.returncode
            out, said = world.read()
            self.say(f"    world {world.number}: exit code {code} after {time.monotonic() - world.begun:.1f} s")
            if code == 0:
                return world
            if not self.is_legitimate(code, said, world):
                raise StormFailure(f"world {world.number} ended with exit code {code}, which no fault of this storm "
                                   "explains")
            if out and not world.killed:
                raise StormFailure(f"world {world.number} printed a result and ended with exit code {code}")
        raise StormFailure(f"not complete after the same command was given {STARTS} times")

    def await_world(self, world):
        end = time.monotonic() + WORLD_SECONDS
        while world.running():
            if time.monotonic() > end:
                raise StormFailure(f"world {world.number} did not end within {WORLD_SECONDS} s")
            time.sleep(0.01)

    def is_legitimate(self, code, said, world):
        """Whether this end of a world is what the faults so far may lead to."""
        if code == 75:
            return self.injector.hit_ranks
        if code == -15:  # told to stop before it had begun
            return "terminate" in self.injector.hit and not said
        if world.killed and code == -9:
            return True
        if code == 3 and "no longer on the blackboard" in said:
            self.injector.runs_lost += 1
            return bool(self.injector.cuts)
        if code == 3:
            # Faults on the board must be sat out for --board-timeout, unless nobody starts the server again.
            gave_up = "gave up waiting" in said or "lost the blackboard" in said
            return gave_up and self.injector.board_away() >= BOARD_TIMEOUT
        return False

    def await_the_rest(self):
        """Worlds that joined, and ranks that outlived their mpirun, end as well."""
        for world in self.worlds:
            self.await_world(world)
            if world.joined and world.process.returncode != 0 and not self.is_legitimate(
                    world.process.returncode, world.read()[1], world):
                raise StormFailure(f"world {world.number}, which joined, ended with exit code {world.process.returncode}")
        eventually(30, "every rank has ended", lambda: not processes.ranks(self.home))
        # A server that was killed last may still be on its way back.
        eventually(30, "the blackboard answers", lambda: self.home.run(
            "status", RUN, "--json", *self.board.arguments, check=False).returncode != 3)

    # What must hold afterwards.

    def check(self, expected, result):
        for world in self.worlds:
            out, _ = world.read()
            if out not in (b"", expected):
                raise StormFailure(f"world {world.number} printed {out!r}, without faults it is {expected!r}")
        if result.read()[0] != expected and not any(world.read()[0] for world in self.worlds):
            raise StormFailure("a world ended with exit code 0, and none has printed the result")
        begun, beginnings = self.begun()
        if begun != self.plan.chunks:
            raise StormFailure(f"{self.plan.chunks - begun} chunks were never computed")
        status = self.status()
        if self.injector.cuts and status["state"] == "running":
            # The server lost its last second after the run had ended: as any other loss, the same command mends it.
            again = self.home.run("run", *self.command(), text=False, check=False)
            if (again.returncode, again.stdout) != (0, expected):
                raise StormFailure(f"the same command after a loss at the end: exit code {again.returncode}, "
                                   f"{again.stdout!r}, {again.stderr!r}")
            beginnings, status = self.begun()[1], self.status()
        if status["chunks"] != {"total": self.plan.chunks, "done": self.plan.chunks, "failed": 0}:
            raise StormFailure(f"status says {status}")
        extra, bound = beginnings - begun, self.injector.most_computed_again(status["reaped"])
        self.say(f"    {extra} chunks computed again, at most {bound} were in hand; faults that hit: "
                 f"{', '.join(self.injector.hit) or 'none'}")
        if extra > bound:
            raise StormFailure(f"{extra} chunks were computed again, but at most {bound} were in hand when faults hit")
        again = self.home.run("run", *self.command(), text=False, check=False)
        if (again.returncode, again.stdout) != (0, expected):
            raise StormFailure(f"the same command on the finished run: exit code {again.returncode}, {again.stdout!r}, "
                               f"{again.stderr!r}")
        if self.begun()[1] != beginnings:
            raise StormFailure("the same command on the finished run computed something")

    def status(self):
        return json.loads(self.home.run("status", RUN, "--json", *self.board.arguments).stdout)


def storm(seed, only=(), without=(), say=print):
    """Runs one storm. Throws StormFailure, which names the seed and how to see it again."""
    plan = plan_of(seed, only, without)
    with StintHome() as home:
        home.environment["STINT_IDLE"] = "60"
        try:
            seconds = Storm(plan, home, say).run()
        except StormFailure as failure:
            filters = "".join(f" --{name} {','.join(kinds)}" for name, kinds in (("only", only), ("without", without))
                              if kinds)
            raise StormFailure(f"seed {seed}: {failure}\n{plan}\nagain: tools/storm.sh --seed {seed}{filters}") from None
    say(f"seed {seed}: ok, {seconds:.1f} s, {plan.board}, {plan.ranks} ranks, {len(plan.faults)} faults")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="storms to run (default 20)")
    parser.add_argument("--first", type=int, default=1, help="seed of the first (default 1)")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--jobs", type=int, default=1, help="storms at a time (default 1)")
    parser.add_argument("--show", action="store_true", help="print the plans, run nothing")
    parser.add_argument("--keep-going", action="store_true", help="go on after a seed that failed")
    for name in ("only", "without"):
        parser.add_argument(f"--{name}", default="", help=f"kinds of faults, with commas: {name} these")
    given = parser.parse_args()
    only, without = (tuple(filter(None, kinds.split(","))) for kinds in (given.only, given.without))
    for kind in only + without:
        if kind not in KINDS:
            parser.error(f"no fault '{kind}'; there are {', '.join(KINDS)}")
    seeds = [given.seed] if given.seed is not None else range(given.first, given.first + given.seeds)
    if given.show:
        for seed in seeds:
            print(plan_of(seed, only, without))
        return 0
    return run_all(seeds, only, without, given.jobs, given.keep_going)


def run_all(seeds, only, without, jobs, keep_going):
    """`jobs` at a time; after a failure no more are begun, unless `keep_going`."""
    failed = []

    def one(seed):
        if failed and not keep_going:
            return
        lines = []  # together, so that those of two storms do not mix
        try:
            storm(seed, only, without, lines.append)
        except StormFailure as failure:
            lines.append(str(failure))
            failed.append(seed)
        print("\n".join(lines), flush=True)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, seeds))
    if failed:
        print(f"failed seeds: {', '.join(map(str, sorted(failed)))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

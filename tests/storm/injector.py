# SPDX-License-Identifier: Apache-2.0
"""Brings the faults of a plan on a storm, each when its moment has come, in a thread of its own, and remembers what that
may have cost."""

import math
import threading
import time

import processes
from boards import pause

BOARD_FAULTS = ("kill-server", "cut-server", "pause-server", "kill-everything", "kill-guardian", "cut-connections",
                "half-close", "tear-request", "tear-reply", "lose-reply", "stall", "delay")
RANK_FAULTS = ("kill-rank", "kill-rank-0", "terminate", "kill-mpirun", "kill-world", "kill-everything")
OLD_ENOUGH = 2.3         # seconds; a guardian does not start a server again that died sooner
LEAST_COMMIT_BYTES = 300  # in the append-only file


class Injector:
    def __init__(self, storm):
        self.storm, self.plan = storm, storm.plan
        self.hit = []
        self.hit_ranks = False
        self.cuts = []                 # bytes that append-only files lost
        self.runs_lost = 0             # a cut took the whole run, and a world said so
        self._server_started = time.monotonic()
        self._board_fault = None       # when the last began
        self._world = None
        self._base = 0                 # chunks begun when the present world started
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._error = None

    def start(self):
        if any(fault.kind in ("kill-server", "cut-server") for fault in self.plan.faults):
            self._let_server_grow_old()
        self._thread.start()

    def stop(self):
        self._stopping.set()
        self._thread.join(60)
        if self._error:
            raise self._error

    def world_started(self, world):
        self._base = self.storm.begun()[1]
        self._world = world

    def board_away(self):
        """Seconds since the last fault on the board began."""
        return 0.0 if self._board_fault is None else time.monotonic() - self._board_fault

    def in_hand(self):
        """Chunks that one rank can have in hand: begun, claimed, or done and not committed. A claim is for 0.2 s; the
        rest is for a busy machine."""
        plan = self.plan
        seconds = plan.commit_every + 0.5
        if plan.skew == "linear":  # the first are short
            return math.ceil(math.sqrt(seconds * plan.chunks / plan.chunk_seconds)) + 2
        return math.ceil(seconds / plan.chunk_seconds / (0.35 if plan.skew == "pareto" else 1)) + 2

    def most_computed_again(self, reaped):
        """By ranks that died, were given up or drained (which begins chunks and lets them go); and by what the end of a
        cut file held: its commits, and the claims of all, which two ranks may then work on. A fault on the board or its
        connections alone costs nothing."""
        everybody = ("terminate", "kill-world", "kill-everything", "kill-mpirun")
        one = ("kill-rank", "kill-rank-0", "pause-rank", "pause-rank-0")
        deaths = reaped + sum(self.plan.ranks if kind in everybody else kind in one for kind in self.hit)
        commits = sum(math.ceil(amount / LEAST_COMMIT_BYTES) + self.plan.ranks for amount in self.cuts)
        # A cut that took the beginning of the run, or its counters, or its whole second.
        return (deaths + commits) * self.in_hand() + self.runs_lost * self.plan.chunks

    def _go(self):
        try:
            for fault in self.plan.faults:
                if not self._await_moment(fault):
                    return
                if getattr(self, "_" + fault.kind.replace("-", "_"))(fault) is not False:
                    self.hit.append(fault.kind)
        except Exception as error:  # shown by stop()
            self._error = error

    def _await_moment(self, fault):
        """False: the storm is over."""
        while not self._stopping.wait(0.003):
            world = self._world
            if world is None:
                continue
            if fault.early:
                if time.monotonic() - world.begun >= fault.seconds:
                    break
                continue
            begun, beginnings = self.storm.begun()
            # A world that has not begun a chunk is still starting: that is for the early faults.
            if beginnings > self._base and begun >= fault.at * self.plan.chunks:
                break
        if self._stopping.is_set():
            return False
        if fault.kind in RANK_FAULTS:
            self.hit_ranks = True
        if fault.kind in BOARD_FAULTS:
            self._board_fault = time.monotonic()
        return True

    # Ranks and worlds.

    def _victim(self, fault, zero):
        ranks = self._world.ranks()
        numbers = sorted(rank for rank in ranks if (rank == 0) == zero)
        return ranks[numbers[fault.rank % len(numbers)]] if numbers else None

    def _kill_one(self, fault, zero):
        pid = self._victim(fault, zero)
        return pid is not None and processes.kill(pid)

    def _pause_one(self, fault, zero):
        pid = self._victim(fault, zero)
        if pid is None:
            return False
        pause(pid, fault.seconds)
        return True

    def _kill_rank(self, fault):
        return self._kill_one(fault, zero=False)

    def _kill_rank_0(self, fault):
        return self._kill_one(fault, zero=True)

    def _pause_rank(self, fault):
        return self._pause_one(fault, zero=False)

    def _pause_rank_0(self, fault):
        return self._pause_one(fault, zero=True)

    def _terminate(self, _):
        self._world.terminate()

    def _kill_mpirun(self, _):
        pid = self._world.mpirun()
        return pid is not None and self._world.running() and processes.kill(pid)

    def _kill_world(self, _):
        self._world.kill()

    def _second_world(self, _):
        self.storm.start_world(2).joined = True

    # The blackboard.

    def _let_server_grow_old(self):
        if self.plan.board == "embedded":
            self._stopping.wait(max(0.0, self._server_started + OLD_ENOUGH - time.monotonic()))
        self._board_fault = time.monotonic()
        return not self._stopping.is_set()

    def _kill_server(self, fault):
        if not self._let_server_grow_old():
            return False
        self.storm.board.kill(seconds=fault.seconds / 4)
        self._server_started = time.monotonic()
        return True

    def _cut_server(self, fault):
        if not self._let_server_grow_old():
            return False
        self.cuts.append(fault.amount)
        self.storm.board.kill(seconds=fault.seconds / 4, cut=fault.amount)
        self._server_started = time.monotonic()
        return True

    def _pause_server(self, fault):
        self.storm.board.pause(fault.seconds)

    def _kill_everything(self, _):
        # The board first: the same command is given again as soon as the world has ended.
        self.storm.board.kill_guardian()
        server = processes.embedded_server(self.storm.home)
        if server is not None:
            processes.kill(server)
        self._world.kill()
        self._server_started = time.monotonic()

    def _kill_guardian(self, _):
        self.storm.board.kill_guardian()  # its server ends with it, and the ranks start both again
        self._server_started = time.monotonic()

    # What passes between them.

    def _cut_connections(self, _):
        self.storm.board.proxy.cut()

    def _half_close(self, fault):
        self.storm.board.proxy.half_close(towards_client=fault.rank % 2 == 0)

    def _tear_request(self, fault):
        self.storm.board.proxy.arm("tear-request", 1 + fault.amount % 5)

    def _tear_reply(self, fault):
        self.storm.board.proxy.arm("tear-reply", 1 + fault.amount % 5)

    def _lose_reply(self, fault):
        self.storm.board.proxy.arm("lose-reply", 1 + fault.amount % 9)

    def _stall(self, fault):
        self.storm.board.proxy.stall(fault.seconds)

    def _delay(self, fault):
        self.storm.board.proxy.delay(0.01 + 0.02 * fault.rank / 64, fault.seconds)

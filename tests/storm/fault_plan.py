# SPDX-License-Identifier: Apache-2.0
"""What a seed means: the job, the worlds and the faults of one storm. The same seed gives the same plan on any machine;
when a fault really hits depends on the clock, so a plan names moments by the share of chunks that have begun."""

import dataclasses
import random

# kind → how often, and whether the board of the storm is Stint's own ('embedded'), behind a proxy, or any.
KINDS = {
    "kill-rank": (5, "any"),           # SIGKILL of a rank that is not 0
    "kill-rank-0": (4, "any"),
    "pause-rank": (4, "any"),          # SIGSTOP, perhaps past the lease, SIGCONT
    "pause-rank-0": (3, "any"),
    "terminate": (3, "any"),           # SIGTERM to the launcher: the ranks drain
    "kill-mpirun": (1, "any"),
    "kill-world": (2, "any"),          # SIGKILL of launcher, mpirun and ranks
    "second-world": (2, "any"),        # the same command while the first is at work
    "kill-server": (4, "any"),
    "cut-server": (4, "any"),          # SIGKILL, the append-only file loses its end, start
    "pause-server": (2, "any"),
    "kill-everything": (2, "embedded"),
    "kill-guardian": (1, "embedded"),
    "cut-connections": (3, "proxy"),   # all at once, with a reset
    "half-close": (3, "proxy"),        # one direction of each connection
    "tear-request": (2, "proxy"),      # half of a request arrives
    "tear-reply": (3, "proxy"),        # half of a reply arrives
    "lose-reply": (5, "proxy"),        # the request is done, its reply never comes
    "stall": (2, "proxy"),             # nothing passes for a while, perhaps longer than a lease
    "delay": (2, "proxy"),             # everything passes late for a while
}


@dataclasses.dataclass(frozen=True)
class Fault:
    kind: str
    at: float            # when this share of the chunks has begun
    rank: int            # modulo the ranks that can be hit
    seconds: float       # of a pause, a stall, or an outage of the server
    amount: int          # bytes cut, connections or replies hit
    early: bool = False  # at once after the world's start instead, so many `seconds` later

    def __str__(self):
        when = f"{self.seconds:.2f} s after a start" if self.early else f"at {self.at:4.0%}"
        return f"{self.kind:15} {when}, rank {self.rank}, {self.seconds:.2f} s, amount {self.amount}"


@dataclasses.dataclass(frozen=True)
class StormPlan:
    seed: int
    board: str           # embedded or proxy
    ranks: int
    chunks: int
    chunk_seconds: float
    commit_every: float
    lease: float
    skew: str
    faults: tuple

    def __str__(self):
        head = (f"seed {self.seed}: {self.ranks} ranks, {self.chunks} chunks of {self.chunk_seconds} s ({self.skew}), "
                f"lease {self.lease} s, commit every {self.commit_every} s, board {self.board}")
        return "\n".join([head, *(f"  {fault}" for fault in self.faults)])


def plan_of(seed, only=(), without=()):
    chance = random.Random(seed)
    board = chance.choice(("embedded", "embedded", "proxy"))
    ranks = chance.choice((2, 2, 3, 3, 4, 5, 8))
    chunk_seconds = chance.choice((0.005, 0.01, 0.02))
    # About two seconds of work for all ranks together: longer than a lease, so that a pause meets ranks at work.
    chunks = min(1200, int(chance.uniform(1.5, 3.0) * ranks / chunk_seconds))
    lease = chance.choice((0.6, 1.0, 1.5))
    kinds = [kind for kind, (_, where) in KINDS.items()
             if where in ("any", board) and kind not in without and (not only or kind in only)]
    weights = [KINDS[kind][0] for kind in kinds]
    faults = []
    for _ in range(chance.choice((1, 2, 3, 3, 4, 5)) if kinds else 0):
        kind = chance.choices(kinds, weights)[0]
        faults.append(Fault(kind, at=round(chance.uniform(0.0, 1.0), 3), rank=chance.randrange(64),
                            seconds=round(lease * chance.choice((0.3, 0.8, 1.3, 2.0)), 2),
                            amount=int(2 ** chance.uniform(0, 13))))
    faults.sort(key=lambda fault: fault.at)
    # One storm of eight begins with a fault before the ranks are at work, which is a matter of patience.
    if faults and chance.random() < 0.125:
        faults[0] = dataclasses.replace(faults[0], early=True, seconds=round(chance.uniform(0.0, 0.8), 2))
    return StormPlan(seed, board, ranks, chunks, chunk_seconds, chance.choice((0, 0.2, 0.5, 1.0)), lease,
                     chance.choice(("none", "none", "linear", "pareto")), tuple(faults))

# SPDX-License-Identifier: Apache-2.0
"""Somebody writes on a live board by hand: deletes, wrong types, numbers, ranges, swaps, bits of frames, chosen by a seed.
Whatever that was, a call ends with the right result, with exit code 3, 4 or 5 and a sentence, or with 75; and then the next
call gets past it. Afterwards --fresh begins anew, and another run on the same board was not touched.

    STINT=build/bin/stint PYTHONPATH=tests/e2e python3 tests/storm/board_fuzz.py SEED [HOW-MANY]
"""

import pathlib
import random
import resource
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from stint_home import STINT, Server, StintHome  # noqa: E402

KEYS = ("run plan profile load beats workers slots queues claims done nodes attempts delayed failed leader result events "
        "suspects hosts ages copies at_work slowest held_suspects").split()
LIMITS = {"retries", "max_failed", "ends_early", "halt", "halt_at", "halting"}  # as a user might have wished them
JOB = ("synthetic", "--chunks", "96", "--seconds", "0.004", "--payload", "64")
OTHER = ("synthetic", "--chunks", "96", "--payload", "32")  # other bytes in each value, of the same type
LONGEST = 60        # seconds that a call may take
MOST_PROCESSOR = 20  # seconds: it waits, and does not spin


class FuzzFailure(Exception):
    pass


class Board:
    """As much of Redis's protocol as is needed."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def __call__(self, *words):
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self._reply()

    def _reply(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if int(rest) < 0 else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest  # an error is an answer like any other: nothing was changed


class Hand:
    """One that writes on the board."""

    def __init__(self, board, run, other, dice):
        self.board, self.run, self.other, self.dice, self.did = board, run, other, dice, []

    def key(self, name, run=None):
        return f"stint:{{{run or self.run}}}:{name}"

    def value(self, others):
        dice = self.dice
        number = str(dice.choice([0, 1, 2, 3, 5, 31, 64, 95, 96, 97, 128, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, -1, -5]))
        first = dice.randrange(0, 130)
        return dice.choice([
            number, number, "", "x", "1e300", "nan", "0x10", "-", f"{first}-{first + dice.randrange(0, 40)}", f"7;{first}-96",
            f"{dice.randrange(40)};", "0-96", "96-0", f"{dice.randrange(8)}:{dice.randrange(40)}", "{}", '{"world":"w"}',
            bytes(dice.randrange(256) for _ in range(dice.randrange(1, 60))), *(others or [])])

    def write(self):
        """One change, anywhere."""
        dice, board = self.dice, self.board
        there = [name for name in KEYS if board("EXISTS", self.key(name)) == 1]
        name = dice.choice(there if there and dice.random() < 0.9 else KEYS)
        key = self.key(name)
        kind = board("TYPE", key)
        change = dice.random()
        if change < 0.12:
            step = ("DEL", key)
        elif change < 0.2:
            board("DEL", key)
            step = dice.choice([("SET", key, self.value(None)), ("RPUSH", key, "1", "2"), ("HSET", key, "a", "b"),
                                ("ZADD", key, "1", "a")])
        elif change < 0.26 and board("EXISTS", self.key(name, self.other)) == 1:
            step = ("COPY", self.key(name, self.other), key, "REPLACE")
        elif kind == b"hash":
            step = self.in_hash(name, key)
        elif kind == b"zset":
            members = board("ZRANGE", key, "0", "-1")
            member = dice.choice([*members, self.value(None)])
            step = dice.choice([("ZREM", key, member), ("ZADD", key, dice.choice(["0", "-inf", "+inf", "1e9", "5"]), member)])
        elif kind == b"string":
            step = self.in_string(key)
        else:
            step = ("SET", key, self.value(None))
        self.did.append((step, board(*step)))

    def in_hash(self, name, key):
        dice, board = self.dice, self.board
        fields = [field for field in board("HKEYS", key) if name != "run" or field.decode() not in LIMITS]
        if not fields:
            return ("HSET", key, self.value(None), self.value(None))
        field, source = dice.choice(fields), dice.choice(fields)
        value = board("HGET", key, field) or b""
        change = dice.random()
        if change < 0.2:
            return ("HDEL", key, field)
        if change < 0.35:  # the name is changed by a bit or a digit, or two names are swapped
            board("HDEL", key, field)
            bent = bytearray(field or b"x")
            bent[dice.randrange(len(bent))] ^= 1 << dice.randrange(3)
            return ("HSET", key, bytes(bent), value)
        if change < 0.5:
            theirs = board("HGET", key, source) or b""
            return ("HSET", key, field, theirs, source, value)
        if change < 0.65 and value:
            bent = bytearray(value)
            bent[dice.randrange(len(bent))] ^= 1 << dice.randrange(8)
            return ("HSET", key, field, bytes(bent))
        if change < 0.75:
            return ("HSET", key, dice.choice([self.value(None), f"{dice.randrange(8)}:{dice.randrange(99)}"]), value)
        return ("HSET", key, field, self.value([value[:dice.randrange(len(value) + 1)]]))

    def in_string(self, key):
        dice, board = self.dice, self.board
        length = board("STRLEN", key)
        if length == 0 or dice.random() < 0.3:
            return ("SET", key, self.value(None))
        at = dice.randrange(length)
        if dice.random() < 0.4:
            return ("SET", key, (board("GET", key) or b"")[:at])
        byte = (board("GETRANGE", key, str(at), str(at)) or b"\0")[0]
        return ("SETRANGE", key, str(at), bytes([byte ^ 1 << dice.randrange(8)]))


class Call:
    """One `stint run`: what it printed, said and returned, within its bounds."""

    def __init__(self, home, url, words, job=JOB):
        self.files = [tempfile.TemporaryFile() for _ in range(2)]
        self.words = ["run", *words, "--board", url, "--lease", "1", "--stall-timeout", "12",
                      *(("--restarts", "1") if "-n" in words else ()), *job]
        self.begun = time.monotonic()
        self.process = subprocess.Popen([STINT, *self.words], env=home.environment, stdin=subprocess.DEVNULL,
                                        stdout=self.files[0], stderr=self.files[1], start_new_session=True)

    def ended(self):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            self.code = self.process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.code = "no end"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.seconds = time.monotonic() - self.begun
        texts = []
        for file in self.files:
            file.seek(0)
            texts.append(file.read())
            file.close()
        self.out, self.said = texts[0], texts[1].decode(errors="replace")
        return self


class Fuzz:
    """One server and one run beside ours, for many seeds."""

    def __init__(self, home):
        self.home = home
        self.server = Server(pathlib.Path(home.folder) / "board", "--appendonly", "no")
        self.board = Board(self.server.socket)
        self.right = self.call("--fresh").out
        self.other = self.call("--run-id", "other", job=OTHER)

    def call(self, *words, job=JOB):
        call = Call(self.home, self.server.url, words, job).ended()
        if call.code != 0:
            raise FuzzFailure(f"without any change: {call.words}: {call.code}: {call.said}")
        return call

    def judge(self, call, again):
        """Raises unless the call ended as it may; `again`: the one before it said that the next continues."""
        lines = call.said.strip().splitlines()
        if call.processor > MOST_PROCESSOR:
            raise FuzzFailure(f"it took {call.processor:.1f} s of the processor")
        if call.code == 0:
            if call.out != self.right:
                raise FuzzFailure(f"WRONG RESULT with exit code 0: {call.out!r}")
        elif call.code == 75 and not again:
            pass
        elif call.code not in (3, 4, 5) or not lines or not any(len(line) > 30 for line in lines):
            raise FuzzFailure(f"exit code {call.code}" + (" once more" if again else ""))

    def seed(self, seed):
        dice = random.Random(seed)
        run = "ours"
        when = dice.choice(["live", "live", "rest", "ended"])
        ranks = ("-n", "2") if when == "live" and dice.random() < 0.25 else ()
        words = (*ranks, "--run-id", run)
        hand = Hand(self.board, run, "other", dice)
        calls = []
        try:
            if when == "ended":
                calls.append(Call(self.home, self.server.url, (*words, "--fresh")).ended())
                self.judge(calls[-1], False)
            else:
                call = Call(self.home, self.server.url, (*words, "--fresh"))
                while self.board("EXISTS", f"stint:{{{run}}}:nodes") == 0 and call.process.poll() is None:
                    time.sleep(0.002)
                if when == "rest":
                    call.process.kill()
                else:
                    for _ in range(dice.randrange(1, 4)):
                        time.sleep(dice.random() * 0.06)
                        hand.write()
                call.ended()
                if when == "live":
                    calls.append(call)
                    self.judge(call, False)
            if when != "live":
                for _ in range(dice.randrange(1, 4)):
                    hand.write()
            for _ in range(2):
                calls.append(Call(self.home, self.server.url, words).ended())
                self.judge(calls[-1], len(calls) > 1 and calls[-2].code == 75)
            anew = Call(self.home, self.server.url, ("--run-id", run, "--fresh")).ended()
            calls.append(anew)
            if anew.code != 0 or anew.out != self.right:
                raise FuzzFailure(f"--fresh does not begin anew: exit code {anew.code}")
        except FuzzFailure as failure:
            did = "\n".join(f"  {step!r} -> {answer!r}"[:300] for step, answer in hand.did)
            told = "\n".join(f"  {' '.join(call.words[:6])}: {call.code} after {call.seconds:.1f} s: {call.said.strip()[-900:]}"
                             for call in calls)
            raise FuzzFailure(f"seed {seed} ({when}{', two ranks' if ranks else ''}): {failure}\nchanges:\n{did}\n"
                              f"calls:\n{told}") from failure
        return [call.code for call in calls]

    def other_is_whole(self):
        again = self.call("--run-id", "other", job=OTHER)
        if again.out != self.other.out:
            raise FuzzFailure("the other run was touched")

    def close(self):
        self.server.stop()


def fuzz(first, count, say=lambda line: None, seconds=None):
    """Seeds from `first` on; fewer than `count` where `seconds` are over. Returns how many there were, and the failures."""
    begun, done, failures = time.monotonic(), 0, []
    with StintHome() as home:
        fuzz_ = Fuzz(home)
        try:
            for seed in range(first, first + count):
                if seconds is not None and time.monotonic() - begun > seconds:
                    break
                try:
                    say(f"seed {seed}: {fuzz_.seed(seed)}")
                except FuzzFailure as failure:
                    say(str(failure))
                    failures.append(str(failure))
                done += 1
            fuzz_.other_is_whole()
        finally:
            fuzz_.close()
    return done, failures


if __name__ == "__main__":
    done, failures = fuzz(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1, lambda line: print(line, flush=True))
    print(f"{done} seeds, {len(failures)} failures")
    sys.exit(1 if failures else 0)

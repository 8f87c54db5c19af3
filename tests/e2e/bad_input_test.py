# SPDX-License-Identifier: Apache-2.0
"""What a user may get wrong, and what may be wrong around the user: each case ends with the exit code of the design and
one line on stderr that says what, on what, why and what to do; stdout stays empty, and nothing is lost."""

import contextlib
import os
import pathlib
import re
import resource
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

STINT = os.environ["STINT"]
SECONDS = 60  # for one command; the longest wait of these cases has a shorter bound

# name · arguments of stint · exit code · what the line says. {box} is a folder made by setUpClass; the servers are there.
TABLE = [
    # Files
    ("missing file", "run wordcount {box}/missing.txt", 2, r"missing\.txt.*(no such file|not there)"),
    ("missing file on two ranks", "run -n 2 wordcount {box}/missing.txt", 2, r"missing\.txt.*(no such file|not there)"),
    ("missing file among good ones", "run wordcount {box}/words.txt {box}/missing.txt", 2, r"missing\.txt"),
    ("folder without files", "run wordcount {box}/empty_folder", 2, r"empty_folder.*no (regular )?files?"),
    ("dangling link", "run wordcount {box}/dangling", 2, r"dangling"),
    ("pipe as a file", "run wordcount {box}/pipe", 2, r"pipe.*(not a|neither)"),
    ("no file at all", "run wordcount", 2, r"(FILE|file|input)"),
    ("missing list of files", "run wordcount --files-from {box}/missing.lst", 2, r"missing\.lst"),
    ("list that names a missing file", "run wordcount --files-from {box}/bad.lst", 2, r"gone\.txt"),
    ("missing list of durations", "run synthetic --chunks 2 --durations {box}/missing.txt", 2, r"missing\.txt"),
    ("durations that are no numbers", "run synthetic --durations {box}/words.txt", 2, r"words\.txt.*(1|byte 0|alpha)"),
    # Jobs, verbs, options
    ("unknown job", "run wordcuont {box}/words.txt", 2, r"wordcuont.*wordcount"),
    ("no job", "run", 2, r"(?i)job.*wordcount"),
    ("unknown verb", "frobnicate", 2, r"frobnicate"),
    ("no verb", "", 2, r"(?i)(verb|subcommand|run).*--help"),
    ("unknown option of a job", "run wordcount --botom 3 {box}/words.txt", 2, r"--botom.*--help"),
    ("unknown option of run", "run --lesae 3 wordcount {box}/words.txt", 2, r"--lesae"),
    ("option without its value", "run wordcount {box}/words.txt --top", 2, r"--top"),
    ("positional for a job that takes none", "run pi 3", 2, r"\b3\b"),
    # Commands
    ("no commands", "run commands", 2, r"no commands.*FILE"),
    ("file of commands that is not there", "run commands {box}/missing.txt", 2, r"missing\.txt.*(?i:no such file)"),
    ("folder of commands", "run commands {box}/empty_folder", 2, r"empty_folder.*directory"),
    ("command without values", "run commands echo hello", 2, r"hello.*:::"),
    ("Perl in a command", "run commands 'echo {{= 1 =}}' ::: a", 2, r"Perl"),
    ("rule of halting that is none", "run --halt later,fail=1 commands echo ::: a", 2, r"--halt.*later,fail=1.*now,fail=1"),
    ("rule of halting at nothing", "run --halt now,fail=0 commands echo ::: a", 2, r"--halt.*now,fail=0.*above 0"),
    ("time limit that is none", "run commands --timeout soon echo ::: a", 2, r"timeout.*soon|soon"),
    ("time limit that is none, two ranks", "run -n 2 commands --timeout -3% echo ::: a", 2, r"-3%"),
    ("folder for commands that is not there", "run commands --workdir {box}/none echo ::: a", 2, r"workdir.*none"),
    ("job log in no folder", "run commands --joblog {box}/none/log echo ::: a", 2, r"none/log"),
    # Nonsense numbers
    ("chunks that are no number", "run synthetic --chunks ten", 2, r"--chunks.*ten"),
    ("negative chunks", "run synthetic --chunks -5", 2, r"--chunks"),
    ("fraction of a chunk", "run synthetic --chunks 1.5", 2, r"--chunks.*1\.5"),
    ("points above 64 bits", "run pi --points 1e30", 2, r"--points.*1e30"),
    ("size with a foreign unit", "run wordcount --chunk-size 3Q {box}/words.txt", 2, r"--chunk-size.*3Q"),
    ("seconds that are no number", "run synthetic --chunks 2 --seconds nan", 2, r"--seconds"),
    ("negative seconds", "run synthetic --chunks 2 --seconds -1", 2, r"--seconds"),
    ("list of chunks that is none", "run synthetic --chunks 9 --fail-chunks 3-", 2, r"--fail-chunks.*3-"),
    ("choice that is none", "run synthetic --chunks 2 --skew steep", 2, r"--skew.*steep.*pareto"),
    ("numbers that are none", "run sum --numbers 1,two,3", 2, r"--numbers.*two"),
    ("no ranks", "run -n 0 pi", 2, r"(-n|--ranks)\b.*\b0\b"),
    ("ranks that are no number", "run -n many pi", 2, r"many"),
    ("no threads", "run --threads 0 pi", 2, r"--threads"),
    ("no lease", "run --lease 0 pi", 2, r"--lease"),
    ("negative retries", "run --retries -1 pi", 2, r"--retries"),
    ("limit that is no size", "run --plan-limit much pi", 2, r"--plan-limit.*much"),
    ("plan above its limit", "run --plan-limit 2K synthetic --durations {box}/durations.txt", 2, r"plan.*--plan-limit"),
    ("negative commit interval", "run --commit-every -1 pi", 2, r"--commit-every"),
    ("run id with a brace", "run --run-id a}}b pi --points 5", 2, r"--run-id|run id"),
    # Runs
    ("unknown run: status", "status nosuchrun", 2, r"nosuchrun.*(stint ls|no run)"),
    ("unknown run: result", "result nosuchrun", 2, r"nosuchrun"),
    ("unknown run: rm", "rm nosuchrun", 2, r"nosuchrun"),
    ("no run named", "status", 2, r"RUN|run"),
    ("run whose content differs", "run --run-id kept pi --points 8", 5, r"kept.*points.*(7.*8|8.*7)"),
    ("run of another job", "run --run-id kept synthetic --chunks 5", 5, r"kept.*(synthetic.*pi|pi.*synthetic)"),
    # The blackboard
    ("board that is not there", "run --board redis://127.0.0.1:{closed_port} pi --points 5", 3, r"127\.0\.0\.1:\d+.*refused"),
    ("board that is not there, two ranks", "run -n 2 --board redis://127.0.0.1:{closed_port} pi --points 5", 3, r"127\.0\.0\.1:\d+.*refused"),
    ("socket that is not there", "run --board unix://{box}/no.sock pi --points 5", 3, r"no\.sock.*(?i:no such file)"),
    ("host that is not there", "run --board redis://no-such-host.invalid:6379 pi --points 5", 3, r"no-such-host\.invalid"),
    ("status on a board that is not there", "status last --board redis://127.0.0.1:{closed_port}", 3, r"127\.0\.0\.1:\d+"),
    ("board that is not Redis", "run --board redis://127.0.0.1:{web_port} pi --points 5", 3, r"127\.0\.0\.1:\d+.*(not|no) .*Redis"),
    ("board that hangs up", "run --board redis://127.0.0.1:{mute_port} pi --points 5", 3, r"127\.0\.0\.1:\d+"),
    ("board that needs a password", "run --board unix://{locked} pi --points 5", 3, r"(?i)password.*STINT_BOARD|STINT_BOARD.*password"),
    ("board that evicts", "run --board unix://{evicting} pi --points 5", 3, r"maxmemory-policy.*noeviction"),
    ("board that is too old", "run --board unix://{old} pi --points 5", 3, r"4\.\d+\.\d+.*7"),
    ("board that is a shard", "run --run-id moved --board unix://{shard} pi --points 5", 3, r"MOVED.*no cluster"),
    ("board without room", "run --board unix://{full} pi --points 5", 3, r"(?i)memory"),
    ("database that is not there", "run --board redis://127.0.0.1:{tcp_port}/99 pi --points 5", 3, r"99"),
    ("foreign scheme", "run --board http://localhost pi", 2, r"'http.*redis://"),
    ("port that is none", "run --board redis://localhost:99999 pi", 2, r"port is not a number from 1 to 65535"),
    ("password in argv", "run --board redis://:geheim@localhost:6379 pi", 2, r"STINT_BOARD.*--board-file|--board-file.*STINT_BOARD"),
    ("board twice", "run --board unix://{box}/a --board-file {box}/board pi", 2, r"--board\b.*--board-file|--board-file.*--board\b"),
    ("missing board file", "run --board-timeout 1 --board-file {box}/missing.board pi", 2, r"missing\.board"),
    ("board file that others can read", "run --board-file {box}/open.board pi", 2, r"open\.board.*600"),
    # Places to write
    ("output in no folder", "run -q --fresh --output {box}/none/out pi --points 5", 2, r"none"),
    ("output that is a folder", "run -q --fresh --output {box}/empty_folder pi --points 5", 2, r"empty_folder"),
    ("summary in no folder", "run -q --fresh --summary {box}/none2/out pi --points 5", 2, r"none2"),
    ("log that is a folder", "run -q --log {box}/empty_folder pi --points 5", 2, r"empty_folder"),
    ("project that is there", "new empty_folder_here", 2, r"empty_folder_here.*there already"),
    ("project without a name for it", "new 9lives", 2, r"9lives"),
    # Found while computing
    ("bad data", "run -q sum {box}/bad_numbers.txt", 2, r"bad_numbers\.txt.*byte 8\b.*x12"),
    ("bad data on two ranks", "run -q -n 2 sum {box}/bad_numbers.txt", 2, r"bad_numbers\.txt.*byte 8\b.*x12"),
]

# The same with something in the environment: name · environment · arguments · exit code · what the line says.
ENVIRONMENT = [
    ("no redis-server on the PATH", {"PATH": "{box}/empty_folder", "STINT_HOME": "{box}/other_home"}, "run pi --points 5", 3, r"redis-server.*(PATH|STINT_REDIS_SERVER|install)"),
    ("server program that is not there", {"STINT_REDIS_SERVER": "{box}/no-server", "STINT_HOME": "{box}/other_home"}, "run pi --points 5", 3, r"no-server"),
    ("no mpirun on the PATH", {"PATH": "{box}/only_redis"}, "run -n 2 pi --points 5", 2, r"mpirun.*(PATH|install)"),
    ("home that is a file", {"STINT_HOME": "{box}/words.txt"}, "run pi --points 5", 2, r"words\.txt"),
    ("nonsense in an option's variable", {"STINT_LEASE": "soon"}, "run pi --points 5", 2, r"(?i)lease.*soon"),
    ("board of the environment that is not there", {"STINT_BOARD": "unix://{box}/no.sock"}, "run pi --points 5", 3, r"no\.sock"),
    ("wrong password", {"STINT_BOARD": "redis://:geheim@127.0.0.1:{locked_port}"}, "run pi --points 5", 3, r"(?i)password"),
    ("-n inside a world", {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0", "PMIX_RANK": "0"}, "run -n 2 pi --points 5", 2, r"-n\b.*mpirun"),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(answer):
    """A TCP server on a port of its own; `answer(connection)` is called for each connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the tests are over
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def answer_as_a_web_server(connection):
    with connection, contextlib.suppress(OSError):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def hang_up(connection):
    connection.close()


def forward(source, sink, change):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 20):
            sink.sendall(change(data))
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = pathlib.Path(tempfile.mkdtemp(prefix="stint-bad-"))
        cls.addClassCleanup(shutil.rmtree, cls.box)
        cls.environment = {name: value for name, value in os.environ.items() if not name.startswith("STINT")}
        cls.environment["STINT_HOME"] = str(cls.box / "home")
        cls.addClassCleanup(cls.stint, "serve", "--stop")
        cls.make_files()
        cls.make_servers()
        kept = cls.stint("run", "-q", "--run-id", "kept", "pi", "--points", "7")
        assert kept.returncode == 0, kept.stderr
        cls.kept = kept.stdout

    @classmethod
    def make_files(cls):
        box = cls.box
        (box / "words.txt").write_text("alpha beta\ngamma\n")
        (box / "durations.txt").write_text("".join(f"{i * i / 7e9}\n" for i in range(2000)))
        (box / "bad_numbers.txt").write_text("1 2.5\n3 x12 4\n")
        (box / "bad.lst").write_text(f"{box}/words.txt\n{box}/gone.txt\n")
        (box / "empty_folder").mkdir()
        (box / "empty_folder_here").mkdir()
        (box / "dangling").symlink_to(box / "nothing")
        os.mkfifo(box / "pipe")
        (box / "only_redis").mkdir()
        (box / "only_redis" / "redis-server").symlink_to(shutil.which("redis-server"))
        for name, mode in (("board", 0o600), ("open.board", 0o644)):
            (box / name).write_text("redis://127.0.0.1:1\n")
            (box / name).chmod(mode)

    @classmethod
    def make_servers(cls):
        cls.names = {"box": cls.box, "closed_port": free_port(), "tcp_port": free_port(), "locked_port": free_port()}
        cls.redis("plain", "--port", cls.names["tcp_port"])
        cls.redis("locked", "--requirepass", "schluessel", "--port", cls.names["locked_port"])
        cls.redis("evicting", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
        cls.redis("full", "--maxmemory", "1000", "--maxmemory-policy", "noeviction")
        cls.shard("moved")
        for name, answer in (("web_port", answer_as_a_web_server), ("mute_port", hang_up)):
            listener = serve(answer)
            cls.addClassCleanup(listener.close)
            cls.names[name] = listener.getsockname()[1]
        cls.old_server(str(cls.box / "old.sock"), cls.names["plain"])

    @classmethod
    def redis(cls, name, *options):
        """A redis-server on the socket {name}, until the tests are over."""
        path = str(cls.box / f"{name}.sock")
        folder = cls.box / f"{name}.data"
        folder.mkdir()
        if "--port" not in options:
            options = (*options, "--port", "0")
        server = subprocess.Popen(["redis-server", "--unixsocket", path, "--save", "", "--bind", "127.0.0.1", "--dir", folder,
                                   *map(str, options)], stdout=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.terminate)
        deadline = time.monotonic() + 10
        while not os.path.exists(path):
            assert server.poll() is None and time.monotonic() < deadline, f"redis-server '{name}' does not come up"
            time.sleep(0.01)
        cls.names[name] = path

    @classmethod
    def shard(cls, run):
        """{shard} is one of two of a Redis Cluster; the run's keys belong to the other."""
        ports = {}
        for name in ("shard", "other_shard"):
            ports = {"--port": free_port(), "--cluster-port": free_port()}
            cls.redis(name, "--cluster-enabled", "yes", *(word for setting in ports.items() for word in setting))

        def ask(name, *words):
            return subprocess.run(["redis-cli", "-s", cls.names[name], *map(str, words)], capture_output=True, text=True,
                                  check=True).stdout.strip()

        slot = int(ask("shard", "CLUSTER", "KEYSLOT", f"stint:{{{run}}}:run"))
        ask("shard", "CLUSTER", "ADDSLOTSRANGE", 0, slot - 1, slot + 1, 16383)
        ask("other_shard", "CLUSTER", "ADDSLOTS", slot)
        ask("shard", "CLUSTER", "MEET", "127.0.0.1", *ports.values())
        deadline = time.monotonic() + 20
        while "cluster_state:ok" not in ask("shard", "CLUSTER", "INFO"):
            assert time.monotonic() < deadline, "the two shards do not find each other"
            time.sleep(0.05)

    @classmethod
    def old_server(cls, path, real):
        """Redis 7 that says it is Redis 4."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        cls.addClassCleanup(listener.close)
        cls.names["old"] = path

        def accept():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                server = socket.socket(socket.AF_UNIX)
                server.connect(real)
                age = lambda data: re.sub(rb"redis_version:\d", b"redis_version:4", data)
                for source, sink, change in ((client, server, bytes), (server, client, age)):
                    threading.Thread(target=forward, args=(source, sink, change), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    @classmethod
    def stint(cls, *arguments, environment=None, before=(), **options):
        return subprocess.run([*before, STINT, *arguments], cwd=cls.box, env={**cls.environment, **(environment or {})},
                              stdin=subprocess.DEVNULL, text=True, timeout=SECONDS,
                              **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})

    def check(self, done, code, says):
        seen = f"exit code {done.returncode}\nstdout: {done.stdout!r}\nstderr: {done.stderr}"
        self.assertEqual(code, done.returncode, seen)
        lines = done.stderr.splitlines()
        self.assertEqual(1, len(lines), f"one line on stderr; {seen}")
        self.assertRegex(lines[0], re.compile(says, re.IGNORECASE), seen)
        self.assertNotIn("geheim", done.stderr, "a password is never shown")
        self.assertFalse(done.stdout, f"nothing on stdout; {seen}")

    def filled(self, text):
        return text.format(**self.names)

    def case(self, environment, arguments, code, says):
        done = self.stint(*(self.filled(word) for word in shlex.split(arguments)),
                          environment={name: self.filled(value) for name, value in environment.items()})
        self.check(done, code, says)

    def test_a_file_that_may_not_be_read(self):
        secret = self.box / "secret.txt"
        secret.write_text("alpha\n")
        secret.chmod(0)
        # root may read everything, unless this is taken from it
        before = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        self.check(self.stint("run", "wordcount", secret, before=before), 2, r"secret\.txt.*permission denied")

    def test_a_file_that_changes_while_it_is_read(self):
        growing = self.box / "changing.txt"
        with growing.open("wb") as file:
            for _ in range(300):
                file.write(b"alpha beta gamma delta epsilon zeta eta theta iota kappa\n" * 18000)
        with subprocess.Popen([STINT, "run", "-q", "--threads", "1", "--run-id", "changing", "wordcount", growing],
                              env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            deadline = time.monotonic() + SECONDS
            while '"running"' not in self.stint("status", "changing", "--json").stdout:
                self.assertIsNone(run.poll(), "the run ended before the file could change")
                self.assertLess(time.monotonic(), deadline, "the run does not begin")
            os.truncate(growing, 1000)
            stdout, stderr = run.communicate(timeout=SECONDS)
        growing.unlink()
        done = subprocess.CompletedProcess(run.args, run.returncode, stdout, stderr)
        self.check(done, 2, r"changing\.txt.*chang")

    def test_stdout_without_room_keeps_the_result(self):
        with open("/dev/full", "w") as full:
            done = self.stint("run", "-q", "--run-id", "unwritten", "synthetic", "--chunks", "3", stdout=full)
        self.check(done, 2, r"stdout.*no space left.*the same command with --output FILE")
        self.assertRegex(self.stint("result", "unwritten").stdout, r"^chunks 3 sum \S+ digest \S+\n$")

    def test_output_without_room_keeps_the_result(self):
        def no_room():  # files may not grow; Python ignores the signal that comes with that, and so does its child
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

        self.assertEqual(0, self.stint("run", "-q", "--run-id", "large", "synthetic", "--chunks", "3").returncode)
        done = self.stint("run", "-q", "--run-id", "large", "--output", "large.txt", "synthetic", "--chunks", "3",
                          preexec_fn=no_room, restore_signals=False)
        self.check(done, 2, r"large\.txt.*the same command with --output FILE")
        self.assertFalse((self.box / "large.txt").exists(), "written whole or not at all")
        self.assertEqual([], list(self.box.glob("large.txt*")), "nothing is left beside it")

    def test_more_threads_than_cores_is_said_and_the_command_that_helps(self):
        core = str(min(os.sched_getaffinity(0)))
        done = self.stint("run", "--threads", "4", "synthetic", "--chunks", "4", before=["taskset", "-c", core])
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stderr, r"(?i)4 threads.*\b1 of \d+ cores.*idle.*(--bind-to none|PE=4)")

    def test_an_ambiguous_run_is_refused_with_its_candidates(self):
        for name in ("twin-a", "twin-b"):
            self.assertEqual(0, self.stint("run", "-q", "--run-id", name, "synthetic", "--chunks", "1").returncode)
        self.check(self.stint("status", "twin"), 2, r"twin.*(twin-a.*twin-b|twin-b.*twin-a)")

    def test_refusals_lose_nothing(self):
        self.stint("run", "--run-id", "kept", "pi", "--points", "8")
        self.stint("rm", "nosuchrun")
        self.assertEqual(self.kept, self.stint("result", "kept").stdout)


def add_case(name, environment, arguments, code, says):
    method = "test_" + re.sub(r"\W+", "_", name)
    assert not hasattr(BadInput, method), f"two cases named '{name}'"
    setattr(BadInput, method, lambda self: self.case(environment, arguments, code, says))


for case_name, *case_rest in TABLE:
    add_case(case_name, {}, *case_rest)
for case_name, *case_rest in ENVIRONMENT:
    add_case(case_name, *case_rest)

if __name__ == "__main__":
    unittest.main()

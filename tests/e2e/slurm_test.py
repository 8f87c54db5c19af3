# SPDX-License-Identifier: Apache-2.0
"""The scripts of slurm/, submitted as they are to a cluster of our own: to the end, killed and requeued, over time
limits, through the loss of a node. The result is compared byte for byte with that of an undisturbed run, and what was
computed again with what was in hand."""

import collections
import json
import os
import pathlib
import time
import unittest

from slurm_cluster import SlurmCluster
from stint_home import StintHome, eventually

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "slurm"
THREADS = 4  # of two ranks, as the scripts have it
COMMIT_EVERY = 0.2
CLAIM_SECONDS = 0.4  # computed at once and fetched ahead, by each thread


def in_hand(seconds, threads=THREADS):
    """Chunks of a length that so many threads can hold when they are killed."""
    return threads * ((COMMIT_EVERY + CLAIM_SECONDS) / seconds + 2)


class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if refusal := SlurmCluster.refusal():
            raise unittest.SkipTest(f"no Slurm of our own: {refusal}")
        cls.cluster = cls.enterClassContext(SlurmCluster())

    def setUp(self):
        self.folder = self.cluster.submit_folder / self.id().rsplit(".", 1)[1]
        self.folder.mkdir()
        self.addCleanup(self.cluster.end_jobs)

    def submit(self, script, *words, options=(), **environment):
        """With the blackboard's data and the outputs of this test in a folder of its own."""
        return self.cluster.submit(SCRIPTS / script, *words, options=["--chdir", self.folder, *options],
                                   STINT_HOME=str(self.folder / "home"), **environment)

    def synthetic(self, chunks, seconds, *more):
        """The words of a run whose chunks leave a line each time that they begin."""
        return ("--run-id", "cut", "--commit-every", COMMIT_EVERY, "--output", self.folder / "result", "--summary",
                self.folder / "summary", "synthetic", "--chunks", chunks, "--seconds", seconds, "--append",
                self.folder / "begun", *more)

    def begun(self):
        """Chunk → how often it was begun."""
        file = self.folder / "begun"
        return collections.Counter(line.split()[0] for line in file.read_text().splitlines()) if file.exists() else {}

    def await_chunks(self, count):
        eventually(60, f"{count} chunks have begun", lambda: len(self.begun()) >= count)

    def check_result(self, job, chunks, in_hand=0, gives_up=False):
        """The bits of an undisturbed run, and no more computed again than was `in_hand` when it was disturbed."""
        said = self.cluster.output(job)
        with StintHome() as home:
            expected = home.run("run", "synthetic", "--chunks", chunks).stdout
        self.assertEqual((self.folder / "result").read_text(), expected, said)
        times = self.begun()
        self.assertEqual(len(times), chunks)
        self.assertLessEqual(sum(times.values()) - chunks, in_hand, said)
        told = json.loads((self.folder / "summary").read_text())
        self.assertEqual(told["chunks"], {"total": chunks, "done": chunks, "failed": 0})
        self.assertLessEqual(told["computed"]["again"], in_hand, said)
        if not gives_up:
            self.assertNotIn("silent for a lease", said)

    def test_a_run_to_its_end(self):
        job = self.submit("run.sbatch", *self.synthetic(200, 0.01))
        self.assertEqual(self.cluster.wait_for(job), "COMPLETED", self.cluster.output(job))
        self.check_result(job, 200)
        again = self.submit("run.sbatch", *self.synthetic(200, 0.01), options=["--nodelist=node0"])
        self.assertEqual(self.cluster.wait_for(again), "COMPLETED", self.cluster.output(again))
        self.assertIn("nothing computed", self.cluster.output(again))

    def test_killed_in_the_middle_and_requeued(self):
        job = self.submit("run.sbatch", *self.synthetic(400, 0.05), options=["--nodelist=node1"])
        self.await_chunks(100)
        self.cluster.cancel(job, "--signal=KILL")
        self.assertEqual(self.cluster.wait_for(job), "CANCELLED")
        self.assertLess(len(self.begun()), 400)
        self.cluster.requeue(job)
        self.assertEqual(self.cluster.wait_for(job), "COMPLETED", self.cluster.output(job))
        self.assertEqual(self.cluster.restarts(job), 1)
        self.check_result(job, 400, in_hand(0.05))

    def test_a_node_is_lost_and_slurm_requeues_the_job_on_another(self):
        job = self.submit("run.sbatch", *self.synthetic(400, 0.05))
        self.await_chunks(100)
        first = self.cluster.job(job)["BatchHost"]
        self.cluster.lose(first)
        self.addCleanup(self.cluster.bring_back, first)
        self.assertEqual(self.cluster.wait_for(job, restarts=1), "COMPLETED", self.cluster.output(job))
        self.assertNotEqual(self.cluster.job(job)["BatchHost"], first)
        self.check_result(job, 400, in_hand(0.05))
        # The data's lease is another: of the node, not of the job.
        self.assertIn(f"last in use on {first}; waiting 10 s for a sign of life", self.cluster.output(job))

    def test_time_limits_that_end_before_the_run(self):
        # Slurm looks at limits each 30 s, so that a job has half a minute at most from its start to the signal.
        job = self.submit("run.sbatch", *self.synthetic(440, 0.6), options=["--time=1", "--signal=B:USR1@55"])
        self.cluster.wait_for(job, ("RUNNING",), seconds=120, restarts=2)
        self.cluster.call("scontrol", "update", f"JobId={job}", "TimeLimit=10")
        self.assertEqual(self.cluster.wait_for(job, seconds=120), "COMPLETED", self.cluster.output(job))
        self.assertEqual(self.cluster.restarts(job), 2)
        self.assertIn("stint: requeue 2 of at most 20", self.cluster.output(job))
        self.check_result(job, 440, 2 * THREADS)  # what each thread was at: a synthetic chunk does not go on

    def test_no_more_requeues_than_allowed(self):
        job = self.submit("run.sbatch", *self.synthetic(400, 0.1), STINT_REQUEUES="0")
        self.await_chunks(20)
        self.cluster.cancel(job, "--batch", "--signal=USR1")
        self.assertEqual(self.cluster.wait_for(job), "FAILED")
        self.assertEqual(self.cluster.job(job)["ExitCode"], "75:0")
        self.assertIn("which is the limit (STINT_REQUEUES)", self.cluster.output(job))

    def test_a_cancelled_job_stays_cancelled(self):
        job = self.submit("run.sbatch", *self.synthetic(400, 0.1))
        self.await_chunks(20)
        self.cluster.cancel(job)
        self.assertEqual(self.cluster.wait_for(job), "CANCELLED")
        self.assertEqual(self.cluster.restarts(job), 0)
        self.assertNotIn("requeue", self.cluster.output(job))

    def test_three_nodes_under_one_mpirun_and_requeued(self):
        job = self.submit("run.sbatch", *self.synthetic(600, 0.1), options=["--nodes=3"])
        self.await_chunks(200)
        self.cluster.cancel(job, "--batch", "--signal=USR1")
        self.assertEqual(self.cluster.wait_for(job, restarts=1), "COMPLETED", self.cluster.output(job))
        self.check_result(job, 600, 3 * THREADS)
        self.assertIn("6 ranks of 2 threads", self.cluster.output(job))
        self.assertEqual(self.hosts_that_computed(), {"node0", "node1", "node2"})
        home = self.folder / "home"
        self.assertEqual(home.stat().st_mode & 0o777, 0o700)
        self.assertNotIn((home / "secret").read_text().strip(), self.cluster.output(job) + (home / "redis.log").read_text())

    def test_srun_without_pmix(self):
        script = self.folder / "steps.sh"
        script.write_text('#!/bin/bash\nsrun --mpi=none "$STINT" run --threads 1 "$@"\n')
        job = self.submit(script, *self.synthetic(400, 0.02), options=["--nodes=2", "--ntasks=5"])
        self.assertEqual(self.cluster.wait_for(job), "COMPLETED", self.cluster.output(job))
        self.check_result(job, 400)
        self.assertIn("5 ranks of 1 thread", self.cluster.output(job))

    def test_the_end_of_the_job_is_known(self):
        script = self.folder / "shown.sh"
        # Each task waits for the other, so that both are known to Slurm when they ask.
        script.write_text('#!/bin/bash\necho "end $SLURM_JOB_END_TIME restarts $SLURM_RESTART_COUNT"\n'
                          'touch begun$SLURM_JOB_ID\nuntil [[ $(ls begun* | wc -l) = 2 ]]; do sleep 0.1; done\n')
        script.chmod(0o755)
        # What a job that submits them would pass on.
        stale = {"SLURM_ARRAY_JOB_ID": "1", "SLURM_ARRAY_TASK_ID": "0", "SLURM_JOB_END_TIME": "1", "SLURM_RESTART_COUNT": "20"}
        for name in ("run", "elastic", "rerun"):
            job = self.submit(f"{name}.sbatch", "x", options=["--time=7", "--array=0-1"], STINT=str(script), **stale)
            for task in range(2):
                self.assertEqual(self.cluster.wait_for(f"{job}_{task}"), "COMPLETED")
                said = self.cluster.output(f"{job}_{task}")
                self.assertRegex(said, r"\Aend \d+ restarts 0\n\Z")
                self.assertAlmostEqual(int(said.split()[1]), time.time() + 7 * 60, delta=30)
            for file in self.folder.glob("begun*"):
                file.unlink()

    def test_a_task_of_an_array_requeues_itself_alone(self):
        # The id of an array's last task is that of the array too.
        job = self.submit("elastic.sbatch", *self.synthetic(1200, 0.1), options=["--exclusive", "--array=0-2"])
        eventually(60, "three tasks have begun chunks", lambda: len(self.hosts_that_computed()) == 3)
        self.assertEqual(self.cluster.job(f"{job}_2")["JobId"], job)
        self.cluster.cancel(f"{job}_2", "--batch", "--signal=USR1")
        self.assertEqual(self.cluster.wait_for(f"{job}_2", restarts=1), "COMPLETED", self.cluster.output(f"{job}_2"))
        for task in range(2):
            self.assertEqual(self.cluster.wait_for(f"{job}_{task}"), "COMPLETED", self.cluster.output(f"{job}_{task}"))
            self.assertEqual(self.cluster.restarts(f"{job}_{task}"), 0)
        self.check_result(f"{job}_0", 1200, 2 * THREADS)

    def test_srun_with_pmix(self):
        if "pmix" not in self.cluster.call("srun", "--mpi=list"):
            self.skipTest("this Slurm has no PMIx")
        script = self.folder / "steps.sh"
        script.write_text('#!/bin/bash\nsrun --mpi=pmix bash -c \'echo $$ >pid$SLURM_PROCID; exec "$STINT" run '
                          '--threads 1 "$@"\' run "$@"\n')
        job = self.submit(script, *self.synthetic(400, 0.05), options=["--nodes=2", "--ntasks=4"])
        self.await_chunks(100)
        # Slurm ends the whole step of a rank that is lost; the same command goes on.
        node = self.cluster.node(self.cluster.job(job)["BatchHost"])
        node.call("kill", "-KILL", (self.folder / "pid0").read_text().strip())
        self.assertEqual(self.cluster.wait_for(job), "FAILED", self.cluster.output(job))
        job = self.submit(script, *self.synthetic(400, 0.05), options=["--nodes=2", "--ntasks=4"])
        self.assertEqual(self.cluster.wait_for(job), "COMPLETED", self.cluster.output(job))
        self.check_result(job, 400, in_hand(0.05, threads=4), gives_up=True)

    def test_srun_without_pmix_loses_rank_0(self):
        script = self.folder / "steps.sh"
        script.write_text('#!/bin/bash\nsrun --mpi=none bash -c \'[[ $SLURM_PROCID != 0 ]] || echo $$ >leader; exec "$STINT" run '
                          '--threads 1 --lease 1 "$@"\' run "$@"\n')
        job = self.submit(script, *self.synthetic(400, 0.05), options=["--ntasks=3"])
        self.await_chunks(100)
        node = self.cluster.node(self.cluster.job(job)["BatchHost"])
        node.call("kill", "-KILL", (self.folder / "leader").read_text().strip())
        self.cluster.wait_for(job)
        self.check_result(job, 400, in_hand(0.05, threads=1), gives_up=True)

    def elastic(self, chunks, seconds):
        """An array of four tasks, of which three have a node. Returns its id."""
        return self.submit("elastic.sbatch", *self.synthetic(chunks, seconds), options=["--exclusive"])

    def check_array(self, job, chunks, in_hand):
        """Of an array that lost a task: one that is requeued may wait for a node for longer than a lease."""
        states = [self.cluster.wait_for(f"{job}_{task}", seconds=120) for task in range(4)]
        self.assertEqual(states, ["COMPLETED"] * 4, [self.cluster.output(f"{job}_{task}") for task in range(4)])
        self.check_result(f"{job}_0", chunks, in_hand, gives_up=True)

    def running(self, job):
        return {task: self.cluster.job(f"{job}_{task}") for task in range(4) if self.cluster.state(f"{job}_{task}") == "RUNNING"}

    def test_an_elastic_run_loses_the_node_that_has_its_blackboard(self):
        job = self.elastic(600, 0.1)
        eventually(60, "three tasks have begun chunks", lambda: len(self.hosts_that_computed()) == 3)
        lost = self.host_of_blackboard()
        self.cluster.lose(lost)
        self.addCleanup(self.cluster.bring_back, lost)
        self.check_array(job, 600, in_hand(0.1))

    def test_two_tasks_of_an_elastic_run_are_killed(self):
        job = self.elastic(600, 0.1)
        eventually(60, "three tasks have begun chunks", lambda: len(self.hosts_that_computed()) == 3)
        for task in list(self.running(job))[:2]:
            self.cluster.cancel(f"{job}_{task}", "--signal=KILL")
        states = sorted(self.cluster.wait_for(f"{job}_{task}", seconds=120) for task in range(4))
        self.assertEqual(states, ["CANCELLED"] * 2 + ["COMPLETED"] * 2)
        self.check_result(f"{job}_3", 600, 2 * in_hand(0.1), gives_up=True)  # only one of their nodes gets another task

    def hosts_that_computed(self):
        file = self.folder / "begun"
        return {line.split()[2].split("/")[0] for line in file.read_text().splitlines()} if file.exists() else set()

    def host_of_blackboard(self):
        address = (self.folder / "home" / "board").read_text()
        return next(node.name for node in self.cluster.nodes if f"@{node.host.address}:" in address)

    def test_a_blackboard_of_its_own_is_restarted(self):
        board = self.submit("blackboard.sbatch")
        eventually(30, "the blackboard is there", (self.folder / "home" / "board").exists)
        self.assertEqual((self.folder / "home" / "board").stat().st_mode & 0o777, 0o600)
        job = self.submit("run.sbatch", *self.synthetic(400, 0.1), STINT_BOARD_FILE=str(self.folder / "home" / "board"))
        self.await_chunks(100)
        self.cluster.requeue(board)
        self.cluster.wait_for(board, ("RUNNING",), restarts=1)
        self.assertEqual(self.cluster.wait_for(job), "COMPLETED", self.cluster.output(job))
        self.check_result(job, 400, in_hand(0.1))
        self.cluster.cancel(board)

    def test_failed_chunks_get_another_life_with_other_ranks(self):
        words = self.synthetic(100, 0.01, "--fail-chunks", "3,17:3")
        job = self.submit("run.sbatch", *words)
        self.assertEqual(self.cluster.wait_for(job), "FAILED")
        self.assertEqual(self.cluster.job(job)["ExitCode"], "1:0", self.cluster.output(job))
        rerun = self.submit("rerun.sbatch", "cut", "--retries", 3, "--output", self.folder / "result",
                            options=["--ntasks-per-node=1", "--time=5", "--nodelist=node0"])
        self.assertEqual(self.cluster.wait_for(rerun), "COMPLETED", self.cluster.output(rerun))
        with StintHome() as home:
            expected = home.run("run", "synthetic", "--chunks", 100).stdout
        self.assertEqual((self.folder / "result").read_text(), expected)
        self.assertEqual(sum(self.begun().values()), 98 + 2 * (3 + 4), "attempts at the two count anew")


if __name__ == "__main__":
    unittest.main()

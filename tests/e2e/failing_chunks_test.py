# SPDX-License-Identifier: Apache-2.0
"""Chunks that throw, kill their rank, or never end: the run goes on without them, says why, and gives them another life."""

import json
import re
import time
import unittest

from stint_home import StintHome, closing_numbers, eventually

WORLD = ("run", "-n", 3, "--threads", 1, "--lease", 2, "--commit-every", 0.2)
JOB = ("synthetic", "--seconds", 0.01, "--chunks", 60)


class FailingChunks(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(StintHome())

    def explained(self, chunk):
        return json.loads(self.home.run("explain", "last", chunk, "--json").stdout)

    def partial(self, *job, world=WORLD):
        done = self.home.run(*world, *job, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("1 of 60 chunks failed, the result is partial", done.stderr)
        return done

    def test_a_chunk_that_throws_is_tried_elsewhere_and_then_failed(self):
        summary = self.home.folder / "summary"
        done = self.partial(*JOB, "--fail-chunks", 17, world=(*WORLD, "--summary", summary))
        self.assertIn("chunk 17 failed on", done.stderr)
        self.assertEqual(closing_numbers(done.stderr), (59, 0, 0), "attempts that failed are not counted")
        self.assertIn(", 1 failed, ", done.stderr)
        self.assertEqual(json.loads(summary.read_text())["computed"], {"here": 59, "total": 59, "again": 0})
        story = self.explained(17)
        self.assertEqual((story["where"]["state"], story["where"]["attempts"]), ("failed", "3"))
        self.assertIn("fails as told", story["where"]["error"])
        self.assertEqual(sum(event["kind"] == "retry" for event in story["events"]), 2)

    def test_a_chunk_that_fails_at_first_changes_nothing_of_the_result(self):
        expected = self.home.run("run", "--run-id", "whole", *JOB).stdout
        self.assertEqual(self.home.run(*WORLD, *JOB, "--fail-chunks", "17,20:2").stdout, expected)

    def test_a_rank_that_crashes_names_its_chunk_at_once(self):
        done = self.partial(*JOB, "--crash-chunks", 17, "--crash-signal", 11, "--retries", 1)
        self.assertIn("ends: chunk 17 died of Segmentation fault (signal 11); the others go on", done.stderr)
        story = self.explained(17)
        self.assertIn("signal 11", story["where"]["error"])
        self.assertEqual(self.home.status()["computed"]["again"], 0)

    def test_a_chunk_that_calls_exit_is_a_death_of_that_chunk(self):
        done = self.partial(*JOB, "--crash-chunks", 17, "--crash-signal", 0, "--retries", 1)
        self.assertIn("ends: chunk 17 called exit(3)", done.stderr)
        self.assertIn("its rank called exit(3)", self.explained(17)["where"]["error"])

    def test_a_chunk_that_calls_exit_in_a_process_alone_says_so(self):
        done = self.home.run("run", *JOB, "--crash-chunks", 17, "--crash-signal", 0, check=False)
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertIn("ends: chunk 17 called exit(3)", done.stderr)
        self.assertNotIn("the others go on", done.stderr)

    def test_a_step_outside_chunks_that_kills_each_rank_ends_the_run(self):
        for step, signal, how in (("finish", 11, "Segmentation fault"), ("reduce", 6, "Aborted"), ("finish", 0, "exit(3)")):
            with self.subTest(step=step, signal=signal):
                done = self.home.run("run", "-n", 2, *WORLD[3:], "--fresh", *JOB, "--crash-step", step, "--crash-signal",
                                     signal, check=False)
                self.assertEqual(done.returncode, 70, done.stderr)
                self.assertRegex(done.stderr, rf"stint: {step} of the job .*{re.escape(how)}.*, the third such death")
        self.assertNotEqual(self.home.run("run", "-n", 2, *WORLD[3:], *JOB, check=False).stdout, "", "it was mended")

    def test_a_step_before_the_run_that_kills_its_rank_ends_the_call(self):
        for step in ("plan", "prepare"):
            for signal, how in ((11, "died of Segmentation fault"), (0, "called exit(3)")):
                with self.subTest(step=step, signal=signal):
                    done = self.home.run("run", "-n", 2, *WORLD[3:], *JOB, "--crash-step", step, "--crash-signal", signal,
                                         check=False)
                    self.assertEqual(done.returncode, 70, done.stderr)
                    self.assertIn(f"{step} of the job {how}", done.stderr)

    def test_a_chunk_that_is_killed_with_its_rank_is_found_among_its_neighbours(self):
        self.partial(*JOB, "--crash-chunks", 17)
        self.assertEqual(self.home.status()["chunks"], {"total": 60, "done": 59, "failed": 1})
        self.assertEqual(self.explained(17)["where"]["state"], "failed")
        self.assertEqual(self.explained(16)["where"]["state"], "done")

    def test_ranks_that_are_all_lost_are_started_again(self):
        done = self.partial(*JOB, "--crash-chunks", 17, world=("run", "-n", 2, *WORLD[3:]))
        self.assertIn("starting them again", done.stderr)
        self.assertNotIn("PMIX", done.stderr)

    def test_a_chunk_without_end_costs_a_thread_and_not_the_run(self):
        self.partial(*JOB, "--chunk-timeout", 0.5, "--retries", 0, "--hang-chunks", 17)
        self.assertIn("did not end within 0.5 s", self.explained(17)["where"]["error"])

    def test_without_progress_anywhere_a_rank_says_what_it_waits_for(self):
        done = self.home.run(*WORLD, *JOB, "--stall-timeout", "2s", "--hang-chunks", 17, check=False)
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertIn("no progress anywhere for 2 s", done.stderr)
        self.assertIn("computing chunk 17", done.stderr)

    def test_failures_of_one_kind_end_the_run(self):
        # Many more than three ranks claim before the first failures are known.
        done = self.home.run(*WORLD, "synthetic", "--chunks", 5000, "--seconds", 0.01, "--fail-chunks", "0-4999", check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertIn("the first 20 chunks and 10 from all over the plan failed with one error", done.stderr)

    def test_a_bad_beginning_does_not_end_the_run(self):
        done = self.home.run("run", "--threads", 1, "synthetic", "--chunks", 400, "--fail-chunks", "0-24", "--retries", 0, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(closing_numbers(done.stderr), (375, 0, 0))
        listed = self.home.run("run", "--threads", 1, "commands", "[ {} -gt 24 ]", ":::", *range(60), check=False)
        self.assertEqual(closing_numbers(listed.stderr), (35, 0, 0), "and a list of commands is never ended by it")

    def test_more_failed_chunks_than_allowed_end_the_run(self):
        job = (*JOB, "--fail-chunks", "10-20", "--retries", 0)
        done = self.home.run(*WORLD, *job, "--max-failed", "10%", check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("more than --max-failed allows", done.stderr)
        self.assertEqual(self.home.status()["state"], "failed")

    def test_rerun_computes_just_what_failed(self):
        expected = self.home.run("run", "--run-id", "whole", *JOB).stdout
        log = self.home.folder / "log"
        job = (*JOB, "--fail-chunks", "17,30:3", "--append", log)
        self.assertEqual(self.home.run(*WORLD, *job, check=False).returncode, 1)
        lines = len(log.read_text().splitlines())
        marked = self.home.run("rerun", "last", "--chunks", "17")
        self.assertIn("1 chunk of run", marked.stderr)
        # The attempts are counted anew, so they fail again, and again another life is all that helps.
        self.assertEqual(self.home.run(*WORLD, *job, check=False).returncode, 1)
        self.assertEqual(len(log.read_text().splitlines()) - lines, 3)
        refused = self.home.run("rerun", "last", "--chunks", "16", check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("chunk 16 of run", refused.stderr)
        done = self.home.run("rerun", "last", "-n", 2, "--retries", 3, "--threads", 1)
        self.assertEqual(done.stdout, expected)
        self.assertEqual(self.home.run("rerun", "last", check=False).returncode, 2)

    def test_rerun_by_another_program_is_refused_unless_it_is_accepted(self):
        job = ("synthetic", "--chunks", 9, "--fail-chunks", "3:1", "--retries", 0, "--run-id", "other")
        self.assertEqual(self.home.run("run", *job, check=False).returncode, 1)
        self.home.redis_cli("HSET", "stint:{other}:run", "program", "0.9")
        refused = self.home.run("rerun", "other", "-n", 1, check=False)
        self.assertEqual(refused.returncode, 5, refused.stderr)
        self.assertIn("--accept-program", refused.stderr)
        done = self.home.run("rerun", "other", "-n", 1, "--accept-program", "--retries", 1)
        self.assertIn("chunks 9 ", done.stdout)

    def test_check_of_a_finished_run_checks(self):
        job = ("synthetic", "--chunks", 9, "--payload", 100)
        expected = self.home.run("run", *job).stdout
        done = self.home.run("run", *job, "--check", 3)
        self.assertIn("3 chunks checked", done.stderr)
        self.assertEqual(done.stdout, expected)
        refused = self.home.run("run", "--check", 1, "commands", "true", check=False)
        self.assertEqual((refused.returncode, refused.stdout), (2, ""), refused.stderr)

    def test_a_cancelled_run_goes_on_with_the_same_command(self):
        job = ("synthetic", "--chunks", 200, "--seconds", 0.03, "--run-id", "cancelled")
        world = self.home.start(*WORLD, *job)
        eventually(30, "some chunks are done", lambda: self.home.run("status", "cancelled", check=False).returncode == 0
                   and self.home.status("cancelled")["chunks"]["done"] >= 20)
        self.home.run("cancel", "cancelled")
        self.assertEqual(world.wait(30), 75)
        before = self.home.status("cancelled")
        self.assertEqual(before["state"], "cancelled")
        done = self.home.run(*WORLD, *job)
        self.assertIn("goes on", done.stderr)
        self.assertGreaterEqual(before["chunks"]["done"], 20)

    def test_the_time_limit_ends_a_run_before_it_is_ended(self):
        job = ("synthetic", "--chunks", 500, "--seconds", 0.1)
        for words, end in ((("--time-limit", "2s"), 0), ((), time.time() + 6)):
            if end:
                self.home.environment["SLURM_JOB_END_TIME"] = str(round(end))
            begun = self.home.status()["chunks"]["done"] if end else 0
            done = self.home.run(*WORLD, *words, *job, check=False)
            self.assertEqual(done.returncode, 75, done.stderr)
            self.assertIn("the time limit is near", done.stderr)
            self.assertEqual(self.home.status()["computed"]["again"], 0)
            self.assertGreater(self.home.status()["chunks"]["done"], begun)
            self.assertTrue(not end or time.time() < end + 0.5, "the whole second nearest to it")

    def test_what_is_no_time_or_number_of_chunks_is_refused(self):
        for option, text in (("--time-limit", "soon"), ("--max-failed", "some"), ("--grace", "-1")):
            with self.subTest(option=option):
                done = self.home.run("run", f"{option}={text}", *JOB, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_what_all_ranks_find_is_said_once(self):
        words = ("run", "-n", 3, "--run-id", "once", "synthetic", "--chunks", 400, "--seconds", 0.05)
        run = self.home.start(*words)
        eventually(20, "it computes", lambda: "running" in self.home.run("ls").stdout)
        run.terminate()
        run.wait(60)
        self.home.redis_cli("SETRANGE", "stint:{once}:plan", 45, "zz")
        done = self.home.run(*words, check=False)
        self.assertEqual((done.returncode, done.stderr.count("the plan of run once cannot be read")), (4, 1), done.stderr)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""The first storms, as a test: STINT_STORM_SEEDS of them (default 20), from STINT_STORM_FIRST on (default 1)."""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import storm  # noqa: E402

SEEDS = int(os.environ.get("STINT_STORM_SEEDS", "20"))
FIRST = int(os.environ.get("STINT_STORM_FIRST", "1"))


class Storms(unittest.TestCase):
    def test_the_result_is_that_of_a_run_without_faults(self):
        for seed in range(FIRST, FIRST + SEEDS):
            with self.subTest(seed=seed):
                try:
                    storm.storm(seed, say=lambda line: print(line, flush=True))
                except storm.StormFailure as failure:
                    self.fail(str(failure))


if __name__ == "__main__":
    unittest.main()

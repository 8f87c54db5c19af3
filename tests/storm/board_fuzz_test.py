# SPDX-License-Identifier: Apache-2.0
"""The first seeds of board_fuzz.py, as many as there is time for: STINT_FUZZ_SEEDS (default 200), from STINT_FUZZ_FIRST on
(default 1), at most STINT_FUZZ_SECONDS (default 45)."""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import board_fuzz  # noqa: E402


class WritesOnTheBoardByHand(unittest.TestCase):
    def test_never_give_a_wrong_result_or_a_wait_without_end(self):
        done, failures = board_fuzz.fuzz(int(os.environ.get("STINT_FUZZ_FIRST", "1")),
                                         int(os.environ.get("STINT_FUZZ_SEEDS", "200")),
                                         seconds=float(os.environ.get("STINT_FUZZ_SECONDS", "45")))
        self.assertEqual(failures, [])
        self.assertGreater(done, 0)


if __name__ == "__main__":
    unittest.main()

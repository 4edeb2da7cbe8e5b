"""What ctest says is counted right: a run that could not run is no success."""

import contextlib
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from count_tests import count  # noqa: E402


class CountTests(unittest.TestCase):
    def counted(self, *texts):
        with contextlib.ExitStack() as open_files:
            paths = []
            for text in texts:
                file = open_files.enter_context(tempfile.NamedTemporaryFile("w", suffix=".xml"))
                file.write(text)
                file.flush()
                paths.append(file.name)
            return count(*paths)

    def test_each_status_is_counted(self):
        text = """<?xml version="1.0"?><testsuite>
          <testcase name="a" status="run"/><testcase name="b" status="run"/>
          <testcase name="c" status="fail"><failure message=""/></testcase>
          <testcase name="d" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>
          <testcase name="e" status="disabled"/>
          <testcase name="f" status="notrun"><skipped message="Unable to find executable"/></testcase></testsuite>"""
        self.assertEqual(self.counted(text), (2, 2, 2, ["FAILED: c", "FAILED: f"]))

    def test_what_passes_when_run_again_is_unsteady(self):
        first = """<testsuite><testcase name="a" status="run"/><testcase name="b" status="fail"/>
          <testcase name="c" status="fail"/></testsuite>"""
        again = """<testsuite><testcase name="b" status="run"/><testcase name="c" status="fail"/></testsuite>"""
        named = ["UNSTEADY, passed when run again: b", "FAILED: c"]
        self.assertEqual(self.counted(first, again), (2, 1, 0, named))
        self.assertEqual(self.counted(first, "<testsuite><testcase"), (1, 2, 0, ["FAILED: b", "FAILED: c"]))

    def test_no_results_are_a_failure(self):
        self.assertEqual(count("/nonexistent")[:3], (0, 1, 0))
        self.assertEqual(self.counted("<testsuite><testcase")[:3], (0, 1, 0))


if __name__ == "__main__":
    unittest.main()

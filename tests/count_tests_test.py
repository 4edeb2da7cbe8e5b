"""What ctest says is counted right: a run that could not run is no success."""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from count_tests import count  # noqa: E402


class CountTests(unittest.TestCase):
    def counted(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(text)
            file.flush()
            return count(file.name)

    def test_each_status_is_counted(self):
        text = """<?xml version="1.0"?><testsuite>
          <testcase name="a" status="run"/><testcase name="b" status="run"/>
          <testcase name="c" status="fail"><failure message=""/></testcase>
          <testcase name="d" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>
          <testcase name="e" status="disabled"/>
          <testcase name="f" status="notrun"><skipped message="Unable to find executable"/></testcase></testsuite>"""
        self.assertEqual(self.counted(text), (2, 2, 2))

    def test_no_results_are_a_failure(self):
        self.assertEqual(count("/nonexistent"), (0, 1, 0))
        self.assertEqual(self.counted("<testsuite><testcase"), (0, 1, 0))


if __name__ == "__main__":
    unittest.main()

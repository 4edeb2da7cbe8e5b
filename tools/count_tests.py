"""Prints how many tests of a JUnit file by ctest passed, failed and were skipped.

A test that could not be run at all counts as failed; one that decided to skip itself is skipped. A file that is missing
or cannot be read counts as one failure.
"""

import sys
import xml.etree.ElementTree as tree


def count(path):
    try:
        cases = tree.parse(path).getroot().iter("testcase")
    except (OSError, tree.ParseError):
        return 0, 1, 0
    passed = failed = skipped = 0
    for case in cases:
        status = case.get("status")
        skip = case.find("skipped")
        if status == "run":
            passed += 1
        elif status == "disabled" or (skip is not None and skip.get("message", "").startswith("SKIP_")):
            skipped += 1
        else:
            failed += 1
    return passed, failed, skipped


if __name__ == "__main__":
    print(*count(sys.argv[1]))

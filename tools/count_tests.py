"""Prints how many tests of a JUnit file by ctest passed, failed and were skipped, then a line for each one to look at.

A test that could not be run at all counts as failed; one that decided to skip itself is skipped. A file that is missing
or cannot be read counts as one failure. With a second file, of a run of those that failed alone, a test that passed there
counts as passed and is named as unsteady.
"""

import sys
import xml.etree.ElementTree as tree


def outcomes(path):
    """What became of each test by its name; None where there is nothing to read."""
    try:
        cases = list(tree.parse(path).getroot().iter("testcase"))
    except (OSError, tree.ParseError):
        return None
    return {case.get("name"): outcome(case) for case in cases}


def outcome(case):
    skip = case.find("skipped")
    if case.get("status") == "run":
        return "passed"
    if case.get("status") == "disabled" or (skip is not None and skip.get("message", "").startswith("SKIP_")):
        return "skipped"
    return "failed"


def count(path, again=None):
    """(passed, failed, skipped, lines that name what failed or was unsteady)"""
    first = outcomes(path)
    if first is None:
        return 0, 1, 0, [f"FAILED: no results in {path}"]
    second = (outcomes(again) if again else None) or {}
    named = []
    for test in [name for name, what in first.items() if what == "failed"]:
        unsteady = second.get(test) == "passed"
        named.append(f"{'UNSTEADY, passed when run again' if unsteady else 'FAILED'}: {test}")
        first[test] = "passed" if unsteady else "failed"
    numbers = [list(first.values()).count(what) for what in ("passed", "failed", "skipped")]
    return *numbers, named


if __name__ == "__main__":
    *counted, to_look_at = count(*sys.argv[1:])
    print(*counted)
    for line in to_look_at:
        print(line)

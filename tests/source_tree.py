"""What the checks of the source tree share: the files, and C++ text without comments and strings."""

import os
import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent

_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^ ()\\\n]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)


def code_only(text, keep_strings=False):
    """The same lines with comments blanked out, and what is inside string and character literals too."""

    def blank(match):
        token = match.group()
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        if keep_strings:
            return token
        quote = "'" if token.startswith("'") else '"'
        return quote + "\n" * token.count("\n") + quote

    return _TOKENS.sub(blank, text)


def cpp_files(root, folders=("src",), tests=True):
    """Paths of C++ files relative to the root, sorted."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cpp") and (tests or not path.name.endswith("_test.cpp")):
                found.append(path.relative_to(root))
    return found


def read(root, path):
    return (root / path).read_text(encoding="utf-8")


class PlantedTree(unittest.TestCase):
    """A test case with a small tree of its own, in which violations are planted."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def plant(self, path, text):
        target = self.root / path
        os.makedirs(target.parent, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def expect_one(self, violations, part):
        self.assertEqual(len(violations), 1, violations)
        self.assertIn(part, violations[0])

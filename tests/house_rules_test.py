"""Rules of the house that a program can check: sizes of files and functions, headers, words that do not belong."""

import re
import unittest

from source_tree import ROOT, PlantedTree, code_only, cpp_files, read

FOLDERS = ("src", "bench", "fuzz")

# About 400 lines a file, 150 a header, 60 a function; about means a tenth more. A header of templates is a file of code, and
# a file of tests is a list.
FILE_LINES = 440
HEADER_LINES = 165
TEST_LINES = 660
FUNCTION_LINES = 66

FORBIDDEN = {
    "a note to do": r"\b(TODO|FIXME|XXX|HACK)\b",
    "a path of somebody's machine": r"[\"'`\s(](/work/|/home/|/Users/|/root/)",
}
FORBIDDEN_CODE = {
    "std::rand": r"\b(std::)?s?rand\s*\(",
    "assert() (check() stays on in release)": r"(?<![\w.])assert\s*\(",
    "endl (it flushes)": r"\bstd::endl\b",
    "a sleep in a test": r"\b(sleep_for|sleep_until|usleep|nanosleep)\b",
}
TEST_ONLY_RULES = ("a sleep in a test",)
TEXT_SUFFIXES = (".h", ".cpp", ".py", ".sh", ".cmake", ".txt", ".mjs", ".js", ".toml")

NOT_A_FUNCTION = re.compile(r"(^|[\s;>])(namespace|class|struct|union|enum|extern)\b(?![^{]*\)\s*$)")


def functions(code):
    """(line of the beginning, number of lines) of each function in C++ text without comments and strings."""
    code = re.sub(r"^[ \t]*#[^\n]*", "", code, flags=re.MULTILINE)
    found = []
    depth_of_function = None
    depth = 0
    begin = 0
    line = 1
    head = ""
    head_line = 1
    for character in code:
        if character == "\n":
            line += 1
        if depth_of_function is None and character not in "{};":
            if not head.strip():
                head, head_line = "", line
            head += character
            continue
        if character == "{":
            data = head.rstrip().endswith(("=", "(", ","))
            transparent = depth_of_function is None and (data or bool(NOT_A_FUNCTION.search(head.strip())))
            if depth_of_function is None and not transparent:
                depth_of_function, begin = depth, head_line
            depth += 1
            head = ""
        elif character == "}":
            depth -= 1
            if depth_of_function == depth:
                found.append((begin, line - begin + 1))
                depth_of_function = None
            head = ""
        elif character == ";" and depth_of_function is None:
            head = ""
    return found


def size_violations(root, path, text, code):
    lines = text.count("\n")
    if path.name.endswith("_test.cpp"):
        most = TEST_LINES
    elif path.suffix == ".h" and "template <" not in code:
        most = HEADER_LINES
    else:
        most = FILE_LINES
    if lines > most:
        yield f"{path} has {lines} lines, more than {most}"
    for line, length in functions(code):
        if length > FUNCTION_LINES:
            yield f"{path}:{line} is a function of {length} lines, more than {FUNCTION_LINES}"


def header_violations(path, code):
    if path.suffix != ".h":
        return
    if not code.lstrip().startswith("#pragma once"):
        yield f"{path} does not begin with #pragma once"
    if re.search(r"^\s*using namespace (?!std::\w*literals)", code, re.MULTILINE):
        yield f"{path} has a using-directive, which reaches everybody who includes it"


def types_defined(code):
    """The full names of the types that C++ text defines where others can see them: not in a namespace without a name."""
    namespaces = []
    depth = 0
    for line in code.splitlines():
        if opened := re.match(r"\s*(?:inline )?namespace ?([\w:]*) ?\{(?!.*\})", line):
            namespaces.append(opened[1])
        elif depth == len(namespaces) and "" not in namespaces:
            if defined := re.match(r"\s*(?:struct|class|union|enum(?: class)?) ([\w:]*\w)\b[^;=()]*(\{.*)?$", line):
                yield "::".join((*namespaces, defined[1]))
        depth += line.count("{") - line.count("}")
        del namespaces[max(depth, 0):]


def one_definition_violations(sources):
    """Types of one name in one namespace: whichever header a file includes, the program may use the other's functions."""
    where = {}
    for path, code in sources:
        if path.parts[0] != "src" or path.name.endswith("_test.cpp"):
            continue
        for name in types_defined(code):
            where.setdefault(name, set()).add(path)
    for name, paths in where.items():
        if len(paths) > 1:
            yield f"{name} is defined in {' and in '.join(sorted(map(str, paths)))}"


CONSTANT = re.compile(r"^(?:static )?(?:constexpr|const)\s[^=({]*?\b(k[A-Z]\w*)\b\s*[\[={;(]", re.MULTILINE)
ALIAS = re.compile(r"^using (\w+) = ([^;]*);", re.MULTILINE)


def local_name_violations(sources):
    """Constants of one name in sources of one folder, or aliases of one name for different things: which of them are
    compiled as one file is not ours to say."""
    where = {}
    for path, code in sources:
        if path.parts[0] == "src" and path.suffix == ".cpp":
            names = [(name, path) for name in CONSTANT.findall(code)] + ALIAS.findall(code)
            for name, meaning in names:
                named = where.setdefault((path.parent, path.name.endswith("_test.cpp"), name), {})
                named.setdefault(meaning, set()).add(path)
    for (_, _, name), meanings in where.items():
        if len(meanings) > 1:
            yield f"{name} is defined in {' and in '.join(sorted(map(str, set().union(*meanings.values()))))}"


def matches(path, text, rules):
    for what, pattern in rules.items():
        for match in re.finditer(pattern, text):
            yield f"{path}:{text.count(chr(10), 0, match.start()) + 1} has {what}"


def text_files(root):
    for folder in (*FOLDERS, "tests", "tools", "cmake", "docs"):
        for path in sorted((root / folder).rglob("*")):
            if "node_modules" in path.parts or "__pycache__" in path.parts:
                continue
            if path.suffix in TEXT_SUFFIXES and path.name != "house_rules_test.py" and path.is_file():
                yield path.relative_to(root)


def violations(root):
    found = []
    sources = []
    for path in cpp_files(root, FOLDERS):
        text = read(root, path)
        code = code_only(text)
        sources.append((path, code))
        found.extend(size_violations(root, path, text, code))
        found.extend(header_violations(path, code))
        for what, pattern in FORBIDDEN_CODE.items():
            if what not in TEST_ONLY_RULES or path.name.endswith("_test.cpp"):
                found.extend(matches(path, code, {what: pattern}))
        if "namespace forewarm" not in code and path.parts[0] == "src" and path.name != "main.cpp":
            found.append(f"{path} is not in namespace forewarm")
    found.extend(one_definition_violations(sources))
    found.extend(local_name_violations(sources))
    for path in text_files(root):
        found.extend(matches(path, read(root, path), FORBIDDEN))
    return found


class Tree(unittest.TestCase):
    def test_the_tree_keeps_the_rules_of_the_house(self):
        self.assertGreater(len(cpp_files(ROOT, FOLDERS)), 40)
        self.assertEqual(violations(ROOT), [])


class Planted(PlantedTree):
    GOOD = "#pragma once\n\nnamespace forewarm {\n\n/// Says so.\nint answer();\n\n}  // namespace forewarm\n"

    def setUp(self):
        super().setUp()
        self.plant("src/base/good.h", self.GOOD)

    def source(self, body):
        return "namespace forewarm {\n" + body + "\n}  // namespace forewarm\n"

    def test_a_tree_that_keeps_the_rules_passes(self):
        self.plant("src/base/good.cpp", self.source("struct A {\n" + "  int a() { return 1; }\n" * 100 + "};"))
        self.plant("src/base/table.cpp", self.source("constexpr int kTable[] = {\n" + "  {1, 2},\n" * 100 + "};"))
        self.assertEqual(violations(self.root), [])

    def test_local_names_that_two_sources_of_one_folder_have_are_caught(self):
        self.plant("src/base/one.cpp", self.source("constexpr int kMost = 1;"))
        self.plant("src/base/sub/other.cpp", self.source("constexpr int kMost = 2;"))
        self.plant("src/base/one_test.cpp", self.source("constexpr int kMost = 3;"))
        self.assertEqual(violations(self.root), [])
        self.plant("src/base/two.cpp", self.source("constexpr long kMost{2};"))
        self.expect_one(violations(self.root), "kMost is defined in src/base/one.cpp and in src/base/two.cpp")
        self.plant("src/base/two.cpp", self.source("constexpr Most kMost(2);"))
        self.expect_one(violations(self.root), "kMost is defined in src/base/one.cpp and in src/base/two.cpp")
        self.plant("src/base/one.cpp", self.source("using Labels = int;"))
        self.plant("src/base/two.cpp", self.source("using Labels = long;"))
        self.expect_one(violations(self.root), "Labels is defined in src/base/one.cpp and in src/base/two.cpp")

    def test_long_files_and_headers_are_caught(self):
        self.plant("src/base/long.h", self.GOOD + "\n" * HEADER_LINES)
        self.expect_one(violations(self.root), "long.h has")
        self.plant("src/base/long.h", self.GOOD)
        self.plant("src/base/long.cpp", self.source("") + "\n" * FILE_LINES)
        self.expect_one(violations(self.root), "long.cpp has")

    def test_long_functions_are_caught_wherever_they_stand(self):
        body = "{\n" + "  if (a) { b(); }\n" * FUNCTION_LINES + "}"
        for text in (
            f"int f(int a)\n    const {body}",
            f"struct A : B {{\n  int f() {body}\n}};",
            f"namespace {{\nTEST(Some, Thing) {body}\n}}",
            f"A::A(int a) : b(a) {body}",
        ):
            self.plant("src/base/long.cpp", self.source(text))
            self.expect_one(violations(self.root), "is a function of")

    def test_headers_without_a_guard_or_with_a_using_directive_are_caught(self):
        self.plant("src/base/bad.h", "namespace forewarm {}\n")
        self.expect_one(violations(self.root), "#pragma once")
        self.plant("src/base/bad.h", "#pragma once\nusing namespace std;\nnamespace forewarm {}\n")
        self.expect_one(violations(self.root), "using-directive")

    def test_words_that_do_not_belong_are_caught(self):
        for text, what in {
            "// TO" "DO: later": "a note to do",
            "int a = std::rand();": "std::rand",
            "void f() { assert(a); }": "assert()",
            'const char* a = "/ho' 'me/me/a";': "a path of somebody",
        }.items():
            self.plant("src/base/bad.cpp", self.source(text))
            self.expect_one(violations(self.root), what)
        self.plant("src/base/bad.cpp", self.source("// assert(1) and rand() in a comment"))
        self.assertEqual(violations(self.root), [])

    def test_two_types_of_one_name_are_caught(self):
        self.plant("src/a/one.h", "#pragma once\nnamespace forewarm {\nstruct Route {\n};\n}  // namespace forewarm\n")
        self.plant("src/b/one.cpp", "namespace forewarm {\nnamespace {\nstruct Route {\n};\n}  // namespace\nclass Route;\n}\n")
        self.assertEqual(violations(self.root), [])
        self.plant("src/b/two.h", "#pragma once\nnamespace forewarm {\nclass Route : public A {\n};\n}  // namespace forewarm\n")
        self.expect_one(violations(self.root), "forewarm::Route is defined in src/a/one.h and in src/b/two.h")

    def test_a_sleep_in_a_test_is_caught(self):
        self.plant("src/base/bad_test.cpp", self.source("void f() { std::this_thread::sleep_for(1s); }"))
        self.expect_one(violations(self.root), "a sleep in a test")


if __name__ == "__main__":
    unittest.main()

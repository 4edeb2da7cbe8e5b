"""base and core have no clock, thread, file, socket, environment, standard random number or transcendental function of libm.

symbols_test.py sees what is linked; this sees what is written, with its line.
"""

import re
import unittest

from source_tree import ROOT, PlantedTree, code_only, cpp_files, read

FOLDERS = ("src/base", "src/core")

FORBIDDEN_HEADERS = re.compile(
    r"atomic|barrier|cmath|condition_variable|coroutine|csignal|cstdio|cstdlib|ctime|execution|filesystem|fstream|future|iostream|"
    r"istream|latch|locale|mutex|ostream|print|random|semaphore|shared_mutex|sstream|stop_token|syncstream|thread|"
    r"unordered_map|unordered_set|.*/.*|.*\.h"
)
# Header: the only files that may include it, with the reason.
ALLOWED_HEADERS = {
    "cstdio": {"src/base/check.cpp": "says which check failed before it aborts"},
    "cstdlib": {"src/base/check.cpp": "aborts"},
    "Eigen/Dense": {"*": "linear algebra without state; symbols_test.py sees which functions of libm it would pull in"},
    "cmath": {"*": "std::abs, std::floor, std::isfinite and the like are exact; the others are forbidden by name"},
}

TRANSCENDENTAL = (
    "exp|exp2|expm1|log|log2|log10|log1p|pow|sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|asinh|acosh|atanh|cbrt|erf|erfc|"
    "hypot|lgamma|tgamma|beta|riemann_zeta|fma"
)
FORBIDDEN_TEXT = {
    "a clock": r"\b(system_clock|steady_clock|high_resolution_clock|utc_clock|tai_clock|file_clock|clock_gettime|gettimeofday|"
    r"timespec_get|localtime|gmtime)\b",
    "a thread": r"\bstd::(thread|jthread|async|mutex|atomic\w*)\b|\bthread_local\b|\bpthread_",
    "an unordered container": r"\bunordered_\w+",
    "the environment": r"\b(getenv|setenv|secure_getenv)\b",
    "input or output": r"\bstd::(cout|cerr|clog|cin|\w*fstream|print\w*)\b|\b(printf|fopen|fwrite|fputs|puts)\s*\(|\bsocket\s*\(",
    "a random number of the library": r"\bstd::(rand|srand|random_device|mt19937\w*|\w+_distribution|random_shuffle)\b|\b(rand|srand)\s*\(",
    "libm": rf"\bstd::({TRANSCENDENTAL})f?\s*\(|(?<![\w:.>])::({TRANSCENDENTAL})f?\s*\(|"
    rf"\b__builtin_({TRANSCENDENTAL})f?\s*\(",
}
ALLOWED_TEXT = {("src/base/check.cpp", "input or output"): "says which check failed before it aborts"}
INCLUDE = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)


def line_of(text, place):
    return text.count("\n", 0, place) + 1


def violations(root):
    found = []
    for path in cpp_files(root, FOLDERS, tests=False):
        text = code_only(read(root, path))
        for match in INCLUDE.finditer(text):
            header = match.group(1)
            allowed = ALLOWED_HEADERS.get(header, {})
            if FORBIDDEN_HEADERS.fullmatch(header) and str(path) not in allowed and "*" not in allowed:
                found.append(f"{path}:{line_of(text, match.start(1))} includes <{header}>")
        for what, pattern in FORBIDDEN_TEXT.items():
            if (str(path), what) in ALLOWED_TEXT:
                continue
            for match in re.finditer(pattern, text):
                found.append(f"{path}:{line_of(text, match.start())} uses {what}: {match.group().strip()}")
    return found


class Tree(unittest.TestCase):
    def test_base_and_core_are_pure(self):
        self.assertGreater(len(cpp_files(ROOT, FOLDERS, tests=False)), 15)
        self.assertEqual(violations(ROOT), [])


class Planted(PlantedTree):
    def setUp(self):
        super().setUp()
        self.plant(
            "src/core/good.cpp",
            "#include <cmath>\n#include <map>\n// std::exp(1), steady_clock\n"
            'const char* text = "getenv std::mutex";\ndouble f(double x) { return std::floor(x) + exp(x) + a.log(x); }\n',
        )
        self.plant("src/base/check.cpp", "#include <cstdio>\nvoid f() { std::fprintf(stderr, 0); printf(0); }\n")
        self.plant("src/core/bad_test.cpp", "#include <thread>\n")
        self.plant("src/edge/net.cpp", "#include <thread>\n")

    def test_a_pure_tree_passes(self):
        self.assertEqual(violations(self.root), [])

    def test_forbidden_headers_are_caught(self):
        for header in ("thread", "random", "fstream", "unistd.h", "sys/socket.h", "cstdio", "boost/json.hpp"):
            self.plant("src/core/bad.h", f"#pragma once\n#include <{header}>\n")
            self.expect_one(violations(self.root), f"bad.h:2 includes <{header}>")

    def test_forbidden_names_are_caught(self):
        for line, what in {
            "auto t = std::chrono::steady_clock::now();": "a clock",
            "std::mutex m;": "a thread",
            "thread_local int x;": "a thread",
            "x = std::exp(y);": "libm",
            "x = std::pow (y, 2);": "libm",
            "x = ::log(y);": "libm",
            'auto v = getenv("HOME");': "the environment",
            "int r = rand();": "a random number",
            "std::normal_distribution<double> d;": "a random number",
            "std::unordered_map<int, int> m;": "an unordered container",
            "std::cout << 1;": "input or output",
        }.items():
            self.plant("src/core/bad.cpp", "\n" + line + "\n")
            self.expect_one(violations(self.root), what)
            self.expect_one(violations(self.root), "bad.cpp:2")


if __name__ == "__main__":
    unittest.main()

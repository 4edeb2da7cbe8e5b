"""The core's libraries and a program of nothing but the core import only what computes: no clock, thread, file, socket,
environment, random number or libm; and they hold no data that can change.

Usage: symbols_test.py PROBE LIBRARY... (the program, and the static libraries of base and core).
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

# Everything that the probe may import. What is not here is not allowed.
ALLOWED = {
    r"(_ITM_|__gmon_start__|__cxa_finalize|__libc_start_main)\w*": "what every program starts and ends with",
    r"__cxa_(allocate_exception|begin_catch|end_catch|free_exception|get_exception_ptr|rethrow|throw|pure_virtual|"
    r"bad_cast|throw_bad_array_new_length|guard_\w+)|__gxx_personality_v0|_Unwind_Resume|__dynamic_cast": "exceptions",
    r"operator (new|delete)(\[\])?\(.*\)|malloc|calloc|realloc|free|std::nothrow": "memory",
    r"(__)?(mem(cpy|move|set|cmp|chr)|strlen|strcmp|strncmp|bcmp)(_chk)?": "bytes",
    r"__stack_chk_fail|__chk_fail|std::__glibcxx_assert_fail.*": "hardening",
    r"abort|fprintf|fputs|fwrite|fputc|stderr|__fprintf_chk": "base/check.cpp says which check failed and aborts",
    r"std::terminate\(\)|std::__throw_\w+\(.*\)|(vtable|typeinfo) (for|name for) (std|__cxxabiv1)::.*": "the standard library",
    r"std::(exception|bad_alloc|logic_error|runtime_error|out_of_range|length_error|bad_variant_access|bad_optional_access|"
    r"bad_expected_access<void>|bad_function_call|invalid_argument)::.*": "exceptions of the standard library",
    r"std::_Rb_tree_\w+\(.*\)": "std::map and std::set",
    r"std::__detail::_List_node_base::.*": "std::list",
    r"std::__cxx11::basic_string<char.*>::.*|std::__cxx11::to_string\(.*\)|bool std::operator.*basic_string.*": "std::string",
    r"std::(to_chars|from_chars)\(.*\)": "numbers as text, the same in every locale",
    r"(floor|ceil|trunc|nearbyint|rint|round|lround|llround|fabs|fmin|fmax|sqrt|frexp|ldexp|modf|fmod)f?": "exact by IEEE-754",
}

# What a library must not even mention, whether or not the probe would pull it in.
FORBIDDEN = re.compile(
    r"(clock_gettime|gettimeofday|time|localtime\w*|gmtime\w*|timespec_get|nanosleep|usleep|sleep|"
    r"pthread_\w+|sem_\w+|open(64|at)?|fopen(64)?|read|write|socket|connect|accept4?|bind|listen|send\w*|recv\w*|poll|select|"
    r"epoll_\w+|getenv|secure_getenv|setenv|s?rand(om)?(_r)?|[dlm]rand48|getrandom|getentropy|syscall|"
    r"(exp|exp2|expm1|log|log2|log10|log1p|pow|sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|cbrt|erf|erfc|hypot|lgamma|"
    r"tgamma|fma)[fl]?|std::chrono::\w*.*_clock::now.*|std::random_device.*|std::thread.*|std::condition_variable.*|std::locale.*)"
)


def nm(*arguments):
    command = ["nm", "--demangle", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def plain(name):
    return name.partition("@")[0].strip()


def imports(program):
    """Names that a linked program takes from shared libraries."""
    return sorted({plain(line.split(None, 1)[1]) for line in nm("--dynamic", "--undefined-only", program)})


def import_violations(program):
    allowed = re.compile("|".join(f"({pattern})" for pattern in ALLOWED))
    return [f"{program.name} imports {name}" for name in imports(program) if not allowed.fullmatch(name)]


def library_violations(library):
    undefined = {plain(line.split(None, 1)[1]) for line in nm("--undefined-only", library) if " U " in line}
    return [f"{library.name} uses {name}" for name in sorted(undefined) if FORBIDDEN.fullmatch(name)]


def data_violations(library):
    """Variables that can change while the program runs; tables and vtables that only need relocation cannot."""
    found = []
    for line in nm("--format=sysv", "--defined-only", library):
        fields = [field.strip() for field in line.split("|")]
        if fields[0].startswith("DW.ref."):  # the unwinder's own
            continue
        if fields[0].endswith("Eigen::internal::manage_caching_sizes(Eigen::Action, long*, long*, long*)::m_cacheSizes"):
            continue  # and its guard: set once, to the same on every machine (EIGEN_NO_CPUID in CMakeLists.txt)
        if len(fields) == 7 and re.match(r"\.(t?data|t?bss)(?!\.rel\.ro)", fields[6]) and fields[3] != "SECTION":
            found.append(f"{library.name} has the variable {fields[0]}")
    return sorted(set(found))


class Core(unittest.TestCase):
    probe = None
    libraries = ()

    def test_the_linked_core_imports_only_what_computes(self):
        self.assertGreater(len(imports(self.probe)), 5)
        self.assertEqual(import_violations(self.probe), [])

    def test_no_library_of_the_core_mentions_what_is_forbidden(self):
        self.assertGreaterEqual(len(self.libraries), 2)
        self.assertEqual([v for library in self.libraries for v in library_violations(library)], [])

    def test_no_library_of_the_core_holds_data_that_can_change(self):
        self.assertEqual([v for library in self.libraries for v in data_violations(library)], [])


class Planted(unittest.TestCase):
    def build(self, body):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name)
        (path / "planted.cpp").write_text(body, encoding="utf-8")
        run = lambda *command: subprocess.run(command, check=True, cwd=path, capture_output=True)
        run("g++", "-std=c++20", "-O1", "-fPIC", "-c", "planted.cpp")
        run("ar", "rc", "libplanted.a", "planted.o")
        run("g++", "planted.o", "-o", "planted")
        return path / "planted", path / "libplanted.a"

    def test_what_only_computes_passes(self):
        program, library = self.build(
            "#include <vector>\nextern const int table[]; const int table[] = {1, 2};\n"
            "struct A { virtual int f() { return 1; } virtual ~A() {} };\n"
            "int main(int n, char**) { std::vector<int> v; v.push_back(n); A a; return v[0] + a.f(); }"
        )
        self.assertEqual(import_violations(program) + library_violations(library) + data_violations(library), [])

    def test_each_forbidden_thing_is_caught(self):
        planted = {
            "time": ("ctime", "time(nullptr)"),
            "std::chrono::_V2::steady_clock::now()": ("chrono", "std::chrono::steady_clock::now().time_since_epoch().count()"),
            "getenv": ("cstdlib", "getenv(v[0]) != nullptr"),
            "open": ("fcntl.h", "open(v[0], 0)"),
            "socket": ("sys/socket.h", "socket(n, 0, 0)"),
            "rand": ("cstdlib", "rand()"),
            "exp": ("math.h", "exp(n)"),
            "pthread_create": ("pthread.h", "pthread_create(nullptr, nullptr, nullptr, nullptr)"),
            "std::random_device::_M_getval()": ("random", "(long)std::random_device()()"),
        }
        body = "".join(f"#include <{include}>\n" for include, _ in planted.values())
        body += "int main(int n, char** v) { return (int)(" + " + ".join(f"({e})" for _, e in planted.values()) + "); }"
        program, library = self.build(body)
        for name in planted:
            self.assertIn(f"libplanted.a uses {name}", library_violations(library))
            self.assertIn(f"planted imports {name}", import_violations(program))

    def test_variables_that_can_change_are_caught(self):
        body = (
            "int plain; static int hidden = 1; int a() { return ++hidden; } thread_local int threads;\n"
            "int b() { static int local = a(); return ++local + ++threads; } int main() { return plain + b(); }"
        )
        found = " ".join(data_violations(self.build(body)[1]))
        for name in ("plain", "hidden", "local", "threads"):
            self.assertIn(f"variable {name}", found.replace("b()::", ""))


if __name__ == "__main__":
    Core.probe = pathlib.Path(sys.argv[1])
    Core.libraries = [pathlib.Path(name) for name in sys.argv[2:]]
    unittest.main(argv=sys.argv[:1])

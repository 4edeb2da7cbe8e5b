"""src/ keeps to the floors in the file LAYERS, and third-party libraries stay behind the folder that uses them."""

import re
import unittest

from source_tree import ROOT, PlantedTree, code_only, cpp_files, read

# Third-party headers by the beginning of their path: the folders that may include them, in .cpp files and in headers that no
# other folder includes.
THIRD_PARTY = {
    "CLI/": ["app", "app/worker"],
    "Clp": ["sim/bounds"],
    "Coin": ["sim/bounds"],
    "Eigen/": ["core/forecast/models", "core/forecast/regressors"],
    "amqp": ["edge/cloud/rabbitmq"],
    "boost/asio": ["app", "edge/functions", "edge/net"],
    "boost/beast": ["edge/net"],
    "boost/core/": ["edge/net"],
    "boost/json": ["app", "edge/cloud", "edge/cloud/credentials", "edge/cloud/invoke", "edge/cloud/metrics", "edge/cloud/nats",
                   "edge/cloud/pubsub", "edge/cloud/rabbitmq", "edge/cloud/sqs", "edge/cloud/targets", "edge/functions",
                   "edge/history", "edge/leader", "edge/net", "edge/observe", "edge/observe/emf", "edge/observe/notify",
                   "edge/observe/otlp", "edge/signal", "edge/sqs"],
    "boost/system": ["edge/functions", "edge/net"],
    "curl/": ["edge/cloud", "edge/net"],
    "libpq-fe.h": ["edge/postgres"],
    "expat.h": ["edge/archive", "edge/cloud/servicebus", "edge/history"],
    "libical/": ["edge/signal"],
    "nats/": ["edge/cloud/nats"],
    "nghttp2/": ["edge/cloud/keda"],
    "openssl/": ["edge/archive", "edge/cloud/credentials", "edge/cloud/pubsub", "edge/cloud/rabbitmq", "edge/cloud/servicebus",
                  "edge/cloud/sqs", "edge/net", "edge/signal", "edge/sqs"],
    "prometheus/": ["edge/observe"],
    "proton/": ["edge/cloud/servicebus"],
    "seccomp.h": ["edge/functions"],
    "spdlog/": ["edge/observe"],
    "sqlite3.h": ["edge/sqlite", "edge/store"],
    "toml++/": ["app"],
    "xxhash.h": ["edge/journal", "edge/store"],
    "zlib.h": ["edge/trace"],
}
TEST_ONLY = ("gtest/", "gmock/", "rapidcheck")
SYSTEM = re.compile(
    r"[a-z0-9_]+|(arpa|linux|net|netinet|sys)/[a-z0-9_]+\.h|"
    r"(dirent|dlfcn|errno|fcntl|grp|ifaddrs|libgen|malloc|netdb|poll|pthread|pwd|sched|signal|spawn|stdint|stdlib|string|"
    r"termios|time|ucontext|unistd)\.h"
)
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def read_layers(root):
    layers = {}
    for line in read(root, "LAYERS").splitlines():
        if line and not line.startswith("#"):
            folder, _, floors = line.partition(":")
            layers[folder] = floors.split()
    return layers


def order_violations(layers):
    """A folder may only see folders above its own line, so there are no cycles."""
    seen = set()
    for folder, floors in layers.items():
        for floor in floors:
            if floor not in seen:
                yield f"LAYERS: {folder} sees {floor}, which does not stand above it"
        seen.add(folder)


def is_third_party(header):
    return header.startswith(tuple(THIRD_PARTY))


def carriers(includes, heavy):
    """The headers that bring in a third-party header, themselves or through others."""
    found = set(heavy)
    grown = True
    while grown:
        more = {path for path, ours in includes.items() if path.endswith(".h") and found.intersection(ours)} - found
        found |= more
        grown = bool(more)
    return found


def carried_violations(includes, heavy):
    """Third-party headers that reach another folder through ours."""
    carrying = carriers(includes, heavy)
    for path, ours in includes.items():
        for header in sorted(carrying.intersection(ours)):
            if header.rpartition("/")[0] != path.rpartition("/")[0]:
                yield f'src/{path} includes "{header}", which brings in a third-party header'


def fixture_violations(includes, fixtures):
    """Headers for tests, by what they include, in a .cpp file that is none."""
    carrying = carriers(includes, fixtures)
    for path, ours in includes.items():
        if path.endswith(".cpp") and not path.endswith("_test.cpp"):
            for header in sorted(carrying.intersection(ours)):
                yield f'src/{path} includes "{header}", which is for tests'


def third_party_violations(where, folder, path, header):
    if header.startswith(TEST_ONLY):
        if path.suffix == ".cpp" and not path.name.endswith("_test.cpp"):
            yield f"{where} includes <{header}>, which is for tests"
        return
    for beginning, folders in THIRD_PARTY.items():
        if header.startswith(beginning):
            if folder not in folders:
                yield f"{where} includes <{header}>, which belongs to {', '.join(folders)}"
            return
    if not SYSTEM.fullmatch(header):
        yield f"{where} includes <{header}>, which tests/layers_test.py does not know"


def violations(root):
    layers = read_layers(root)
    found = list(order_violations(layers))
    includes = {}
    heavy = set()
    fixtures = set()
    for path in cpp_files(root):
        folder = str(path.parent.relative_to("src"))
        if folder not in layers:
            found.append(f"{path}: the folder {folder} is not in LAYERS")
            continue
        name = str(path.relative_to("src"))
        includes[name] = []
        for match in INCLUDE.finditer(code_only(read(root, path), keep_strings=True)):
            ours, theirs = match.groups()
            if theirs:
                if path.suffix == ".h" and is_third_party(theirs):
                    heavy.add(name)
                if path.suffix == ".h" and theirs.startswith(TEST_ONLY):
                    fixtures.add(name)
                found.extend(third_party_violations(path, folder, path, theirs))
                continue
            includes[name].append(ours)
            target = ours.rpartition("/")[0]
            if not (root / "src" / ours).is_file():
                found.append(f'{path} includes "{ours}", which is not in src/')
            elif target != folder and target not in layers[folder]:
                found.append(f'{path} includes "{ours}", but {folder} may not see {target}')
    found.extend(carried_violations(includes, heavy))
    found.extend(fixture_violations(includes, fixtures))
    return found


class Tree(unittest.TestCase):
    def test_the_source_tree_keeps_to_its_layers(self):
        self.assertGreater(len(cpp_files(ROOT)), 20)
        self.assertEqual(violations(ROOT), [])


class Planted(PlantedTree):
    def setUp(self):
        super().setUp()
        self.plant("LAYERS", "# comment\nbase:\ncore: base\nedge/net: base\napp: base core edge/net\n")
        self.plant("src/base/id.h", "#pragma once\n#include <cstdint>\n")
        self.plant("src/core/step.cpp", '#include "base/id.h"\n#include <sys/stat.h>\n// #include "app/main.h"\n')
        self.plant("src/edge/net/http.cpp", '#include "edge/net/http.h"\n#include <boost/asio/post.hpp>\n')
        self.plant("src/edge/net/http.h", "#pragma once\n")
        self.plant("src/edge/net/http_test.cpp", "#include <gtest/gtest.h>\n")

    def test_a_tree_without_violations_passes(self):
        self.assertEqual(violations(self.root), [])

    def test_a_floor_that_sees_a_higher_one_is_caught(self):
        self.plant("src/base/up.h", '#include "core/step.h"\n')
        self.plant("src/core/step.h", "")
        self.expect_one(violations(self.root), "base may not see core")

    def test_a_sibling_is_caught(self):
        self.plant("LAYERS", "base:\nedge/a: base\nedge/net: base\ncore: base\n")
        self.plant("src/edge/a/a.cpp", '#include "edge/net/http.h"\n')
        self.expect_one(violations(self.root), "edge/a may not see edge/net")

    def test_a_folder_that_layers_does_not_name_is_caught(self):
        self.plant("src/util/util.h", "")
        self.expect_one(violations(self.root), "not in LAYERS")

    def test_an_include_of_nothing_is_caught(self):
        self.plant("src/app/main.cpp", '#include "base/gone.h"\n')
        self.expect_one(violations(self.root), "not in src/")

    def test_a_heavy_header_that_reaches_another_folder_through_ours_is_caught(self):
        self.plant("src/edge/net/loop_inside.h", "#include <boost/asio/io_context.hpp>\n")
        self.plant("src/edge/net/loop.cpp", '#include "edge/net/loop_inside.h"\n')
        self.assertEqual(violations(self.root), [])
        self.plant("src/edge/net/http.h", '#include "edge/net/loop_inside.h"\n')
        self.assertEqual(violations(self.root), [])
        self.plant("src/app/main.cpp", '#include "edge/net/http.h"\n')
        self.expect_one(violations(self.root), "brings in a third-party header")

    def test_a_heavy_header_outside_its_folder_is_caught(self):
        self.plant("src/core/json.cpp", "#include <boost/json.hpp>\n")
        self.expect_one(violations(self.root), "belongs to")

    def test_an_unknown_library_and_a_test_header_in_the_product_are_caught(self):
        self.plant("src/app/main.cpp", "#include <ceres/ceres.h>\n")
        self.expect_one(violations(self.root), "does not know")
        self.plant("src/app/main.cpp", "#include <gtest/gtest.h>\n")
        self.expect_one(violations(self.root), "for tests")

    def test_a_fixture_in_the_product_is_caught(self):
        self.plant("src/core/core_fixture.h", "#include <gtest/gtest.h>\n")
        self.plant("src/core/contents.h", '#include "core/core_fixture.h"\n')
        self.plant("src/core/core_test.cpp", '#include "core/contents.h"\n')
        self.assertEqual(violations(self.root), [])
        self.plant("src/core/step.cpp", '#include "core/contents.h"\n')
        self.expect_one(violations(self.root), "for tests")

    def test_a_cycle_is_caught(self):
        self.plant("LAYERS", "base: core\ncore: base\nedge/net: base\napp: base\n")
        self.expect_one(violations(self.root), "does not stand above")


if __name__ == "__main__":
    unittest.main()

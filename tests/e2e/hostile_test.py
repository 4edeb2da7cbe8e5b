"""Functions that mean harm: what each layer of isolation promises, that neighbours go on, and that nothing leaks.

What this machine does not have is skipped by name, with the reason that `forewarm doctor` gives. That harm is gone is
tested here; how soon, and how late it makes neighbours, depends on the machine and is measured by `./dev bench hostile`.
"""

import json
import os
import pathlib
import tempfile
import time
import unittest

from server_process import Server, ServerTest, python_handler, wait_for

HOSTILE = str(pathlib.Path(__file__).parent / "handlers" / "hostile.py")


def processes_with(text):
    """Processes of this machine with a text in their command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if text.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass  # it has ended
    return found


def cgroups_of(pid):
    """Folders that forewarm made and that a process is in."""
    mounts = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()
              if line.split()[2] in ("cgroup", "cgroup2")]
    paths = [line.split(":", 2)[2] for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    return [folder for mount in mounts for path in paths if "/forewarm-" in path
            for folder in [pathlib.Path(mount + path)] if folder.is_dir()]


def is_of_queue(pid):
    try:
        variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    numbers = [int(each.rpartition(b"-")[2]) for each in variables if each.startswith(b"FOREWARM_INSTANCE=")]
    return b"AWS_LAMBDA_FUNCTION_NAME=neighbour" in variables and all(number < 1 << 62 for number in numbers)


def temporary_folders():
    return set(pathlib.Path(tempfile.gettempdir()).glob("forewarm-" + "[0-9a-f]" * 16))


class HostileTests(ServerTest):
    def setUp(self):
        super().setUp()
        for name in ("mine", "theirs"):
            (self.folder / name).mkdir()
            (self.folder / name / "code").write_text("code")

    def function(self, name, settings=""):
        return f"""
[[function]]
name = "{name}"
{python_handler(HOSTILE)}start_time_guess = "200ms"
{settings}
[[mapping]]
queue = "{name}-queue"
function = "{name}"
scaling.instances_min = 1
"""

    def begin(self, settings="", server_settings="", neighbour=True, level="on"):
        config = server_settings + self.function("hostile", settings)
        if neighbour:
            config += self.function("neighbour", f'working_directory = {json.dumps(str(self.folder / "theirs"))}')
        server = self.server(config=config)
        server.isolation = level
        server.start()
        self.layers = {check["name"].removeprefix("isolation: "): check for check in server.get("/v1/doctor")["checks"]}
        return server

    def need(self, *names):
        """Skips unless one of these layers is active."""
        if not any(self.layers[name]["status"] == "ok" for name in names):
            self.skipTest("; ".join(f"{name}: {self.layers[name]['detail']}" for name in names))

    def active(self, name):
        return self.layers[name]["status"] == "ok"

    def invoke(self, server, do, name="hostile", **more):
        """(status, answer)"""
        status, text = server.http("POST", f"/v1/functions/{name}/invocations", json.dumps({"do": do} | more))
        return status, json.loads(text)

    def answer(self, server, do, **more):
        status, answer = self.invoke(server, do, **more)
        self.assertEqual(status, 200, answer)
        return answer

    def expect_neighbour_goes_on(self, server):
        self.assertEqual(self.invoke(server, "ok", name="neighbour"), (200, {"do": "ok"}))
        server.send("neighbour-queue", "hello")
        wait_for(lambda: sum(server.counts("neighbour-queue")) == 0, "the neighbour's message has run")

    def test_it_has_no_rights_and_no_way_to_any(self):
        server = self.begin()
        found = self.answer(server, "kernel")
        for name, outcome in found["calls"].items():
            if self.active("system calls"):
                self.assertEqual(outcome, "EPERM", name)
            else:
                self.assertNotEqual(outcome, "done", name)
        status = found["status"]
        self.assertEqual((int(status["CapEff"], 16), int(status["CapPrm"], 16)), (0, 0))
        if os.geteuid() == 0 and self.active("no capabilities"):
            self.assertEqual(int(status["CapBnd"], 16), 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        if self.active("system calls"):
            self.assertEqual(status["Seccomp"], "2")
        if self.active("own user"):
            self.assertGreaterEqual(int(status["Uid"].split()[0]), 1_880_000_000)
        if self.active("process namespace"):
            self.assertLessEqual(found["processes"], 2, "it sees itself and the first of its namespace")
        self.assertLessEqual(set(found["descriptors"]), {"/dev/null", "pipe", "socket", "/proc/1/fd", "/proc/2/fd"})

    def test_it_sees_neither_the_stores_files_nor_other_functions_folders(self):
        server = self.begin(settings=f'working_directory = {json.dumps(str(self.folder / "mine"))}')
        self.need("file access")
        mine, theirs, data = (self.folder / name for name in ("mine", "theirs", "data"))
        seen = self.answer(server, "look", read=[str(mine), str(mine / "code"), str(theirs), str(theirs / "code"), str(data),
                                                 str(data / "messages.db"), str(self.folder), "/etc/shadow", "/etc/hostname"],
                           write=[str(mine / "code"), str(mine / "new"), str(data / "new"), "/etc/new", "/usr/new", "/var/tmp/new",
                                  "/dev/shm/new", "/proc/sys/kernel/hostname"])
        for path in (mine, mine / "code", "/etc/hostname"):
            self.assertEqual(seen["read"][str(path)], "done", path)
        hidden = {"EACCES", "EPERM", "ENOENT"}
        for path in (theirs, theirs / "code", data, data / "messages.db", self.folder, "/etc/shadow"):
            self.assertIn(seen["read"][str(path)], hidden, path)
        for path, outcome in seen["write"].items():
            own = path == "/dev/shm/new" and self.active("mount namespace")
            self.assertIn(outcome, {"done"} if own else hidden | {"EROFS"}, path)
        self.assertFalse(pathlib.Path("/dev/shm/new").exists())
        self.expect_neighbour_goes_on(server)

    def test_a_folder_that_holds_the_servers_data_is_visible_but_for_that(self):
        server = self.begin(settings=f"working_directory = {json.dumps(str(self.folder))}")
        self.need("file access")
        data = self.folder / "data"
        seen = self.answer(server, "look", write=[], read=[str(self.folder / "mine" / "code"), str(self.folder / "theirs" / "code"),
                                                           str(data), str(data / "messages.db")])["read"]
        self.assertEqual(seen.pop(str(self.folder / "mine" / "code")), "done")
        for path, outcome in seen.items():
            self.assertIn(outcome, {"EACCES", "EPERM", "ENOENT"}, path)

    def test_what_it_is_given_it_may_read_and_write(self):
        given = self.folder / "given"
        given.mkdir()
        given.chmod(0o777)
        server = self.begin(settings=f"write_paths = [{json.dumps(str(given))}]\n")
        seen = self.answer(server, "look", read=[], write=[str(given / "new")])
        self.assertEqual(seen["write"], {str(given / "new"): "done"})
        self.assertTrue((given / "new").exists())

    def test_one_in_a_private_folder_runs_as_the_servers_user_with_nothing_of_its_power(self):
        if os.geteuid() != 0:
            self.skipTest("own user: only root can give processes another user")
        private = self.folder / "private"
        private.mkdir(mode=0o700)
        (private / "code").write_text("code")
        server = self.begin(settings=f"working_directory = {json.dumps(str(private))}")
        self.need("file access")
        self.need("no capabilities")
        seen = self.answer(server, "look", read=[str(private / "code"), "/etc/shadow", "/etc/passwd", str(self.folder / "data")],
                           write=[str(private / "code"), "/etc/passwd", os.path.expanduser("~/new")])
        self.assertEqual(seen["read"].pop(str(private / "code")), "done")
        self.assertEqual(seen["read"].pop("/etc/passwd"), "done")
        for path, outcome in (seen["read"] | seen["write"]).items():
            self.assertIn(outcome, {"EACCES", "EPERM", "ENOENT"}, path)
        self.assertEqual(int(self.answer(server, "kernel")["status"]["CapEff"], 16), 0)
        self.assertIn(f"hostile runs as the server's user: {private} is not readable for other users", server.log_text())

    def test_the_doctor_tells_the_same_as_the_server(self):
        server = self.begin(neighbour=False)
        told = server.run("doctor", "--json")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual({check["name"]: check["status"] for check in json.loads(told.stdout)["checks"]},
                         {check["name"]: check["status"] for check in server.get("/v1/doctor")["checks"]})
        self.assertIn('"isolation":"', server.log_text())
        off = server.run("doctor", "--config", str(self.config('isolation = "off"')))
        self.assertEqual(off.returncode, 0)
        self.assertIn("limits for memory and fork bombs are not enforced", off.stdout)
        all_there = all(check["status"] == "ok" for check in self.layers.values())
        required = server.run("doctor", "--config", str(self.config('isolation = "required"')))
        self.assertEqual(required.returncode, 0 if all_there else 1)
        wrong = server.run("doctor", "--config", str(self.config('isolation = "maybe"')))
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("must be on, off or required", wrong.stderr)

    def config(self, text):
        path = self.folder / "other.toml"
        path.write_text(text)
        return path

    def test_required_runs_where_all_is_there_and_says_what_is_not_where_it_is_not(self):
        server = self.begin(server_settings='isolation = "required"\n', neighbour=False, level="required")
        status, answer = self.invoke(server, "ok")
        if all(check["status"] == "ok" for check in self.layers.values()):
            self.assertEqual((status, answer), (200, {"do": "ok"}))
        else:
            self.assertEqual(status, 502)

    def test_signals_reach_nobody_else(self):
        server = self.begin()
        self.need("process namespace", "own user", "signal scope")
        self.expect_neighbour_goes_on(server)
        # Those of queues: one of a trial ends by itself.
        neighbours = wait_for(lambda: [pid for pid in processes_with(HOSTILE) if is_of_queue(pid)], "an instance is there")
        self.invoke(server, "signals", pids=[server.process.pid, *neighbours, 1])  # may have killed itself
        self.assertIsNone(server.process.poll(), "the server was killed")
        self.assertEqual([pid for pid in neighbours if not pathlib.Path(f"/proc/{pid}").exists()], [])
        self.expect_neighbour_goes_on(server)

    def test_a_fork_bomb_ends_at_its_limit_and_is_gone_with_its_instance(self):
        server = self.begin(settings="processes_max = 40")
        self.need("process limit", "own user")
        bomb = self.answer(server, "fork_bomb", most=200)
        self.assertEqual(bomb["said"], "EAGAIN")
        self.assertLess(bomb["forked"], 40)
        self.expect_neighbour_goes_on(server)

    def test_a_memory_leak_costs_its_own_instance_only(self):
        server = self.begin(settings="memory_mb = 64")
        self.need("memory limit")
        status, problem = self.invoke(server, "memory_leak", megabytes=400)
        self.assertEqual(status, 502)
        self.assertIn("it used more than its memory_mb", json.dumps(problem))
        self.expect_neighbour_goes_on(server)

    def test_a_fork_bomb_does_not_count_against_another_servers_functions(self):
        first = self.begin(settings="processes_max = 200", neighbour=False)
        self.need("own user")
        first.send("hostile-queue", json.dumps({"do": "fork_bomb", "most": 100}))
        wait_for(lambda: len(processes_with(HOSTILE)) > 100, "it has forked")
        folder = self.folder / "second"
        folder.mkdir()
        config = folder / "forewarm.toml"
        config.write_text(self.function("hostile", settings="processes_max = 20"))
        second = Server(folder, config=config)
        self.servers.append(second)
        self.assertEqual(self.invoke(second.start(), "ok"), (200, {"do": "ok"}))
        active = {check["name"]: check["status"] for check in second.get("/v1/doctor")["checks"]}
        self.assertEqual(active, {check["name"]: check["status"] for check in first.get("/v1/doctor")["checks"]})

    def test_it_fills_its_own_folder_only_and_finds_it_empty(self):
        server = self.begin(settings="tmp_mb = 8")
        for _ in range(2):
            filled = self.answer(server, "fill_disk", megabytes=64)
            self.assertIn(filled["said"], {"ENOSPC", "EFBIG"})
            self.assertLessEqual(filled["written"], 8 << 20)
            self.assertEqual(filled["tmp"], ["filler"], "another instance's files were there")
        self.expect_neighbour_goes_on(server)

    def test_without_network_it_reaches_its_runtime_api_only(self):
        server = self.begin(settings='network = "none"')
        self.need("network")
        ports = [int(server.endpoints[which].rsplit(":", 1)[1]) for which in ("sqs", "admin")]
        said = self.answer(server, "connect", ports=ports)
        self.assertEqual(said, {str(ports[0]): "EACCES", str(ports[1]): "EACCES", "udp": "EPERM"})

    def test_what_hides_from_its_server_ends_with_its_instance(self):
        server = self.begin(settings='timeout = "2s"')
        self.need("process namespace")
        mark = f"hidden-{os.getpid()}-{time.monotonic_ns()}"
        status, _ = self.invoke(server, "detach", mark=mark, hang=True)
        self.assertEqual(status, 502)
        # Promised before the end is reported, not some time after.
        self.assertEqual(processes_with(mark), [])

    def test_whatever_it_does_to_the_runtime_api_neighbours_go_on_and_nothing_leaks(self):
        temporary = temporary_folders()
        server = self.begin(settings='timeout = "10s"\nmemory_mb = 512')
        self.expect_neighbour_goes_on(server)
        descriptors = pathlib.Path(f"/proc/{server.process.pid}/fd")

        def settled():
            """All that trials left is gone. How soon is not asserted on a machine that does other things too: it is a bar
            of `./dev bench hostile`, a second after the end of each."""
            return len(processes_with(HOSTILE)) == processes and len(list(descriptors.iterdir())) <= before + 8

        # In a process namespace its first process has the program's command line too.
        processes = 4 if self.active("process namespace") else 2
        wait_for(lambda: len(processes_with(HOSTILE)) == processes, "one instance each")
        before = len(list(descriptors.iterdir()))
        expected = {"hang": 502, "exit": 502, "ignore_sigterm": 502, "half_close": 200, "double_response": 200,
                    "wrong_id": 200, "flood": 200, "large_response": 502}
        for do, status in expected.items():
            with self.subTest(do):
                answered, answer = self.invoke(server, do, megabytes=100)
                self.assertEqual(answered, status, answer)
                self.expect_neighbour_goes_on(server)
        wait_for(settled, "processes and descriptors are back")
        cgroups = [path for pid in processes_with(HOSTILE) for path in cgroups_of(pid)]
        self.assertEqual(bool(cgroups), self.active("memory limit") or self.active("process limit"))
        self.assertEqual(server.stop(), 0)
        self.assertEqual(processes_with(HOSTILE), [])
        self.assertEqual([path for path in cgroups if path.exists()], [])
        self.assertEqual(temporary_folders() - temporary, set())


if __name__ == "__main__":
    unittest.main()

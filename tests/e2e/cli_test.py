"""The command line as a person or a script meets it: help, exit codes, JSON, errors with their place."""

import json
import os
import pathlib
import pty
import re
import select
import subprocess
import time
import unittest

from server_process import PROGRAM, ServerTest, python_handler, run, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRACE = ROOT / "data" / "azure_functions_2019_8h"
TRACE_QUEUES = ["azfn19w-420", "azfn19w-455"]  # two small ones
SCRIPTED = str(pathlib.Path(__file__).parent / "handlers" / "scripted.py")
COMMANDS = ["serve", "demo", "replay", "check", "config init", "config reference", "queue list", "queue create",
            "queue delete", "queue purge", "queue send", "queue scaling", "dlq list", "dlq triage", "dlq redrive", "fn add", "fn update", "fn ls",
            "fn logs", "fn invoke", "notify test", "explain", "bench", "backtest", "forecast"]


class CommandLineTests(ServerTest):
    def check(self, toml):
        path = self.folder / "forewarm.toml"
        path.write_text(toml)
        return run("check", path), str(path)

    def test_every_command_has_an_example_in_its_help(self):
        for command in COMMANDS:
            shown = run(*command.split(), "--help")
            self.assertEqual(shown.returncode, 0, command)
            self.assertIn("Examples:", shown.stdout, command)
            self.assertIn(f"  forewarm {command}", shown.stdout, command)
            self.assertEqual(shown.stderr, "", command)

    def test_the_help_names_all_commands(self):
        shown = run("--help").stdout
        for command in {command.split()[0] for command in COMMANDS}:
            self.assertRegex(shown, rf"(?m)^  {command} ")
        self.assertRegex(run("--version").stdout, r"^forewarm \d+\.\d+\.\d+\n$")

    def test_wrong_usage_is_2_and_the_near_command_is_named(self):
        for words, expected in ((["srve"], "'serve'"), (["replya"], "'replay'"), (["quue"], "'queue'"),
                                ([], "subcommand"), (["serve", "--bogus"], "--bogus"), (["queue"], "subcommand"),
                                (["queue", "lsit"], "'queue list'"), (["fn", "invok"], "'fn invoke'"), (["bench", "--seconds", "never"], "--seconds"),
                                (["check"], "config"), (["queue", "create", "jobs", "oops"], "NAME=VALUE"),
                                (["replay", "x", "--speed", "no"], "--speed")):
            done = run(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(expected, done.stderr, words)
            self.assertEqual(done.stdout, "", words)
        self.assertNotIn("Did you mean", run("xylophone").stderr)

    def test_what_the_world_refuses_is_1(self):
        nowhere = {"FOREWARM_ENDPOINT": "http://127.0.0.1:1", "FOREWARM_ADMIN_ENDPOINT": "http://127.0.0.1:1"}
        for words in (["queue", "list"], ["queue", "create", "jobs"], ["dlq", "list"], ["fn", "ls"],
                      ["explain", "jobs"], ["forecast", "jobs"], ["bench", "--seconds", "0.1"]):
            done = run(*words, environment=nowhere)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("127.0.0.1:1", done.stderr, words)
            self.assertEqual(done.stdout, "", words)
        for words in (["check", "missing.toml"], ["serve", "--config", "missing.toml"], ["check", "."],
                      ["serve", "--config", "."]):
            done = run(*words, folder=self.folder)
            self.assertEqual(done.returncode, 1, words)
            self.assertRegex(done.stderr, r"cannot be read \((No such file|Is a directory).*forewarm config init", words)

    def test_an_error_in_a_configuration_has_its_place_and_a_remedy(self):
        for toml, place, words in (
                ('lisen = "127.0.0.1:1"\n', "1:1", ["lisen", "listen"]),
                ('\n\n[[function]]\nname = "a"\ntimeot = "3s"\n', "5:1", ["timeot", "timeout"]),
                ('[[function]]\nname = "a"\ncommand = ["a"]\ntimeout = "3 parsecs"\n', "4:", ["parsecs", "ms"]),
                ('instances_max = 0\n', "1:", ["instances_max", "1"]),
                ('instances_max = "many"\n', "1:", ["instances_max"]),
                ('[[mapping]]\nqueue = "q"\nfunction = "nobody"\n', "", ["nobody"]),
                ('listen = \n', "1:", []),
                ('log_level = "loud"\n', "1:", ["log_level", "loud", "warning"]),
                ('admin = "nowhere"\n', "1:", ["admin", "nowhere"])):
            done, path = self.check(toml)
            self.assertEqual(done.returncode, 1, toml)
            self.assertIn(f"{path}:{place}", done.stderr, toml)
            self.assertRegex(done.stderr, rf"^{re.escape(path)}:\d+:\d+: ", toml)
            for word in words:
                self.assertIn(word, done.stderr, toml)

    def test_a_trap_in_a_configuration_is_a_warning(self):
        done, _ = self.check('[[queue]]\nname = "q"\nattributes = { VisibilityTimeout = "1" }\n[[function]]\n'
                             'name = "f"\ncommand = ["f"]\n[[mapping]]\nqueue = "q"\nfunction = "f"\n')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning: ", done.stderr)

    def test_the_example_configuration_is_a_good_one(self):
        path = self.folder / "example.toml"
        self.assertEqual(run("config", "init", path).returncode, 0)
        written = path.read_text()
        done = run("check", path)
        self.assertEqual((done.returncode, done.stderr), (0, ""), "its own example warns")
        again = run("config", "init", path)
        self.assertEqual(again.returncode, 1)
        self.assertEqual(path.read_text(), written)
        self.assertEqual(run("config", "init", "-").stdout, written)
        self.assertEqual(run("config", "init", folder=self.folder).returncode, 0)
        self.assertTrue((self.folder / "forewarm.toml").exists())
        self.assertIn("`listen`", run("config", "reference").stdout)

    def test_queues_are_made_filled_purged_and_deleted(self):
        server = self.server().start()
        made = server.run("queue", "create", "jobs", "VisibilityTimeout=60")
        self.assertEqual((made.returncode, made.stdout.strip()), (0, server.url("jobs")), made.stderr)
        for body in ("one", "two"):
            self.assertEqual(server.run("queue", "send", "jobs", body).returncode, 0)
        self.assertEqual(server.receive("jobs")[0]["Body"], "one")
        wait_for(lambda: queues_of(server).get("jobs", {}).get("arrived") == 2, "the list shows them")
        table = server.run("queue", "list").stdout.splitlines()
        self.assertEqual(table[0].split()[:2], ["queue", "ready"])
        self.assertRegex(table[1], r"^jobs( +\S+)+$")
        self.assertNotIn("-", table[1].split()[1:6], "a column has no source")
        self.assertEqual(server.run("queue", "purge", "jobs").returncode, 0)
        self.assertEqual(sum(server.counts("jobs")), 0)
        self.assertEqual(server.run("queue", "delete", "jobs").returncode, 0)
        missing = server.run("queue", "send", "jobs", "three")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("does not exist", missing.stderr)
        wrong = server.run("queue", "create", "jobs", "VisibilityTimeout=soon")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("VisibilityTimeout", wrong.stderr)

    def test_json_is_json_and_nothing_else(self):
        server = self.server().start()
        server.queue("jobs")
        wait_for(lambda: queues_of(server), "the list shows it")
        for words in (["queue", "list"], ["queue", "create", "more"], ["queue", "send", "jobs", "x"],
                      ["queue", "purge", "jobs"], ["queue", "delete", "more"], ["dlq", "list"], ["fn", "ls"],
                      ["explain", "jobs"], ["bench", "--seconds", "0.3", "--rate", "50"]):
            done = server.run(*words, "--json")
            self.assertEqual(done.returncode, 0, (words, done.stderr))
            json.loads(done.stdout)
            self.assertEqual(done.stdout.count("\n"), 1, words)

    def test_the_bench_receives_what_it_sends(self):
        server = self.server().start()
        done = server.run("bench", "--seconds", "1", "--rate", "100", "--connections", "4", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = json.loads(done.stdout)
        self.assertGreater(figures["sent"], 10)
        self.assertEqual(figures["deleted"], figures["sent"])
        self.assertRegex(server.run("bench", "--seconds", "0.3", "--batch", "10").stdout, r"(?m)^send to receipt +\d")

    def test_decisions_are_explained_with_and_without_a_server(self):
        config = f"""
[[function]]
name = "worker"
{python_handler(SCRIPTED, writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
[[mapping]]
queue = "jobs"
function = "worker"
retry.backoff_base = "100ms"
retry.backoff_max = "200ms"
[forecast]
step = "200ms"
"""
        server = self.server(config=config).start()
        server.send("jobs", "fail", *["ok"] * 5)
        online = wait_for(lambda: server.run("explain", "jobs").stdout, "decisions are there")
        self.assertRegex(online.splitlines()[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*Z  \S")
        decisions = json.loads(server.run("explain", "jobs", "--limit", "3", "--json").stdout)
        self.assertLessEqual(len(decisions["decisions"] if isinstance(decisions, dict) else decisions), 3)
        self.assertEqual(server.run("explain", "nobody").returncode, 1)
        self.assertEqual(server.run("explain", "jobs", "--from", "yesterday").returncode, 1)
        server.stop()
        offline = run("explain", "jobs", "--data", server.data)
        self.assertEqual(offline.returncode, 0, offline.stderr)
        self.assertIn(online.splitlines()[-1].split("  ", 1)[1].split(".")[0][:20], offline.stdout)
        json.loads(run("explain", "jobs", "--data", server.data, "--json").stdout)
        self.assertEqual(run("explain", "jobs", "--data", self.folder / "nowhere").returncode, 1)

    def test_completion_knows_commands_and_options(self):
        script = ('source <("$0" completion bash); COMP_WORDS=(forewarm {}); COMP_CWORD={}; _forewarm; '
                  'echo "${{COMPREPLY[@]}}"')
        for words, expected in (("queue pe", "peek"), ("dl", "dlq"), ("backup --tok", "--token-file"),
                                ("fn logs resize --li", "--lines")):
            done = subprocess.run(["bash", "-c", script.format(words, len(words.split())), PROGRAM], capture_output=True,
                                  text=True)
            self.assertEqual(done.stdout.split(), [expected], done.stderr)
        for shell, words in (("zsh", "compdef _forewarm forewarm"), ("fish", "complete -c forewarm")):
            self.assertIn(words, run("completion", shell).stdout)
        self.assertEqual(run("completion", "tcsh").returncode, 2)
        self.assertRegex(run("version").stdout, r"^forewarm \d+\.\d+\.\d+\nstore format 3\n$")

    def test_a_trace_is_replayed_under_policies(self):
        queues = [name for queue in TRACE_QUEUES for name in ("--queue", queue)]
        page = self.folder / "report.html"
        done = run("replay", TRACE, *queues, "--policy", "forewarm", "--policy", "keep-alive:10m", "--html", page,
                   "--json", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(len(report["policies"]), 2)
        self.assertEqual(set(report["policies"][0]["queues"]), set(TRACE_QUEUES))
        self.assertIn("<svg", page.read_text())
        self.assertNotIn("cost", report["policies"][0]["total"])
        wrong = run("replay", TRACE, *queues, "--policy", "hope")
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn("keda", wrong.stderr)
        self.assertNotEqual(run("replay", TRACE, "--queue", "no-such-queue").returncode, 0)

    def test_a_replay_says_what_it_costs_by_a_price_sheet(self):
        words = ["replay", TRACE, "--queue", TRACE_QUEUES[0], "--policy", "static:2", "--no-bound"]
        done = run(*words, "--prices", "machine", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("USD", done.stdout)
        self.assertIn("of it 2 committed", done.stdout)
        sheet = self.folder / "own.toml"
        sheet.write_text('name = "own"\ncurrency = "EUR"\n[second]\nstarting = 1\nidle = 1\nbusy = 1\n')
        report = json.loads(run(*words, "--prices", sheet, "--json", timeout=120).stdout)
        total = report["policies"][0]["total"]
        self.assertEqual(report["prices"]["currency"], "EUR")
        self.assertAlmostEqual(total["cost"]["total"], total["instance_seconds"], places=3)
        self.assertAlmostEqual(report["policies"][0]["queues"][TRACE_QUEUES[0]]["cost"]["total"],
                               total["cost"]["total"], places=6)
        sheet.write_text('name = "own"\ncurency = "EUR"\n')
        wrong = run(*words, "--prices", sheet)
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn("own.toml:2:1: unknown key curency. Did you mean currency?", wrong.stderr)
        self.assertIn("Did you mean aws-lambda?", run(*words, "--prices", "aws-lamda").stderr)

    def test_off_a_terminal_there_are_no_escape_codes(self):
        server = self.server().start()
        for words in (["queue", "list"], ["bench", "--seconds", "0.3"], ["--help"], ["srve"]):
            done = server.run(*words)
            self.assertNotIn("\x1b", done.stdout + done.stderr, words)
            self.assertNotIn("\r", done.stdout + done.stderr, words)
        self.assertNotIn("\x1b", server.log_text())

    def test_on_a_terminal_colours_are_there_unless_refused(self):
        self.assertIn(b"\x1b[", self.log_on_a_terminal({}))
        self.assertNotIn(b"\x1b[", self.log_on_a_terminal({"NO_COLOR": "1"}))

    def log_on_a_terminal(self, environment):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [PROGRAM, "serve", "--data", str(self.folder / "terminal"), "--listen", "127.0.0.1:0", "--admin",
             "127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=os.environ | environment)
        os.close(theirs)
        shown, deadline = b"", time.monotonic() + 30
        try:
            while b"127.0.0.1" not in shown and time.monotonic() < deadline:
                if select.select([ours], [], [], 0.2)[0]:
                    shown += os.read(ours, 4096)
        finally:
            process.kill()
            process.wait()
            os.close(ours)
        self.assertIn(b"ready", shown)
        return shown


def queues_of(server):
    list_ = json.loads(server.run("queue", "list", "--json").stdout)
    return {queue["name"]: queue for queue in (list_["queues"] if isinstance(list_, dict) else list_)}


if __name__ == "__main__":
    unittest.main(verbosity=2)

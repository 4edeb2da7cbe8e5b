"""forewarm forecast: what a running server expects of a queue, as table, chart and JSON; now, or at a time in the past."""

import json
import os
import pathlib
import pty
import select
import subprocess
import time
import unittest

from server_process import PROGRAM, ServerTest, python_handler, run, wait_for

SANITIZED = b"__asan_init" in pathlib.Path(PROGRAM).read_bytes()
STEP = '[forecast]\nstep = "200ms"\n'


class Forecast(ServerTest):
    def busy_server(self, steps=14):
        """A server that has seen a few messages in each of some steps."""
        server = self.server(config=STEP).start()
        server.queue("jobs")
        begin = time.time()

        def arrivals():
            server.send("jobs", "a", "b", "c")
            return self.arrivals(server)["values"]

        wait_for(lambda: len(arrivals()) >= steps, f"{steps} steps have closed")
        return server, begin

    def working_server(self, mapping=""):
        """A server with a queue that is mapped to a function."""
        handler = pathlib.Path(__file__).parent / "handlers" / "scripted.py"
        return self.server(config=STEP + f"""
[[queue]]
name = "jobs"
[[function]]
name = "work"
{python_handler(handler, "work", writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
[[mapping]]
queue = "jobs"
function = "work"
{mapping}
""").start()

    def arrivals(self, server):
        return server.get("/v1/queues/jobs/arrivals")

    def test_table_and_chart_show_the_fan(self):
        server, _ = self.busy_server()
        done = server.run("forecast", "jobs", "--horizon", "2s")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^jobs: messages per 200ms, by \w+, times in UTC")
        for mark in ("█", "━", "│", "median", "95 %"):
            self.assertIn(mark, done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)
        rows = [line.split() for line in done.stdout.splitlines() if line.startswith("20")]
        self.assertEqual(len(rows), 10)
        self.assertRegex(done.stdout, r"Carried by\n +\d+ %  \w")
        for row in rows:
            quantiles = [float(cell.replace(",", "")) for cell in row[1:]]
            self.assertEqual(quantiles, sorted(quantiles))

    def test_json_has_all_quantiles_and_what_was_known(self):
        server, _ = self.busy_server()
        done = server.run("forecast", "jobs", "--horizon", "2s", "--json")
        self.assertEqual((done.returncode, done.stdout.count("\n")), (0, 1), done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["queue"], answer["step_seconds"]), ("jobs", 0.2))
        self.assertIn(answer["model"], ("ensemble", "seasonal_quantiles"))
        self.assertEqual(len(answer["quantiles"]), len(answer["levels"]))
        self.assertEqual({len(level) for level in answer["quantiles"]}, {10})
        for at in range(10):
            column = [level[at] for level in answer["quantiles"]]
            self.assertEqual(column, sorted(column))
        self.assertGreater(sum(answer["history"]), 0)
        self.assertEqual(answer["came"], [])
        if answer["model"] == "ensemble":
            carried = [reason["share"] for reason in answer["reasons"] if reason["kind"] != "batch"]
            self.assertEqual(carried, sorted(carried, reverse=True))
            self.assertGreater(sum(carried), 0.5)

    @unittest.skipIf(SANITIZED, "a fit of all models takes longer than a fit may when every access is checked")
    def test_at_a_time_in_the_past_it_knows_less_and_shows_what_came(self):
        server, _ = self.busy_server(24)
        seen = self.arrivals(server)
        at = seen["start"] + 12 * seen["step_seconds"]
        answer = json.loads(server.run("forecast", "jobs", "--horizon", "1s", "--at", f"{at:.3f}", "--json").stdout)
        self.assertAlmostEqual(answer["start"], at, places=2)
        self.assertEqual(answer["history"], seen["values"][:12])
        self.assertEqual(answer["came"], seen["values"][12:17])
        shown = server.run("forecast", "jobs", "--horizon", "1s", "--at", f"{at:.3f}").stdout
        self.assertIn("●", shown)
        self.assertIn("came", shown)

    @unittest.skipIf(SANITIZED, "a fit of all models takes longer than a fit may when every access is checked")
    def test_signals_that_carry_arrivals_are_in_the_forecast_by_name(self):
        calendar = self.folder / "rush.ics"
        server = self.server(config=STEP + f"""
[[signal]]
name = "rush"
source = "calendar"
path = "{calendar}"
every = "50ms"
[[signal]]
name = "elsewhere"
source = "cron"
expression = "* * * * *"
queues = ["others"]
""").start()
        server.queue("jobs")
        begin = int(time.time())
        # Now and then something goes on for a second; no season tells when.
        on = [begin + after for after in (4, 9, 11, 17, 24, 26, 33, 37, 45, 49, 57, 62, 66, 74)]
        utc = lambda at: time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
        events = "".join(f"BEGIN:VEVENT\nUID:{at}\nDTSTART:{utc(at)}\nDTEND:{utc(at + 1)}\nEND:VEVENT\n" for at in on)
        calendar.write_text(f"BEGIN:VCALENDAR\n{events}END:VCALENDAR\n")
        url = server.url("jobs")

        def send_while(until):
            while time.time() < until:
                going_on = int(time.time()) in on
                for _ in range(4 if going_on else 1):
                    server.sqs("SendMessage", QueueUrl=url, MessageBody="x")
                time.sleep(0.04 if going_on else 0.2)

        send_while(begin + 55)
        answer = json.loads(server.run("forecast", "jobs", "--horizon", "8s", "--json").stdout)
        named = [reason for reason in answer["reasons"] if reason["kind"] == "signal"]
        self.assertEqual([reason["signal"] for reason in named], ["rush"], answer["reasons"])
        self.assertEqual(named[0]["text"], "signal rush (of all signals' effect)")
        self.assertEqual([signal["name"] for signal in answer["signals"]], ["rush"])
        signal = answer["signals"][0]
        self.assertEqual(len(signal["past"]), len(answer["history"]))
        start, step = answer["start"], answer["step_seconds"]
        self.assertEqual(signal["future"], [float(int(start + (i + 0.5) * step) in on) for i in range(40)])
        self.assertRegex(server.run("forecast", "jobs", "--horizon", "8s").stdout, r"\d %  signal rush")
        # As of a time in the past: only that past, and the plan from then on.
        done = server.run("forecast", "jobs", "--horizon", "8s", "--at", f"{start - 9.6:.1f}", "--json")
        earlier = json.loads(done.stdout)
        self.assertAlmostEqual(earlier["start"], start - 9.6, places=3)
        for signal in earlier["signals"]:
            self.assertEqual(len(signal["past"]), len(earlier["history"]))
            self.assertEqual(signal["future"], [float(int(earlier["start"] + (i + 0.5) * step) in on) for i in range(40)])

    def test_what_a_queue_needs_is_forecast_from_what_its_messages_cost(self):
        server = self.working_server()
        url = server.url("jobs")

        def answer():
            for priority in ("low", "high", "high"):
                server.sqs("SendMessage", QueueUrl=url, MessageBody="ok", MessageAttributes={
                    "forewarm.priority": {"DataType": "String", "StringValue": priority}})
            done = server.run("forecast", "jobs", "--horizon", "2s", "--json")
            return json.loads(done.stdout)["demand"] if done.returncode == 0 else None

        def measured():
            demand = answer()
            return demand and all(demand[name] for name in ("concurrency", "cores", "memory_bytes", "priorities"))

        wait_for(measured, "runs, processor time, memory and priorities are in the history", seconds=60)
        demand = answer()
        steps = {len(level) for name in ("work_seconds", "concurrency", "cores", "memory_bytes") for level in demand[name]}
        self.assertEqual(steps, {10})
        for name in ("work_seconds", "concurrency", "cores", "memory_bytes"):
            for at in range(10):
                column = [level[at] for level in demand[name]]
                self.assertEqual(column, sorted(column), name)
        # An interpreter takes megabytes, and the nine tenths at least of them are there at 99 %.
        self.assertGreater(demand["memory_bytes"][-1][0], 2e6)
        shares = {one["priority"]: one["share"] for one in demand["priorities"]}
        self.assertEqual(set(shares), {1, 8})
        self.assertAlmostEqual(shares[8], 2 / 3, delta=0.05)
        shown = server.run("forecast", "jobs", "--horizon", "2s").stdout
        self.assertIn("Needs: messages at a time, processors and memory", shown)
        self.assertRegex(shown, r"\n8 +\d\d\.\d %")
        self.assertLessEqual(max(map(len, shown.splitlines())), 80)

    def test_the_plan_ahead_is_told_as_directives(self):
        server = self.working_server("scaling = { instances_min = 2 }")
        wait_for(lambda: server.get("/v1/queues/jobs/directives")["set"] == 2, "the minimum is planned")
        server.send("jobs", "a", "b")
        answer = json.loads(server.run("plan", "jobs", "--target", "hpa", "--json").stdout)
        self.assertEqual((answer["schema"], answer["queue"], answer["target"]), (1, "jobs", "hpa"))
        for directive in answer["directives"]:
            self.assertLess(directive["from"], directive["until"])
            self.assertNotEqual(directive["instances"], directive["before"])
            self.assertGreaterEqual(directive["instances"], 2)
        shown = server.run("plan", "jobs")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertRegex(shown.stdout, r"^jobs: \d+ in force")
        priced = json.loads(server.run("plan", "jobs", "--json", "--prices", "aws-lambda").stdout)
        self.assertEqual(priced["tiers"], {"committed": 0, "saves": 0}, "two messages keep nobody busy")
        self.assertIn("None of the instances is busy enough", server.run("plan", "jobs", "--prices", "aws-lambda").stdout)
        for words, expected in ((["nobody"], "there is no queue 'nobody'"),
                                (["jobs", "--prices", "aws-lambda-provisioned"], "has no [committed] tier"),
                                (["jobs", "--target", "abacus"], "expected one of process, hpa")):
            done = server.run("plan", *words)
            self.assertEqual((done.returncode, done.stdout), (1, ""), words)
            self.assertIn(expected, done.stderr, words)

    def test_on_a_terminal_it_is_as_wide_as_that_and_coloured_unless_refused(self):
        server, _ = self.busy_server()
        self.assertIn("\x1b[", self.on_a_terminal(server, {}))
        plain = self.on_a_terminal(server, {"NO_COLOR": "1"})
        self.assertNotIn("\x1b", plain)
        self.assertIn("━", plain)

    def on_a_terminal(self, server, environment):
        ours, theirs = pty.openpty()
        kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        process = subprocess.Popen([PROGRAM, "forecast", "jobs", "--horizon", "2s", "--admin-endpoint",
                                    server.endpoints["admin"]], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                   env=kept | environment)
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 30)[0]:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        self.assertEqual(process.wait(), 0)
        os.close(ours)
        return shown.decode()

    def test_a_running_queue_can_be_backtested(self):
        server, _ = self.busy_server(30)
        done = server.run("backtest", "--queue", "jobs", "--horizon", "1s", "--origins", "5", "--models",
                          "exponential_smoothing", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        series, = json.loads(done.stdout)["series"]
        self.assertEqual((series["name"], series["step_seconds"], series["horizon"]), ("jobs", 0.2, 5))
        self.assertEqual(server.run("backtest", "--queue", "nobody").returncode, 1)
        long = server.run("backtest", "--queue", "jobs", "--horizon", "9h")
        self.assertEqual(long.returncode, 1)
        self.assertIn("longer history or a shorter horizon", long.stderr)

    def test_what_is_wrong_is_said_with_a_remedy(self):
        server, begin = self.busy_server()
        for words, expected in ((["nobody"], 'There is no queue "nobody"'),
                                (["jobs", "--horizon", "6h"], "too short for a horizon of 6h"),
                                (["jobs", "--horizon", "soon"], "horizon: "),
                                (["jobs", "--horizon", "0s"], "above zero"),
                                (["jobs", "--at", "yesterday"], "at: "),
                                (["jobs", "--horizon", "1s", "--at", f"{begin - 1000:.0f}"], "the history begins at"),
                                (["jobs", "--horizon", "1s", "--at", f"{begin + 9999:.0f}"], "the history ends at")):
            done = server.run("forecast", *words)
            self.assertEqual((done.returncode, done.stdout), (1, ""), words)
            self.assertIn(expected, done.stderr, words)
        server.queue("silent")
        self.assertIn("nothing has arrived yet", server.run("forecast", "silent").stderr)
        nowhere = run("forecast", "jobs", environment={"FOREWARM_ADMIN_ENDPOINT": "http://127.0.0.1:1"})
        self.assertEqual(nowhere.returncode, 1)
        self.assertIn("forewarm serve", nowhere.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

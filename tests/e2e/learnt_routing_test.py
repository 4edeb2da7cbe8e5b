"""What was learnt of how a function runs decides about the first message after a restart, however the server ended."""

import contextlib
import json
import pathlib
import re
import sqlite3
import time
import unittest

from server_process import PYTHON, ServerTest, python_handler, run, wait_for

SCRIPTED = str(pathlib.Path(__file__).parent / "handlers" / "scripted.py")
GUESS = 5


class LearntRoutingTests(ServerTest):
    def config(self):
        variants = "".join(f"""
[[function.variant]]
memory_mb = {memory}
command = [{json.dumps(PYTHON)}, {json.dumps(SCRIPTED)}, "{name}"]
""" for name, memory in (("small", 256), ("large", 1024)))
        return f"""
[[queue]]
name = "sizes"
[[function]]
name = "sized"
{python_handler(SCRIPTED, "sized", writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
start_time_guess = "{GUESS}s"
{variants}
[[mapping]]
queue = "sizes"
function = "sized"
"""

    def run_heavy(self, server, text):
        """The variant on which it ran first."""
        server.send("sizes", f"use 190 {text}", MessageAttributes={
            "forewarm.type": {"DataType": "String", "StringValue": "heavy"}})
        wait_for(lambda: f"use 190 {text}\n" in self.journal.read_text() and sum(server.counts("sizes")) == 0,
                 "it has run")
        return next(line.split()[0] for line in self.journal.read_text().splitlines() if line.endswith(text))

    def function(self, server):
        [function] = wait_for(lambda: server.get("/v1/functions"), "they are shown")
        return function

    def history(self):
        return contextlib.closing(sqlite3.connect(self.folder / "data" / "history.db"))

    def saved(self, what="learnt"):
        """How many runs and starts what is in the database was learnt from; or another number of it."""
        with self.history() as database:
            rows = database.execute(
                "SELECT memory FROM scalers JOIN series ON id = series WHERE kind = 'function'").fetchall()
        return int(re.search(rf" {what}=(\d+)", rows[0][0].replace("{", " "))[1]) if rows else 0

    def test_it_is_known_after_kill_9_and_after_the_end_and_begins_anew_where_it_cannot_be_read(self):
        server = self.server(config=self.config()).start()
        self.assertEqual(self.run_heavy(server, "first"), "small", "nothing is known yet")

        def known_and_saved():
            time.sleep(0.3)  # an instance's runs are measured four times a second
            ran_on = self.run_heavy(server, f"more-{time.monotonic()}")
            return ran_on == "large" and self.saved("need_measured") > 0

        wait_for(known_and_saved, "it is known that heavy ones do not fit into the small variant")
        server.kill()
        recording = self.folder / "events.txt"
        server.arguments = (*server.arguments, "--record", str(recording))
        server.start()
        known = self.function(server)
        self.assertLess(known["start_time_mean_seconds"], GUESS)
        self.assertGreater(known["memory_need_p99_bytes"], 190 << 20)
        self.assertGreater(known["memory_measured_runs"], 0)
        self.assertEqual(self.run_heavy(server, "after-kill"), "large")

        before = self.saved()
        self.assertEqual(server.stop(), 0)
        self.assertGreaterEqual(self.saved(), before + 1, "the end saves too")
        audit = run("replay", str(recording), "--audit")
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)
        self.assertIn(" function_restored ", recording.read_text())

        server.arguments = server.arguments[:-2]
        server.start()
        known = self.function(server)
        self.assertLess(known["start_time_mean_seconds"], GUESS)
        self.assertEqual(known["memory_measured_runs"], self.saved("need_measured"))
        self.assertNotIn("begins anew", server.log_text())
        self.assertEqual(server.stop(), 0)

        with self.history() as database:
            database.execute("UPDATE scalers SET memory = replace(memory, 'overall', 'over')")
            database.commit()
        server.start()
        self.assertRegex(server.log_text(), r"router of function 'sized' had learnt cannot be read: column \d+.*begins anew")
        # An instance may have been started ahead by now, but nothing has run.
        self.assertEqual(self.function(server)["memory_measured_runs"], 0)
        self.assertEqual(self.run_heavy(server, "anew"), "small")


if __name__ == "__main__":
    unittest.main()

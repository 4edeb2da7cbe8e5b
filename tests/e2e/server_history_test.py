"""The history of a running server: written while it runs, there after kill -9, and given back to the forecasts."""

import collections
import sqlite3
import time
import unittest

from server_process import ServerTest, python_handler, run, wait_for

CONFIG = """
[forecast]
step = "500ms"
refit_every = 2
[[queue]]
name = "jobs"
"""
STEP = 500  # milliseconds


class ServerHistoryTests(ServerTest):
    def rows(self, query, *values):
        database = sqlite3.connect(f"file:{self.folder / 'data' / 'history.db'}?mode=ro", uri=True)
        try:
            return database.execute(query, values).fetchall()
        except sqlite3.OperationalError as failure:  # the server is just making it
            self.assertIn("no such table", str(failure))
            return []
        finally:
            database.close()

    def intervals(self, queue="jobs"):
        """{start: arrivals} of every measured interval."""
        spans = self.rows("SELECT start, until FROM coverage JOIN series ON id = series WHERE name = ? AND step = ?", queue, STEP)
        found = {start: 0 for first, until in spans for start in range(first, until, STEP)}
        found.update(self.rows("SELECT start, arrivals FROM queue_intervals JOIN series ON id = series WHERE name = ?", queue))
        return found

    def send_for(self, server, seconds):
        """When each message was surely sent: (before, after) in milliseconds."""
        url = server.url("jobs")
        sent = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = time.time() * 1000
            server.sqs("SendMessage", QueueUrl=url, MessageBody="x" * 100)
            sent.append((before, time.time() * 1000))
            time.sleep(0.01)
        return sent

    def test_what_was_measured_survives_kill_9_but_for_the_last_intervals(self):
        server = self.server(config=CONFIG).start()
        sent = self.send_for(server, 3)
        # The history is written once a second, beside everything else.
        wait_for(lambda: len(self.intervals()) >= 4, "intervals are written")
        server.kill()
        killed = time.time() * 1000
        found = self.intervals()
        self.assertEqual(self.rows("PRAGMA integrity_check"), [("ok",)])
        last = max(found)
        self.assertGreater(last, sent[0][0])
        self.assertLessEqual(last, killed)
        # A message whose sending spans a border may be counted on either side.
        surely = collections.Counter(int(before) // STEP * STEP for before, after in sent if before // STEP == after // STEP)
        maybe = collections.Counter(at for before, after in sent for at in range(int(before) // STEP * STEP, int(after) + 1, STEP))
        for start, arrivals in found.items():
            self.assertGreaterEqual(arrivals, surely[start], start)
            self.assertLessEqual(arrivals, maybe[start], start)
        self.assertGreater(sum(found.values()), len(sent) / 4)
        bytes_, by_priority, arrivals = self.rows("SELECT sum(bytes), sum(priority_4), sum(arrivals) FROM queue_intervals")[0]
        self.assertEqual((bytes_, by_priority), (100 * arrivals, arrivals))

    def test_the_core_gets_its_past_back_and_forecasts_before_anything_comes(self):
        server = self.server(config=CONFIG).start()
        self.send_for(server, 6)
        wait_for(lambda: len(self.intervals()) >= 10, "intervals are written")
        server.kill()
        past = self.intervals()
        recording = self.folder / "events.txt"
        server.arguments = ("--record", str(recording))
        server.start()
        wait_for(lambda: "forecast_fitted" in recording.read_text(), "a forecast is there")
        self.assertEqual(server.stop(), 0)
        lines = recording.read_text().splitlines()
        restored, = [line for line in lines if " history_restored " in line]
        self.assertIn(f"start={min(past) * 1000} ", restored)
        arrivals = []
        for word in restored.split("arrivals=[")[1].split("]")[0].split():
            value, _, count = word.partition("*")
            arrivals += [float(value)] * int(count or 1)
        for start, count in past.items():
            self.assertEqual(arrivals[(start - min(past)) // STEP], count)
        # Nothing came in this life of the server, so what was fitted is the past.
        self.assertFalse([line for line in lines if " message_arrived " in line and "origin=sent" in line])
        audit = run("replay", recording, "--audit")
        self.assertEqual(audit.returncode, 0, audit.stderr + audit.stdout)

    def test_the_time_between_two_lives_is_a_gap(self):
        server = self.server(config=CONFIG).start()
        self.send_for(server, 2)
        wait_for(lambda: len(self.intervals()) >= 2, "intervals are written")
        server.kill()
        last = max(self.intervals())
        time.sleep(2)
        restarted = time.time() * 1000
        server.start()
        self.send_for(server, 2)
        wait_for(lambda: max(self.intervals()) > restarted, "intervals are written again")
        self.assertEqual([start for start in self.intervals() if last < start < restarted - 1000], [])
        spans = self.rows("SELECT count(*) FROM coverage")[0][0]
        self.assertGreaterEqual(spans, 2)

    def test_runs_and_their_service_times_are_measured(self):
        handler = self.folder / "handler.py"
        handler.write_text("""
import json, os, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as next_:
        request = next_.headers["Lambda-Runtime-Aws-Request-Id"]
    time.sleep(0.05)
    urllib.request.urlopen(api + request + "/response", data=b"{}").close()
""")
        server = self.server(config=CONFIG + f"""
[[function]]
name = "worker"
{python_handler(handler)}[[mapping]]
queue = "jobs"
function = "worker"
""").start()
        server.send("jobs", *map(str, range(20)))

        def runs_are_written():
            server.send("jobs", "more")  # all of the first may have ended in the interval in which the server started
            return sum(row[0] for row in self.rows("SELECT runs FROM queue_intervals")) >= 10

        wait_for(runs_are_written, "runs are written")
        newest = self.rows("SELECT max(start) FROM queue_intervals")[0][0]
        runs, service_seconds = self.rows("SELECT sum(runs), sum(service_seconds) FROM queue_intervals WHERE start <= ?", newest)[0]
        self.assertGreater(service_seconds / runs, 0.045)
        counted, shortest = self.rows("SELECT sum(value), min(key + 0) FROM queue_intervals, json_each(nullif(service_times, '')) "
                                      "WHERE start <= ?", newest)[0]
        self.assertEqual(counted, runs)
        self.assertGreaterEqual(1.1 ** shortest, 45)

        def use_is_written():
            server.send("jobs", "again")  # an instance that ended between two samples leaves no trace
            return self.rows("SELECT 1 FROM function_intervals WHERE cpu_seconds > 0 AND instances > 0")

        wait_for(use_is_written, "the function's use is written")
        cpu_seconds, memory, largest = self.rows("SELECT sum(cpu_seconds), max(memory_bytes), max(memory_bytes_max) FROM function_intervals")[0]
        self.assertGreater(cpu_seconds, 0)
        self.assertGreaterEqual(largest, memory)
        self.assertGreater(memory, 1 << 20)
        server.kill()
        recording = self.folder / "events.txt"
        server.arguments = ("--record", str(recording))
        server.start()
        wait_for(lambda: " history_restored " in recording.read_text(), "the past is back")
        restored, = [line for line in recording.read_text().splitlines() if " history_restored " in line]
        values = [float(word.split("value=")[1].split()[0]) for word in restored.split("service_seconds=[")[1].split("{")[1:]]
        self.assertEqual(values, sorted(values))
        self.assertGreaterEqual(values[0], 0.045)

    def test_a_queue_made_later_gets_the_past_of_its_name(self):
        server = self.server(config=CONFIG).start()
        self.send_for(server, 3)
        wait_for(lambda: len(self.intervals()) >= 3, "intervals are written")
        self.assertEqual(server.stop(), 0)
        for name in self.folder.joinpath("data").glob("messages*"):
            name.unlink()
        recording = self.folder / "events.txt"
        server.arguments = ("--record", str(recording))
        server.start()
        wait_for(lambda: " history_restored " in recording.read_text(), "the past is back")

    def test_a_damaged_history_does_not_stop_the_server(self):
        server = self.server(config=CONFIG).start()
        self.assertEqual(server.stop(), 0)
        path = self.folder / "data" / "history.db"
        for other in ("-wal", "-shm"):
            path.with_name(path.name + other).unlink(missing_ok=True)
        path.write_bytes(b"no database" * 1000)
        server.start()
        self.send_for(server, 2)
        wait_for(lambda: len(self.intervals()) >= 1, "a new history is written")
        self.assertTrue(path.with_name("history.db.damaged").exists())
        self.assertIn("history.db.damaged", server.log_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)

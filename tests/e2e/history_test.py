"""`forewarm history`: recorded history in, measured history out, and the same import twice changes nothing."""

import csv
import datetime
import gzip
import io
import json
import sqlite3
import time
import unittest

from server_process import ServerTest, run, wait_for

HOUR = 3600


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class HistoryTests(ServerTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        # The hour before the last: over, and recent enough to be kept as it is.
        self.start = int(time.time()) // HOUR * HOUR - 2 * HOUR

    def file(self, name, text):
        path = self.folder / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    def history(self, *arguments):
        """What a command about the history says, which must be right."""
        done = run("history", *arguments, "--data", self.data)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return done.stdout

    def refused(self, *arguments):
        done = run("history", *arguments, "--data", self.data)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def imported(self, *arguments):
        return json.loads(self.history("import", *arguments, "--json"))

    def exported(self, *arguments):
        return list(csv.DictReader(io.StringIO(self.history("export", *arguments))))

    def counts(self, queue):
        return [(int(row["timestamp_s"]) - self.start, float(row["count"])) for row in self.exported("--queue", queue)]

    def database(self):
        return sqlite3.connect(f"file:{self.data / 'history.db'}?mode=ro", uri=True)

    def test_binned_counts_come_in_once(self):
        path = self.file("a.csv.gz", "timestamp_s,queue,count\n" +
                         "".join(f"{self.start + 60 * minute},orders,{minute + 1}\n" for minute in (0, 1, 4)))
        first = self.imported(path)
        self.assertEqual((first["series"], first["added"], first["present"]), (1, 5, 0))
        dump = list(self.database().iterdump())
        second = self.imported(path)
        self.assertEqual((second["added"], second["present"]), (0, 5))
        self.assertEqual(list(self.database().iterdump()), dump)
        self.assertEqual(self.counts("orders"), [(0, 1), (60, 2), (120, 0), (180, 0), (240, 5)])
        self.assertEqual({row["step_s"] for row in self.exported()}, {"60"})

    def test_what_is_missing_stays_a_gap(self):
        path = self.file("a.csv", f"timestamp_s,queue,count\n{self.start},a,1\n{self.start + 60},a,\n"
                                  f"{self.start + 120},a,0\n{self.start + 240},a,3\n")
        self.assertEqual(self.imported(path, "--absent", "missing")["added"], 3)
        self.assertEqual(self.counts("a"), [(0, 1), (120, 0), (240, 3)])

    def test_a_longer_file_adds_what_is_new_and_replace_overwrites(self):
        head = f"timestamp_s,queue,count\n{self.start},a,1\n{self.start + 60},a,2\n"
        self.imported(self.file("a.csv", head))
        longer = self.file("b.csv", head.replace("a,2", "a,9") + f"{self.start + 120},a,3\n")
        self.assertEqual(self.imported(longer)["added"], 1)
        self.assertEqual(self.counts("a"), [(0, 1), (60, 2), (120, 3)])
        self.assertEqual(self.imported(longer, "--replace")["added"], 3)
        self.assertEqual(self.counts("a"), [(0, 1), (60, 9), (120, 3)])

    def test_messages_are_counted_by_interval(self):
        rows = [(0.5, 100, 20), (3, 50, ""), (9.9, 10, 40), (31, 1, 1)]
        path = self.file("m.csv", "timestamp_s,queue,bytes,duration_ms\n" +
                         "".join(f"{at},jobs,{size},{duration}\n" for at, size, duration in rows))
        self.assertIn("--start", self.refused("import", path))
        self.assertEqual(self.imported(path, "--start", rfc3339(self.start))["added"], 4)
        found = self.exported("--queue", "jobs")
        self.assertEqual([float(row["count"]) for row in found], [3, 0, 0, 1])
        self.assertEqual([float(row["bytes"]) for row in found], [160, 0, 0, 1])
        self.assertEqual([float(row["runs"]) for row in found], [2, 0, 0, 1])
        self.assertAlmostEqual(float(found[0]["service_seconds"]), 0.06)

    def test_a_gauge_becomes_a_signal(self):
        path = self.file("g.csv", f"timestamp_s,queue,value\n{self.start},price,2.5\n{self.start + 300},price,-1\n")
        self.assertEqual(self.imported(path)["added"], 2)
        found = self.exported("--kind", "signal")
        self.assertEqual([(row["signal"], float(row["value"])) for row in found], [("price", 2.5), ("price", -1)])
        self.assertEqual(self.exported("--kind", "queue"), [])

    def test_series_that_lie_between_each_other_keep_their_step(self):
        rows = sorted((self.start + 60 * n + offset, name) for n in range(5) for name, offset in (("a", 0), ("b", 7)))
        path = self.file("a.csv", "timestamp_s,queue,count\n" + "".join(f"{at},{name},1\n" for at, name in rows))
        self.assertEqual(self.imported(path)["added"], 10)
        self.assertEqual({row["step_s"] for row in self.exported()}, {"60"})

    def test_an_export_is_imported_elsewhere_as_it_was(self):
        text = "timestamp_s,queue,bytes,duration_ms,priority\n" + "".join(
            f"{self.start + 7 * n},{'ab'[n % 2]},{n},{n},{n % 10}\n" for n in range(200))
        self.imported(self.file("m.csv", text))
        out = self.folder / "out.csv"
        self.history("export", "--output", out)
        first = out.read_text()
        self.data = self.folder / "elsewhere"
        self.imported(out)
        self.history("export", "--output", out)
        self.assertEqual(out.read_text(), first)

    def test_json_lines_have_it_all(self):
        self.imported(self.file("m.csv", f"timestamp_s,queue,bytes,duration_ms\n{self.start + 1},jobs,10,100\n"))
        line, = [json.loads(line) for line in self.history("export", "--format", "jsonl").splitlines()]
        self.assertEqual((line["kind"], line["name"], line["step_seconds"], line["arrivals"]), ("queue", "jobs", 10, 1))
        self.assertEqual(line["time"], rfc3339(self.start).replace("Z", ".000Z"))
        self.assertEqual(sum(line["service_times"].values()), 1)
        self.assertIsNone(line["priority_4"])

    def test_a_choice_of_series_and_of_time(self):
        text = "timestamp_s,queue,count\n" + "".join(
            f"{self.start + 60 * n},{name},{n + 1}\n" for name in ("a", "b") for n in range(10))
        path = self.file("a.csv", text)
        self.assertEqual(self.imported(path, "--queue", "b", "--as", "orders")["series"], 1)
        self.assertEqual([one["name"] for one in json.loads(self.history("list", "--json"))], ["orders"])
        found = self.exported("--from", rfc3339(self.start + 120), "--to", rfc3339(self.start + 240))
        self.assertEqual([float(row["count"]) for row in found], [3, 4])
        self.assertIn("'c'", self.refused("import", path, "--queue", "c"))
        self.assertIn("--queue", self.refused("import", path, "--as", "orders"))
        self.assertIn("'a'", self.refused("export", "--queue", "a"))

    def test_the_list_says_what_there_is(self):
        self.imported(self.file("a.csv", f"timestamp_s,queue,count\n{self.start},a,1\n{self.start + 60},a,1\n"))
        table = self.history("list")
        self.assertIn("queue", table)
        self.assertIn("100.0 %", table)
        one, = json.loads(self.history("list", "--json"))
        self.assertEqual((one["kind"], one["name"], one["measured_seconds"], one["step_seconds"]), ("queue", "a", 120, [60]))

    def test_old_history_comes_in_at_its_grain_and_too_old_one_is_left_out(self):
        month = self.start - 30 * 24 * HOUR
        path = self.file("old.csv", "timestamp_s,queue,count\n" + "".join(f"{month + 60 * n},a,2\n" for n in range(60)))
        self.assertEqual(self.imported(path)["added"], 60)
        self.assertEqual([(float(row["count"]), row["step_s"]) for row in self.exported()], [(10, "300")] * 12)
        self.assertEqual(self.imported(path)["present"], 60)
        ancient = self.file("ancient.csv", "timestamp_s,queue,count\n1000000000,b,1\n1000003600,b,1\n")
        done = run("history", "import", ancient, "--data", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 are older than history.coarse_keep", done.stderr)

    def test_what_is_wrong_is_named_with_its_place(self):
        for text, expected in (
                ("", "a.csv:1:1: the file is empty"),
                ("time,queue,count\n", "a.csv:1:1: no column timestamp_s"),
                (f"timestamp_s,queue,count\n{self.start},a,1\n{self.start + 60},a,many\n", "a.csv:3:14: count must be"),
                (f"timestamp_s,queue,count\n{self.start},a\n", "no"),
                (f"timestamp_s,queue,count\n{self.start},a,1\n", "--step"),
                (f"timestamp_s,queue,count\n{self.start},a,1\n{self.start + 7},a,1\n", "--step")):
            path = self.file("a.csv", text)
            if expected != "no":
                self.assertIn(expected, self.refused("import", path), text)
        damaged = self.folder / "damaged.csv.gz"
        damaged.write_bytes(gzip.compress(b"timestamp_s,queue,count\n" * 1000)[:-20])
        self.assertIn("damaged.csv.gz", self.refused("import", damaged))
        self.assertIn("missing.csv", self.refused("import", self.folder / "missing.csv"))
        self.assertIn("--start", self.refused("import", path, "--start", "yesterday"))

    def test_without_a_history_it_says_how_to_get_one(self):
        self.assertIn("does not exist", self.refused("list"))
        self.assertFalse(self.data.exists())

    def test_an_import_is_there_when_the_server_starts(self):
        minutes = range(-60, 0)
        now = int(time.time()) // 60 * 60
        self.imported(self.file("a.csv", "timestamp_s,queue,count\n" + "".join(f"{now + 60 * n},jobs,6\n" for n in minutes)))
        recording = self.folder / "events.txt"
        server = self.server("--record", str(recording), config='[[queue]]\nname = "jobs"\n').start()
        wait_for(lambda: " history_restored " in recording.read_text(), "the past is given to the core")
        line = [line for line in recording.read_text().splitlines() if " history_restored " in line][0]
        arrivals = []
        for word in line.split("arrivals=[")[1].split("]")[0].split():
            value, _, count = word.partition("*")
            arrivals += [float(value)] * int(count or 1)
        arrivals = [count for count in arrivals if count == count]  # what came after the file is a gap
        self.assertEqual(len(arrivals), 360)  # an hour by ten seconds
        self.assertEqual(sum(arrivals), 360)
        self.assertGreater(len(set(arrivals)), 1, "spread as messages come, not evenly")

    def test_a_running_server_and_an_import_share_the_history(self):
        server = self.server(config='[forecast]\nstep = "500ms"\n').start()
        server.queue("jobs")
        path = self.file("a.csv", "timestamp_s,queue,count\n" + "".join(
            f"{self.start + 60 * n},q{queue},1\n" for queue in range(20) for n in range(60)))
        server.send("jobs", *map(str, range(5)))
        done = run("history", "import", path, "--data", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("a server runs on", done.stderr)
        server.send("jobs", *map(str, range(5)))
        wait_for(lambda: "jobs" in self.history("list"), "the server has written its intervals")
        self.assertNotIn("history", server.log_text().replace("history.db", ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)

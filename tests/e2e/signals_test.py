"""Signals of a running server: pushed, polled, tailed and planned, whatever comes, down to the fits that get them."""

import datetime
import http.server
import json
import re
import signal
import sqlite3
import threading
import time
import unittest

from server_process import Refused, ServerTest, run, wait_for

CLOUDEVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "price", "data": {"value": 7}}


def stamp(seconds):
    return datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def ics_time(seconds):
    return stamp(seconds).replace("-", "").replace(":", "")


class MockWeb:
    """Answers GET with what `answers` says for the path, and 404 otherwise."""

    def __init__(self):
        answers = self.answers = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = answers.get(self.path.split("?")[0])
                self.send_response(200 if body is not None else 404)
                self.end_headers()
                self.wfile.write((body or "no").encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class SignalTests(ServerTest):
    def push(self, server, name, body, content_type="application/json", **headers):
        text = body if isinstance(body, str) else json.dumps(body)
        status, answer = server.http("POST", f"/v1/signals/{name}", text, {"Content-Type": content_type} | headers)
        if status != 200:
            raise Refused(status, answer)
        return json.loads(answer)

    def values(self, server, name):
        return [each["value"] for each in server.get(f"/v1/signals/{name}")["past"]]

    def metric(self, server, series):
        text = server.http("GET", "/metrics")[1]
        found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
        return float(found.group(1)) if found else None

    def test_values_are_pushed_as_json_and_as_cloudevents(self):
        server = self.server(config='[[signal]]\nname = "price"\n').start()
        self.assertEqual(self.push(server, "price", 1)["values"], {"in_order": 1})
        old = {"time": stamp(-60), "value": 2}
        self.assertEqual(self.push(server, "price", [old, old, {"time": stamp(-30), "value": 3}])["values"],
                         {"out_of_order": 2, "duplicate": 1})
        self.assertEqual(self.push(server, "price", CLOUDEVENT, "application/cloudevents+json")["values"],
                         {"in_order": 1})
        again = self.push(server, "price", [CLOUDEVENT, CLOUDEVENT | {"id": "2", "data": 8}],
                          "application/cloudevents-batch+json")
        self.assertEqual(again["values"], {"duplicate": 1, "in_order": 1})
        binary = {"ce-specversion": "1.0", "ce-id": "3", "ce-source": "/shop", "ce-type": "price"}
        self.assertEqual(self.push(server, "price", {"value": 9}, **binary)["values"], {"in_order": 1})
        self.assertEqual(self.values(server, "price"), [2, 3, 1, 7, 8, 9])

    def test_whatever_is_wrong_is_counted_and_nothing_ends(self):
        server = self.server(config="""
[[signal]]
name = "price"
minimum = 0
maximum = 100
[[signal]]
name = "plan"
source = "cron"
expression = "@hourly"
""").start()
        answer = self.push(server, "price", [
            "NaN", 1e300, -1, {"time": stamp(3600), "value": 1}, {"time": 0, "value": 1}, {"valu": 1}, "x",
            {"time": "soon", "value": 1}, 5])
        self.assertEqual(answer["values"], {"in_order": 1, "not_a_number": 1, "out_of_range": 2, "future": 1,
                                            "late": 1, "malformed": 3})
        self.assertIn("/value", answer["problem"])
        for body, content_type, status in (("{", "application/json", 400), ("<a/>", "application/xml", 400),
                                           ("", "application/json", 400), ("[[[[", "application/json", 400)):
            with self.assertRaises(Refused) as refused:
                self.push(server, "price", body, content_type)
            self.assertEqual(refused.exception.status, status)
        for name, status in (("nothing", 404), ("plan", 409)):
            with self.assertRaises(Refused) as refused:
                self.push(server, name, 1)
            self.assertEqual(refused.exception.status, status)
            self.assertIn(name, refused.exception.message)
        wait_for(lambda: self.metric(server, 'forewarm_signal_values_total{reason="malformed",signal="price"}') == 7,
                 "what could not be read is counted")
        self.assertEqual(self.metric(server, 'forewarm_signal_values_total{reason="not_a_number",signal="price"}'), 1)
        self.assertEqual(self.metric(server, "forewarm_signals_unknown_total"), 1)
        self.assertEqual(self.metric(server, 'forewarm_signal_value{signal="price"}'), 5)

    def test_documents_and_prometheus_queries_are_polled(self):
        web = MockWeb()
        self.addCleanup(web.end)
        server = self.server(config=f"""
[[signal]]
name = "temperature"
source = "poll"
url = "{web.url}/weather"
every = "50ms"
value = "/main/temp"
time = "/dt"
[[signal]]
name = "orders"
source = "prometheus"
url = "{web.url}"
query = "sum(rate(orders[5m]))"
every = "50ms"
""").start()
        wait_for(lambda: server.get("/v1/signals/temperature")["state"] == "failing", "a 404 is a failure")
        self.assertIn("404", server.get("/v1/signals/temperature")["failure"])
        web.answers["/weather"] = json.dumps({"main": {"temp": 21.5}, "dt": time.time() - 5})
        web.answers["/api/v1/query"] = json.dumps({"status": "success", "data": {
            "resultType": "vector", "result": [{"metric": {}, "value": [time.time() - 2, "12.5"]}]}})
        wait_for(lambda: self.values(server, "temperature") == [21.5], "the document is read")
        wait_for(lambda: self.values(server, "orders") == [12.5], "the query is read")
        self.assertEqual(server.get("/v1/signals/temperature")["state"], "ok")
        self.assertGreater(server.get("/v1/signals/temperature")["failures"], 0)

    def test_a_file_is_followed_through_rotation(self):
        path = self.folder / "posts.csv"
        path.write_text(f"time,value\n{stamp(-100)},1\n")
        server = self.server(config=f"""
[[signal]]
name = "posts"
source = "file"
path = "{path}"
format = "csv"
every = "20ms"
""").start()
        wait_for(lambda: self.values(server, "posts") == [1], "what was there is read")
        with path.open("a") as file:
            file.write(f"{stamp(-90)},2\nnonsense\n{stamp(-80)},3")
        wait_for(lambda: self.values(server, "posts") == [1, 2], "what is appended is read")
        path.rename(self.folder / "posts.csv.1")
        path.write_text(f"time,value\n{stamp(-70)},4\n")
        wait_for(lambda: self.values(server, "posts") == [1, 2, 3, 4], "the old file to its end, then the new one")
        self.assertEqual(server.get("/v1/signals/posts")["values"]["malformed"], 1)

    def test_a_changed_calendar_is_taken_and_a_broken_one_is_not(self):
        path = self.folder / "days.ics"

        def write(start, end):
            path.write_text("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n"
                            f"DTSTART:{ics_time(start)}\nDTEND:{ics_time(end)}\nEND:VEVENT\nEND:VCALENDAR\n")

        def plan():
            shown = server.get("/v1/signals/days")
            return [each["value"] for each in shown["past"]], [each["value"] for each in shown["future"]]

        write(-60, 120)
        server = self.server(config=f"""
[[signal]]
name = "days"
source = "calendar"
path = "{path}"
every = "20ms"
""").start()
        wait_for(lambda: plan() == ([0, 1], [0]), "the event goes on now and ends")
        path.write_text("no calendar")
        wait_for(lambda: server.get("/v1/signals/days")["state"] == "failing", "a broken file is a failure")
        self.assertEqual(plan(), ([0, 1], [0]))
        write(60, 180)
        wait_for(lambda: plan()[1] == [1, 1, 0], "the event is to come")  # the old end is corrected
        self.assertEqual(plan()[0], [0, 0])
        self.assertEqual(server.get("/v1/signals/days")["state"], "ok")

    def test_a_reload_takes_new_signals_and_keeps_what_the_others_know(self):
        server = self.server(config='[[signal]]\nname = "price"\n').start()
        self.push(server, "price", 4)
        server.config.write_text('[[signal]]\nname = "price"\n[[signal]]\nname = "posts"\nkind = "count"\n')
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(server.get("/v1/signals")["signals"]) == 2, "the new signal is there")
        self.assertEqual(self.values(server, "price"), [4])
        self.push(server, "posts", [1, 1])
        server.config.write_text('[[signal]]\nname = "posts"\nkind = "level"\n')
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(server.get("/v1/signals")["signals"]) == 1, "the old signal is gone")
        self.assertEqual(self.values(server, "posts"), [])

    def test_fits_get_the_signals_of_their_queue_and_a_recording_repeats_it(self):
        recording = self.folder / "events.txt"
        server = self.server("--record", str(recording), config="""
[forecast]
step = "100ms"
horizon = 5
refit_every = 2
[[signal]]
name = "price"
queues = ["jobs"]
[[signal]]
name = "sale"
source = "cron"
expression = "* * * * *"
length = "30s"
[[signal]]
name = "elsewhere"
queues = ["others"]
""").start()
        server.queue("jobs")  # named by a signal before it was there
        self.push(server, "price", 40)
        self.push(server, "elsewhere", 1)
        deadline = time.monotonic() + 60
        found = None
        while not found:
            self.assertLess(time.monotonic(), deadline, "no fit got the price")
            server.send("jobs", "x")
            found = re.search(r"fit_forecast request=\{queue=1 .*regressors=\[(\{.*40.*\})\] seasons", self.text(recording))
        regressors = re.findall(r"\{signal=(\d+) past=\[([^]]*)\] future=\[([^]]*)\]\}", found.group(1))
        self.assertEqual(len(regressors), 2)  # not the one of another queue
        futures = [future for _, _, future in regressors]
        self.assertEqual(sum(1 for future in futures if future == ""), 1)  # the price's is not known

        def benefits():
            server.send("jobs", "x")
            return server.get("/v1/signals/price")["benefits"]

        wait_for(lambda: [each["queue"] for each in benefits()] == ["jobs"], "what the price does is shown")
        self.assertEqual(server.get("/v1/signals/elsewhere")["benefits"], [])
        self.assertRegex(server.run("signal", "show", "price").stdout, r"queue +less loss +its share +leads by\njobs +")
        self.assertRegex(server.run("signal", "list").stdout, r"price .* \d of 1 +ok")
        self.assertEqual(server.stop(), 0)
        audit = run("replay", recording, "--audit")
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)

    def recorded(self, name):
        """{seconds: mean} of the intervals with values in the history."""
        database = sqlite3.connect(f"file:{self.folder / 'data' / 'history.db'}?mode=ro", uri=True)
        try:
            return {start / 1000: mean for start, mean in database.execute(
                "SELECT start, mean FROM signal_intervals JOIN series ON id = series WHERE name = ?", (name,))}
        except sqlite3.OperationalError as failure:  # the server is just making it
            self.assertIn("no such table", str(failure))
            return {}
        finally:
            database.close()

    def test_what_was_pushed_is_there_after_kill_9_and_a_restart(self):
        recording = self.folder / "events.txt"
        server = self.server(config="""
[forecast]
step = "500ms"
[[signal]]
name = "price"
[[signal]]
name = "weather"
future_known = true
[[signal]]
name = "posts"
kind = "count"
""").start()
        ago = [int(time.time()) - seconds for seconds in (30, 20, 10)]
        for name in ("price", "posts"):
            self.push(server, name, [{"time": at, "value": 10 + i} for i, at in enumerate(ago)])
        to_come = int(time.time()) + 2
        self.push(server, "weather", [{"time": to_come, "value": -3}, {"time": to_come + 600, "value": -4}])
        self.push(server, "weather", {"time": to_come, "value": -2})  # a newer forecast
        past = {float(at): 10 + i for i, at in enumerate(ago)}
        for name, values in (("price", past), ("posts", past), ("weather", {float(to_come): -2})):
            wait_for(lambda: self.recorded(name) == values, f"{name} is recorded")
        server.kill()
        server.arguments = ("--record", str(recording))
        server.start()
        self.assertEqual(self.values(server, "price"), [10, 11, 12])
        self.assertEqual(self.values(server, "weather"), [-2])
        self.assertEqual([value for value in self.values(server, "posts") if value > 0], [10, 11, 12])
        self.assertIn("12", server.run("signal", "show", "price").stdout)
        self.assertEqual(self.push(server, "price", {"time": ago[0], "value": 20})["values"], {"revised": 1})
        self.assertEqual(self.push(server, "posts", {"time": ago[0], "value": 20})["values"], {"duplicate": 1})
        wait_for(lambda: self.recorded("price").get(float(ago[0])) == 20, "the history is corrected")
        self.assertEqual(self.recorded("posts"), past)
        self.assertEqual(server.stop(), 0)
        told = re.findall(r"signal_observed signal=\d+ at=(\d+) value=(\S+)", self.text(recording))
        for at, value in past.items():
            self.assertEqual(told.count((str(int(at) * 1_000_000), str(value))), 2, told)  # the price and the posts
        audit = run("replay", recording, "--audit")
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)

    def test_a_file_of_counts_is_not_counted_twice_after_a_restart(self):
        path = self.folder / "posts.csv"
        ago = [int(time.time()) - seconds for seconds in (30, 20, 10)]
        path.write_text("time,value\n" + "".join(f"{at},{i + 1}\n" for i, at in enumerate(ago)))
        server = self.server(config=f"""
[forecast]
step = "500ms"
[[signal]]
name = "posts"
kind = "count"
source = "file"
path = "{path}"
format = "csv"
every = "20ms"
""").start()
        past = {float(at): i + 1 for i, at in enumerate(ago)}
        wait_for(lambda: self.recorded("posts") == past, "the file is recorded")
        server.kill()
        time.sleep(1)
        missed = int(time.time())  # after all that was recorded
        with path.open("a") as file:
            file.write(f"{missed},7\n")
        server.start()
        wait_for(lambda: server.get("/v1/signals/posts")["values"]["in_order"] == 1, "the file is read again")
        self.assertEqual(server.get("/v1/signals/posts")["values"]["duplicate"], 3)
        wait_for(lambda: self.recorded("posts") == past | {float(missed): 7}, "what was missed is recorded")
        self.assertEqual([value for value in self.values(server, "posts") if value > 0], [1, 2, 3, 7])

    def text(self, path):
        return path.read_text() if path.exists() else ""

    def test_the_command_line_lists_and_shows_them(self):
        server = self.server(config='[[signal]]\nname = "price"\n[[signal]]\nname = "weather"\nfuture_known = true\n').start()
        self.push(server, "price", 4.5)
        self.push(server, "weather", [{"time": stamp(600), "value": -3}])
        listed = server.run("signal", "list")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertRegex(listed.stdout, r"price +push +level +unknown +4\.5 ")
        self.assertEqual(len(json.loads(server.run("signal", "list", "--json").stdout)["signals"]), 2)
        shown = server.run("signal", "show", "weather")
        self.assertIn("its future known", shown.stdout)
        self.assertIn("-3", shown.stdout)
        self.assertNotIn("retries", shown.stdout)
        missing = server.run("signal", "show", "nothing")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("nothing", missing.stderr)

    def test_what_a_function_needs_is_told_to_retries(self):
        recording = self.folder / "events.txt"
        server = self.server("--record", recording, config='[[signal]]\nname = "api"\nupstream = true\n').start()
        self.push(server, "api", 1)
        self.assertIn("retries heed it", server.run("signal", "show", "api").stdout)
        self.assertTrue(server.get("/v1/signals/api")["upstream"])
        server.stop()
        self.assertIn("upstream=true", recording.read_text())

    def test_what_is_wrong_with_the_configuration_is_said_with_its_place(self):
        for table, words in (
                ('source = "pol"', "Did you mean poll?"),
                ('source = "cron"\nexpression = "* * * *"', "five fields"),
                ('source = "cron"\nexpression = "@daily"\ntime_zone = "Mars/Olympus"', "Mars/Olympus"),
                ('source = "poll"', "url"), ('source = "file"', "path"), ('value = "main.temp"', "JSON Pointer"),
                ('kind = "counter"', "Did you mean count?"), ("minimum = 5\nmaximum = 4", "below its maximum"),
                ('hold = "soon"', "duration"), ('nmae = "x"', "Did you mean name?")):
            path = self.folder / "wrong.toml"
            path.write_text(f'[[signal]]\nname = "a"\n{table}\n')
            checked = run("check", path)
            self.assertNotEqual(checked.returncode, 0, table)
            self.assertIn(words, checked.stderr, table)
            self.assertIn("wrong.toml:", checked.stderr, table)


if __name__ == "__main__":
    unittest.main()

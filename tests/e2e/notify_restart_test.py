"""What receivers were told of alerts outlives the server, however it ends."""

import contextlib
import json
import sqlite3
import unittest

from alert_tests import STALE_SIGNAL
from loopback_recorder import Recorder
from server_process import ServerTest, wait_for

CONFIG = """
shutdown_timeout = "1s"
""" + STALE_SIGNAL + """[[notify]]
name = "hook"
url = "{url}/webhook"
group_wait = "0s"
group_interval = "1s"
"""


WEATHER = """
[[signal]]
name = "weather"
source = "poll"
url = "{url}/weather"
every = "200ms"
"""


class NotifyRestartTest(ServerTest):
    def recorder(self, answer):
        recorder = Recorder(answer)
        self.addCleanup(recorder.close)
        return recorder

    def test_what_was_told_is_known_after_a_restart(self):
        fails = {"/price", "/weather"}
        web = self.recorder(lambda request: (404, "") if request["path"] in fails else (200, '{"value":1}'))
        server = self.server(config=CONFIG.format(url=web.url) + WEATHER.format(url=web.url)).start()

        def told():
            """Of each message the signals by status."""
            bodies = [json.loads(request["body"]) for request in web.requests if request["path"] == "/webhook"]
            return [{alert["labels"]["signal"]: alert["status"] for alert in body["alerts"]} for body in bodies]

        wait_for(lambda: told() and told()[-1] == {"price": "firing", "weather": "firing"}, "both are told of")
        count = len(told())
        with contextlib.closing(sqlite3.connect(self.folder / "data/history.db")) as database:
            wait_for(lambda: str(database.execute("SELECT memory FROM memories WHERE name = 'alerts'").fetchone())
                     .partition("receivers")[2].count('"fired_us"') == 2, "and that is kept")
        server.kill()
        fails.remove("/weather")
        server.start()
        # One has ended meanwhile, and the other one goes on.
        wait_for(lambda: len(told()) > count, "it is told that one is over")
        self.assertEqual(told()[count:], [{"price": "firing", "weather": "resolved"}])
        self.assertEqual(server.get("/v1/alerts")["alerts"][0]["state"], "firing")
        self.assertEqual(server.log_text().count("an alert fires"), 2)

    def test_a_rise_before_a_restart_is_not_over_because_of_it(self):
        fails = {"/price"}
        web = self.recorder(lambda request: (404, "") if request["path"] in fails else (200, '{"value":1}'))
        server = self.server(config=CONFIG.format(url=web.url)).start()

        def told():
            bodies = [json.loads(request["body"]) for request in web.requests if request["path"] == "/webhook"]
            return {(alert["labels"]["alertname"], alert["status"]) for body in bodies for alert in body["alerts"]}

        server.queue("dead")
        policy = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 1}
        server.queue("jobs", VisibilityTimeout="0", RedrivePolicy=json.dumps(policy))
        server.send("jobs", "one", "two")
        wait_for(lambda: not server.receive("jobs") and server.counts("dead")[0] == 2, "they are dead letters")
        both = {("ForewarmDeadLetters", "firing"), ("ForewarmSignalStale", "firing")}
        wait_for(lambda: told() == both, "both are told of")
        with contextlib.closing(sqlite3.connect(self.folder / "data/history.db")) as database:
            wait_for(lambda: str(database.execute("SELECT memory FROM memories WHERE name = 'alerts'").fetchone())
                     .partition("receivers")[2].count('"fired_us"') == 2, "and that is kept")
        for end in (server.kill, server.stop):
            end()
            fails.clear()
            server.start()
            if end == server.kill:
                wait_for(lambda: ("ForewarmSignalStale", "resolved") in told(), "it is told what is over, after three looks")
        looks = wait_for(lambda: server.get("/v1/alerts")["alerts"], "it knows of what goes on")
        self.assertEqual([(alert["name"], alert["state"], alert["value"]) for alert in looks], [("ForewarmDeadLetters", "firing", 2)])
        self.assertEqual(told(), both | {("ForewarmSignalStale", "resolved")})
        self.assertEqual(server.log_text().count("an alert fires"), 2)

    def test_what_is_kept_of_alerts_and_cannot_be_read_is_said_and_passed_over(self):
        web = self.recorder(lambda request: (404, "") if request["path"] == "/price" else (200, "ok"))
        server = self.server(config=CONFIG.format(url=web.url)).start()
        server.stop()
        for version, text in ((1, "half a te"), (9, "{}")):
            with contextlib.closing(sqlite3.connect(self.folder / "data/history.db")) as database, database:
                database.execute("INSERT OR REPLACE INTO memories (name, saved, version, memory) VALUES ('alerts', 1, ?, ?)", (version, text))
            before = len(web.requests)
            server.start()
            web.wait(lambda requests: [each for each in requests[before:] if each["path"] == "/webhook"])
            server.stop()
        log = server.log_text()
        self.assertIn("what is kept of alerts: expected a JSON object", log)
        self.assertIn("has the version 9", log)


if __name__ == "__main__":
    unittest.main()

"""forewarm control against a Prometheus API that answers at once and fails when told to: shadow mode, history, KEDA."""

import contextlib
import json
import re
import sqlite3
import unittest

from control_tests import ControlTest
from server_process import run, wait_for


class ShadowTest(ControlTest):
    def test_without_apply_the_target_is_only_read_and_what_would_be_sent_is_said(self):
        api = self.kubernetes()
        control = self.control().start()
        wait_for(lambda: control.queue()["set"] == 2, "the target is read")
        self.prometheus.backlog(300)
        order = wait_for(lambda: control.queue()["order"], "there is something to send")
        self.assertGreater(order["instances"], 2)
        self.assertEqual(order["request"], f"PATCH {api.url}{api.path}?fieldManager=forewarm "
                                           f'{{"spec":{{"replicas":{order["instances"]}}}}}')
        self.assertEqual(wait_for(lambda: control.directives("recommended"), "it is logged")[0]["before"], "2")
        self.assertEqual(control.stop(), 0)
        self.assertEqual({request[0] for request in api.requests}, {"GET"})
        explained = run("explain", "orders", "--data", self.folder / "data")
        self.assertIn("Would set", explained.stdout, explained.stderr)

    def test_once_prints_the_plan_and_ends(self):
        hook = self.webhook()
        self.prometheus.backlog(300)
        self.write_config()
        done = self.command("--once", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        queue = json.loads(done.stdout)["queues"][0]
        self.assertEqual((queue["queue"], queue["set"], queue["apply"]), ("orders", 1, False))
        self.assertGreater(queue["order"]["instances"], 1)
        self.assertEqual(hook.noted("POST"), [])
        self.prometheus.down = True
        done = self.command("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("503", done.stdout)

    def test_a_configuration_that_is_wrong_is_named_with_its_place(self):
        self.target = 'target.kind = "kubernets"\n'
        self.write_config()
        done = self.command("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("control.toml:7:", done.stderr)
        self.assertIn("Did you mean kubernetes?", done.stderr)


class HistoryTest(ControlTest):
    def arrivals(self):
        """Intervals that history.db has."""
        database = sqlite3.connect(f"file:{self.folder / 'data' / 'history.db'}?mode=ro", uri=True)
        try:
            table = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'") if "queue" in name][0]
            return database.execute(f"SELECT count(*) FROM {table} WHERE arrivals > 0").fetchone()[0]
        finally:
            database.close()

    def test_a_restart_forgets_no_interval(self):
        self.webhook()
        control = self.control().start()

        def five_steps():
            self.prometheus.flow(7)
            return control.metric("forewarm_control_readings_total", 'result="succeeded"') > 60

        wait_for(five_steps, "some steps are over")
        control.stop()
        kept = self.arrivals()
        self.assertGreaterEqual(kept, 3)
        control.start()
        back = wait_for(lambda: control.log_lines("history is back"), "the history is read")
        self.assertGreaterEqual(back[-1]["steps"], kept)

    def learnt(self):
        """Of how many messages and starts what is kept of the queue is."""
        with contextlib.closing(sqlite3.connect(self.folder / "data/history.db")) as database:
            kept = re.search(r"watch_restored queue=0 memory={learnt=(\d+)", str(database.execute("SELECT memory FROM scalers").fetchone()))
        return int(kept[1]) if kept else 0

    def read_again(self, control):
        """A whole reading from now on is over."""
        def readings():
            return control.metric("forewarm_control_readings_total", 'result="succeeded"') or 0

        before = readings()
        wait_for(lambda: readings() >= before + 2, "the queue is read")

    def test_a_restart_forgets_nothing_that_was_learnt(self):
        self.webhook()
        control = self.control().start()
        self.read_again(control)
        self.prometheus.backlog(300)
        wait_for(lambda: self.learnt() == 300, "what is learnt is written while it runs")
        control.kill()
        control.start()
        self.read_again(control)
        self.prometheus.flow(7)
        self.read_again(control)
        control.stop()
        self.assertEqual(self.learnt(), 307)
        with contextlib.closing(sqlite3.connect(self.folder / "data/history.db")) as database, database:
            database.execute("UPDATE scalers SET memory = 'half a te'")
        control.start()
        self.read_again(control)
        said = [line for line in control.log.read_text().splitlines() if "what the watch over 'orders' had learnt cannot be read" in line]
        self.assertEqual(len(said), 1)

    def test_the_past_is_asked_of_prometheus_at_the_start(self):
        self.webhook()
        self.prometheus.past_rate = 3
        control = self.control(backfill="1h").start()
        back = wait_for(lambda: control.log_lines("history is back"), "the history is read")
        self.assertGreaterEqual(back[0]["steps"], 590)
        self.assertGreaterEqual(self.arrivals(), 580)
        wait_for(lambda: control.metric("forewarm_control_forecast_messages", 'level="0.5"'), "there is a forecast at once")
        self.assertEqual(control.http("GET", "/readyz")[0], 200)

    def test_a_prometheus_that_is_away_at_the_start_is_no_end(self):
        api = self.kubernetes()
        self.prometheus.down = True
        control = self.control("--apply").start()
        wait_for(lambda: control.http("GET", "/readyz")[0] == 200, "it goes on")
        wait_for(lambda: control.queue()["reading_problem"], "the failure is said")
        self.assertEqual(api.noted("PATCH"), [])


def fetched(control):
    """What KEDA would get."""
    status, text = control.http("GET", "/v1/keda/orders")
    return status, json.loads(text)


class KedaTest(ControlTest):
    silent_after = "60s"  # it gets no number after that

    def setUp(self):
        super().setUp()
        self.target = 'target.kind = "keda"\ntarget.name = "worker"\ntarget.namespace = "shop"\ntarget.change_every = "100ms"\n'

    def test_keda_fetches_the_number_and_gets_the_same_after_a_restart(self):
        control = self.control(delay="1s").start()
        wait_for(lambda: control.queue()["instances"] is not None, "it plans")
        self.assertEqual(control.http("GET", "/v1/keda/orders")[0], 503, "in shadow mode there is none")
        control.stop()
        control = self.control("--apply", delay="1s").start()
        self.prometheus.backlog(3000)
        wait_for(lambda: fetched(control) == (200, {"value": 30}), "the number is there")
        self.assertEqual(control.http("GET", "/v1/keda/other")[0], 404)
        control.stop()
        self.prometheus.down = True
        control.start()
        self.assertEqual(fetched(control), (200, {"value": 30}))

    def test_the_scaled_object_is_printed(self):
        self.write_config()
        done = self.command("keda", "orders")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("kind: ScaledObject", done.stdout)
        self.assertIn('namespace: "shop"', done.stdout)
        self.assertIn("maxReplicaCount: 30", done.stdout)
        self.assertIn("there is no [[control]] 'other'", self.command("keda", "other").stderr)


if __name__ == "__main__":
    unittest.main()

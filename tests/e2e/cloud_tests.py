"""What holds of forewarm control that sees a queue by the metrics of its cloud alone, whichever it is: history, readings that
come late, and a cloud that fails."""

import csv
import io
import json
import time

from control_tests import ControlTest
from fake_metrics import MINUTE, QueueMinutes
from loopback_recorder import Recorder
from server_process import run, wait_for

class CloudTest(ControlTest):
    """One cloud's: `cloud()` starts it and gives the lines of the configuration."""

    def setUp(self):
        super().setUp()
        self.minutes = QueueMinutes()
        self.hook = self.webhook()

    def recorder(self, answer):
        recorder = Recorder(answer)
        self.addCleanup(recorder.close)
        return recorder

    def write_config(self, delay="1m", backfill="0s", lag="5m", more=""):
        path = self.folder / "control.toml"
        path.write_text(f'''
data = "{self.folder / 'data'}"
admin = "127.0.0.1:0"
every = "100ms"
[[control]]
queue = "orders"
silent_after = "1s"
service_time = "500ms"
scale_down_delay = "{delay}"
metrics.timeout = "1s"
metrics.backfill = "{backfill}"
metrics.lag = "{lag}"
metrics.every = "100ms"
scaling.instances_max = 30
scaling.objective = "1s"
{more}
''' + self.metrics + self.target)
        return path


class CloudTests:
    """What holds for each of the clouds."""

    def test_the_past_is_asked_for_and_late_readings_drive_the_plan(self):
        self.minutes.fill_past(3 * 24 * 60, arrived=lambda start: 60 + start // MINUTE % 7)
        control = self.control("--apply", backfill="3d").start()
        back = wait_for(lambda: control.log_lines("history is back"), "the history is read")
        # Ten seconds a step, as far as a fit looks back, but for the minutes that are not told yet.
        self.assertGreaterEqual(back[0]["steps"], 8600)
        listed = json.loads(run("history", "list", "--data", self.folder / "data", "--json").stdout)
        self.assertEqual([each["name"] for each in (listed["series"] if isinstance(listed, dict) else listed)], ["orders"])
        wait_for(lambda: control.metric("forewarm_control_forecast_messages", 'level="0.5"'), "there is a forecast at once")
        self.assertGreater(control.metric("forewarm_control_reading_age_seconds"), 2 * MINUTE)
        self.assertEqual(control.metric("forewarm_control_silent"), 0, "late is not silent")
        self.minutes.tell(waiting=300, arrived=360, done=60)
        wait_for(lambda: self.hook.instances == 30, "what waits is staffed")
        self.minutes.tell(waiting=12, in_flight=3, oldest_wait=2, arrived=60, done=348)
        wait_for(lambda: control.metric("forewarm_control_messages", 'state="waiting"') == 12, "the next minute is read")
        self.assertEqual(control.queue()["reading_problem"], "")

    def test_a_cloud_that_fails_is_a_gap_and_nothing_is_taken_away(self):
        self.minutes.fill_past(15)
        self.minutes.tell(waiting=300, arrived=300, done=1)
        age = time.time() - self.minutes.newest_end
        control = self.control("--apply", delay="100ms", lag=f"{int(age) + 4}s").start()
        wait_for(lambda: self.hook.instances == 30, "what waits is staffed")
        told = len(self.hook.noted("POST"))
        # What the minute of the failure was like is known afterwards.
        missed = self.minutes.newest_end
        self.minutes.tell(waiting=300, arrived=120, done=120)
        self.fake.fails = (503, "oops")
        wait_for(lambda: control.metric("forewarm_control_silent") == 1, "silence is noticed", seconds=120)
        self.assertEqual((self.hook.instances, len(self.hook.noted("POST"))), (30, told))
        self.assertEqual(control.queue()["instances"], 30)
        self.fake.fails = None
        self.minutes.tell(arrived=1, done=1)
        wait_for(lambda: control.metric("forewarm_control_messages", 'state="waiting"') == 0, "it is read again")
        wait_for(lambda: self.hook.instances < 30, "and fewer are set")
        problems = [line["reason"] for line in control.log_lines("there is no reading of the queue; what is there stays")]
        self.assertLess(len(problems), 4, "each is said once")
        self.assertEqual(control.stop(), 0)
        exported = run("history", "export", "--queue", "orders", "--data", self.folder / "data").stdout
        counts = [float(row["count"]) for row in csv.DictReader(io.StringIO(exported)) if missed <= int(row["timestamp_s"]) < missed + MINUTE]
        self.assertEqual((len(counts), round(sum(counts))), (6, 120), exported)

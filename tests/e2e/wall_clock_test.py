"""The wall clock is set, back and forward, under a running server and while there is none.

While it runs, time is a clock that nobody can set: no poll hangs or ends early, nothing becomes visible or is forgotten
before its time. Over a restart time goes on from where it was, or from the wall clock if that is ahead.
The clock is set for the server alone, by a library that is preloaded (wall_clock.cpp).
"""

import calendar
import concurrent.futures
import os
import time
import unittest

from server_process import PATIENCE_SECONDS, ServerTest, wait_for

LIBRARY = os.environ.get("FOREWARM_WALL_CLOCK", "")
DAY = 86_400


class WallClockTests(ServerTest):
    def setUp(self):
        super().setUp()
        self.assertTrue(LIBRARY, "FOREWARM_WALL_CLOCK must name the library")
        self.offset = self.folder / "offset"
        self.set_clock(0)
        self.running = self.server()
        self.running.environment = os.environ | {
            "LD_PRELOAD": LIBRARY, "WALL_CLOCK_OFFSET": str(self.offset)}
        self.running.start()
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(self.pool.shutdown)

    def set_clock(self, seconds):
        """Against the true one. All at once: the server looks at it at any time."""
        new = self.folder / "offset.new"
        new.write_text(str(seconds))
        new.rename(self.offset)

    def set_clock_and_see(self, seconds):
        self.set_clock(seconds)
        wait_for(lambda: abs(self.wall_clock() - (time.time() + seconds)) < DAY / 2, "the server's clock is set")

    def wall_clock(self):
        """What the server sees of it: the audit log has it."""
        self.running.sqs("SetQueueAttributes", QueueUrl=self.running.queue("clock"), Attributes={"DelaySeconds": "0"})
        newest = self.running.get("/v1/audit?limit=1")[-1]
        return calendar.timegm(time.strptime(newest["time"][:19], "%Y-%m-%dT%H:%M:%S"))

    def restart(self, seconds):
        """Killed, and started again when the clock has been set."""
        self.running.kill()
        self.set_clock(seconds)
        self.running.start()

    def poll(self, name, seconds):
        """A long poll that has begun."""
        polled = self.pool.submit(self.running.receive, name, WaitTimeSeconds=seconds)
        self.running.counts(name)  # a later request is answered
        return polled

    def bodies(self, name, **parameters):
        return [message["Body"] for message in self.running.receive(name, **parameters)]

    def send_again(self, name):
        """The same message with the same id for deduplication: how many there are of it."""
        self.running.sqs("SendMessage", QueueUrl=self.running.url(name), MessageBody="once", MessageGroupId="group",
                         MessageDeduplicationId="id")
        return sum(self.running.counts(name))

    def sent_at(self, name):
        self.running.send(name, "when")
        message = self.running.receive(name)[0]
        self.running.sqs("DeleteMessage", QueueUrl=self.running.url(name), ReceiptHandle=message["ReceiptHandle"])
        return int(message["Attributes"]["SentTimestamp"])

    def expect_steady(self, there):
        """With the clock going to `there` and back again while things wait."""
        server = self.running
        for name in ("polled", "empty", "late", "later", "short", "long", "order"):
            server.queue(name)
        server.queue("once.fifo", FifoQueue="true")
        before = self.sent_at("order")
        server.send("late", "due", DelaySeconds=3)
        server.send("later", "not due", DelaySeconds=600)
        server.send("short", "leased for 3 s")
        server.send("long", "leased for long")
        self.assertEqual(len(self.bodies("short", VisibilityTimeout=3) + self.bodies("long", VisibilityTimeout=600)), 2)
        self.assertEqual(self.send_again("once.fifo"), 1)

        for seconds in (there, 0):
            ends = self.poll("empty", 2)
            self.set_clock(seconds)
            self.assertEqual(ends.result(PATIENCE_SECONDS), [], "an empty poll ends")
        self.set_clock(0)
        waits = self.poll("polled", 20)
        self.set_clock_and_see(there)
        server.send("polled", "sent after")
        self.assertEqual([message["Body"] for message in waits.result(PATIENCE_SECONDS)], ["sent after"])
        self.assertEqual(self.bodies("later"), [])
        self.assertEqual(self.bodies("long"), [])
        self.assertEqual(self.send_again("once.fifo"), 1)
        wait_for(lambda: self.bodies("late") == ["due"], "the delay passes")
        wait_for(lambda: self.bodies("short") == ["leased for 3 s"], "the visibility timeout passes")
        self.assertGreaterEqual(self.sent_at("order"), before, "time does not go back")
        self.assertLess(self.sent_at("order"), before + 1000 * DAY / 2, "nor does it jump")

    def test_turned_back_under_a_running_server(self):
        self.expect_steady(-DAY)

    def test_turned_forward_under_a_running_server(self):
        self.expect_steady(DAY)

    def have_what_waits(self):
        server = self.running
        for name in ("late", "later", "long", "order", "polled"):
            server.queue(name)
        server.queue("once.fifo", FifoQueue="true")
        server.send("late", "due", DelaySeconds=5)
        server.send("later", "not due", DelaySeconds=600)
        server.send("long", "leased for long")
        self.assertEqual(self.bodies("long", VisibilityTimeout=600), ["leased for long"])
        self.assertEqual(self.send_again("once.fifo"), 1)

    def test_turned_back_while_no_server_runs(self):
        self.have_what_waits()
        before = self.sent_at("order")
        self.restart(-DAY)
        # What was written of the time may be a second old.
        self.assertGreater(self.sent_at("order"), before - 2000, "time does not go back")
        self.assertEqual(self.bodies("later") + self.bodies("long"), [])
        self.assertEqual(self.send_again("once.fifo"), 1)
        wait_for(lambda: self.bodies("late") == ["due"], "the delay passes, and takes no day")
        waits = self.poll("polled", 20)
        self.running.send("polled", "sent after")
        self.assertEqual([message["Body"] for message in waits.result(PATIENCE_SECONDS)], ["sent after"])
        self.assertEqual(self.poll("polled", 1).result(PATIENCE_SECONDS), [])

    def test_turned_forward_while_no_server_runs_and_put_right_again(self):
        self.have_what_waits()
        before = self.sent_at("order")
        self.restart(DAY)
        self.assertGreaterEqual(self.sent_at("order"), before + 1000 * DAY, "a day has passed")
        self.assertEqual((self.bodies("later"), self.bodies("long")), (["not due"], ["leased for long"]))
        self.assertEqual(self.bodies("late"), ["due"])
        self.assertEqual(self.send_again("once.fifo"), 2, "the five minutes are over")
        self.running.send("later", "due on the new day", DelaySeconds=5)
        ahead = self.sent_at("order")
        self.restart(0)
        self.assertGreater(self.sent_at("order"), ahead - 2000, "time goes on where it was")
        self.assertEqual(self.send_again("once.fifo"), 2)
        wait_for(lambda: self.bodies("later") == ["due on the new day"], "the delay passes, and takes no day")


if __name__ == "__main__":
    unittest.main(verbosity=2)

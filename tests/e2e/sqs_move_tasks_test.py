"""Message move tasks of the real program, by its wire protocol, and across kill -9."""

import json
import unittest

from server_process import Refused, ServerTest, wait_for

ARN = "arn:aws:sqs:us-east-1:000000000000:"


class MoveTasks(ServerTest):
    def setUp(self):
        super().setUp()
        self.running = self.server().start()
        self.running.queue("dead")

    def dead_letters(self, name, count):
        """A queue that has lost so many messages to `dead`."""
        server = self.running
        policy = json.dumps({"deadLetterTargetArn": ARN + "dead", "maxReceiveCount": 1})
        server.queue(name, VisibilityTimeout="0", RedrivePolicy=policy)
        before = server.counts("dead")[0]
        server.send(name, *(f"{name}-{i}" for i in range(count)))
        wait_for(lambda: not server.receive(name) and server.counts("dead")[0] == before + count,
                 "all are dead letters")

    def task(self):
        [task] = self.running.sqs("ListMessageMoveTasks", SourceArn=ARN + "dead")["Results"]
        return task

    def bodies(self, name, count):
        found = []

        def take():
            for message in self.running.receive(name, VisibilityTimeout=60):
                found.append(message["Body"])
                self.assertEqual(message["Attributes"]["ApproximateReceiveCount"], "1")
            return len(found) >= count
        wait_for(take, f"{count} messages of {name}")
        return sorted(found)

    def test_each_message_goes_home(self):
        self.dead_letters("one", 3)
        self.dead_letters("two", 2)
        handle = self.running.sqs("StartMessageMoveTask", SourceArn=ARN + "dead")["TaskHandle"]
        self.assertTrue(handle)
        wait_for(lambda: self.task()["Status"] == "COMPLETED", "the task is completed")
        self.assertEqual(self.task()["ApproximateNumberOfMessagesMoved"], 5)
        self.assertNotIn("TaskHandle", self.task())
        self.assertEqual(self.bodies("one", 3), ["one-0", "one-1", "one-2"])
        self.assertEqual(self.bodies("two", 2), ["two-0", "two-1"])

    def test_a_killed_server_goes_on_and_loses_and_repeats_nothing(self):
        self.dead_letters("one", 60)
        self.running.sqs("StartMessageMoveTask", SourceArn=ARN + "dead", MaxNumberOfMessagesPerSecond=20)
        for _ in range(3):
            before = self.task()["ApproximateNumberOfMessagesMoved"]
            wait_for(lambda: self.task()["ApproximateNumberOfMessagesMoved"] > before
                     or self.task()["Status"] == "COMPLETED", "some are moved")
            self.running.kill()
            self.running.start()
        wait_for(lambda: self.task()["Status"] == "COMPLETED", "the task is completed")
        self.assertEqual(self.running.counts("dead"), (0, 0, 0))
        self.assertEqual(self.bodies("one", 60), sorted(f"one-{i}" for i in range(60)))
        self.assertEqual(self.running.counts("one"), (0, 60, 0))

    def test_a_cancelled_task_stays_cancelled_across_a_kill(self):
        self.dead_letters("one", 5)
        handle = self.running.sqs("StartMessageMoveTask", SourceArn=ARN + "dead",
                                  MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
        with self.assertRaises(Refused) as second:
            self.running.sqs("StartMessageMoveTask", SourceArn=ARN + "dead")
        self.assertEqual(second.exception.status, 400)
        self.running.sqs("CancelMessageMoveTask", TaskHandle=handle)
        self.running.kill()
        self.running.start()
        wait_for(lambda: self.task()["Status"] == "CANCELLED", "the task is cancelled")
        with self.assertRaises(Refused) as again:
            self.running.sqs("CancelMessageMoveTask", TaskHandle=handle)
        self.assertEqual((again.exception.status, again.exception.code),
                         (404, "com.amazonaws.sqs#ResourceNotFoundException"))
        self.assertGreaterEqual(self.running.counts("dead")[0], 1)

    def test_the_query_protocol_has_them_too(self):
        self.dead_letters("one", 1)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        status, text = self.running.http("POST", "/", f"Action=StartMessageMoveTask&SourceArn={ARN}dead", form, at="sqs")
        self.assertEqual(status, 200)
        self.assertIn("<StartMessageMoveTaskResult><TaskHandle>", text)
        _, text = self.running.http("POST", "/", f"Action=ListMessageMoveTasks&SourceArn={ARN}dead", form, at="sqs")
        self.assertIn("<ListMessageMoveTasksResultEntry>", text)
        self.assertIn(f"<SourceArn>{ARN}dead</SourceArn>", text)


if __name__ == "__main__":
    unittest.main()

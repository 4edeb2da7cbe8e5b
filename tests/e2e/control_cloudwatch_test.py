"""forewarm control that sees an SQS queue by CloudWatch alone."""

import json
import unittest

from cloud_tests import CloudTest, CloudTests
from fake_metrics import FakeCloudWatch
from loopback_recorder import bare_environment
from server_process import wait_for

LEADING = [name for name in bare_environment(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_SESSION_TOKEN="", AWS_PROFILE="",
                                             AWS_WEB_IDENTITY_TOKEN_FILE="") if name.startswith("AWS_")]


class CloudWatchTest(CloudTests, CloudTest):
    def setUp(self):
        super().setUp()
        self.fake = FakeCloudWatch(self.minutes)
        self.cloud_recorder = self.recorder(self.fake)
        keys = self.recorder(self.keys)
        self.environment(**{name: "" for name in LEADING} | {
            "HOME": str(self.folder), "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "eu-west-1",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": keys.url + "/role", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t"})
        self.metrics = f'metrics.kind = "cloudwatch"\nmetrics.url = "{self.cloud_recorder.url}"\n'

    def keys(self, _):
        return 200, json.dumps({"AccessKeyId": "AKID", "SecretAccessKey": "s", "Token": "t", "Expiration": "2090-01-01T00:00:00Z"})

    def test_a_queue_that_nobody_knows_is_said(self):
        control = self.control().start()
        problem = wait_for(lambda: control.queue()["reading_problem"], "it is said")
        self.assertIn("CloudWatch knows nothing of the queue", problem)
        self.assertEqual(self.hook.noted("POST"), [])

    def test_keda_gets_a_number_by_metrics_that_are_late(self):
        self.target = 'target.kind = "keda"\ntarget.name = "worker"\ntarget.change_every = "100ms"\n'
        self.minutes.fill_past(15)
        self.minutes.tell(waiting=300, arrived=300, done=1)
        control = self.control("--apply", delay="1s").start()
        wait_for(lambda: json.loads(control.http("GET", "/v1/keda/orders")[1]).get("value") == 30, "the number is there")

    def test_what_is_missing_is_said_with_its_remedy(self):
        self.environment(AWS_REGION="", AWS_DEFAULT_REGION="")
        self.write_config()
        done = self.command("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("needs metrics.region", done.stderr)


if __name__ == "__main__":
    unittest.main()

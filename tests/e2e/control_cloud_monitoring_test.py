"""forewarm control that sees a Pub/Sub subscription by Cloud Monitoring alone."""

import json
import unittest

from cloud_tests import CloudTest, CloudTests
from fake_metrics import FakeCloudMonitoring
from server_process import wait_for


class CloudMonitoringTest(CloudTests, CloudTest):
    def setUp(self):
        super().setUp()
        self.fake = FakeCloudMonitoring(self.minutes)
        self.cloud_recorder = self.recorder(self.fake)
        metadata = self.recorder(self.token)
        self.environment(GCE_METADATA_HOST=metadata.address, GOOGLE_APPLICATION_CREDENTIALS="", CLOUDSDK_CONFIG=str(self.folder / "none"),
                         HOME=str(self.folder))
        self.metrics = (f'metrics.kind = "cloud-monitoring"\nmetrics.url = "{self.cloud_recorder.url}"\nmetrics.project = "p"\n'
                        'metrics.topic = "shop"\n')

    def token(self, request):
        self.assertEqual(request["headers"].get("metadata-flavor"), "Google")
        return 200, json.dumps({"access_token": "token", "expires_in": 86400, "token_type": "Bearer"})

    def test_without_a_topic_arrivals_follow_from_what_is_done(self):
        self.metrics = self.metrics.replace('metrics.topic = "shop"\n', "")
        self.minutes.fill_past(30)
        control = self.control(backfill="30m").start()
        back = wait_for(lambda: control.log_lines("history is back"), "the history is read")
        self.assertGreaterEqual(back[0]["steps"], 100)
        wait_for(lambda: control.metric("forewarm_control_messages", 'state="waiting"') == 0, "it is read")
        self.assertNotIn("topic_id", "".join(request["query"] for request in self.cloud_recorder.requests))

    def test_what_is_missing_is_said_with_its_remedy(self):
        self.metrics = self.metrics.replace('"p"', '"projects/p"')
        self.write_config()
        done = self.command("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("needs metrics.project", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""What control asks the clouds' metrics is what their official clients ask, and these read the same of the tests' fakes."""

import json
import os
import pathlib
import tempfile
import unittest

from fake_metrics import FakeCloudWatch, QueueMinutes, query_of_form
from loopback_recorder import Recorder, with_keys
from server_process import run
from source_tests import Client

TARGET = 'target.kind = "command"\ntarget.command = ["true"]\n'


class ContractTest(unittest.TestCase):
    def setUp(self):
        self.minutes = QueueMinutes()
        self.minutes.fill_past(30, arrived=lambda start: start // 60 % 50)
        folder = tempfile.TemporaryDirectory(prefix="forewarm-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def serve(self, fake):
        recorder = Recorder(fake)
        self.addCleanup(recorder.close)
        return recorder

    def asked_by_control(self, recorder, metrics, environment):
        """The first question for readings; none for the past."""
        config = self.folder / "control.toml"
        config.write_text(f'data = "{self.folder / "data"}"\nevery = "100ms"\n[[control]]\nqueue = "orders"\n'
                          f'metrics.url = "{recorder.url}"\nmetrics.backfill = "0s"\nscaling.instances_max = 9\n{metrics}{TARGET}')
        done = run("control", "--once", "--json", "--config", config, environment=environment)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return recorder.requests[:]

    def official(self, recorder):
        client = Client("metrics_client.mjs", recorder.url)
        self.addCleanup(client.close)
        return client


class CloudWatchContract(ContractTest):
    def test_get_metric_data_is_that_of_the_official_client(self):
        recorder = self.serve(FakeCloudWatch(self.minutes))
        mine, = self.asked_by_control(recorder, 'metrics.kind = "cloudwatch"\n', with_keys())
        body = json.loads(mine["body"])
        answer = self.official(recorder).do("GetMetricData", **body)
        theirs = recorder.requests[-1]
        # This client speaks the Query protocol; the operation and what it means are compared.
        self.assertIn("aws-sdk-js", theirs["headers"]["user-agent"])
        self.assertIn("Action=GetMetricData&Version=2010-08-01", theirs["body"])
        self.assertEqual(mine["headers"]["x-amz-target"], "GraniteServiceVersion20100801.GetMetricData")
        self.assertEqual(mine["headers"]["content-type"], "application/x-amz-json-1.0")
        for part in ("method", "path", "query"):
            self.assertEqual(mine[part], theirs[part])
        self.assertEqual(mine["headers"]["host"], theirs["headers"]["host"])
        self.assertEqual(body, query_of_form(theirs["body"]))
        scopes = [r["headers"]["authorization"].split(",")[0].split("/")[2:] for r in (mine, theirs)]
        self.assertEqual(scopes, [["eu-west-1", "monitoring", "aws4_request"]] * 2)
        read = {result["Id"]: result for result in answer["MetricDataResults"]}
        known = self.minutes.between(body["StartTime"], body["EndTime"], "arrived")
        self.assertEqual(read["arrived"]["Values"], [float(value) for _, value in known])
        self.assertGreater(len(known), 5)


if __name__ == "__main__":
    unittest.main()

"""What control asks the clouds' metrics is what their official clients ask, and these read the same of the tests' fakes."""

import calendar
import json
import pathlib
import tempfile
import time
import unittest
from urllib.parse import parse_qs

from fake_metrics import FakeAzureMonitor, FakeCloudMonitoring, FakeCloudWatch, QueueMinutes, query_of_form, time_series_query
from google_installed import needs_google_client
from loopback_recorder import Recorder, bare_environment, with_keys
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


class AzureMonitorContract(ContractTest):
    def test_a_query_is_that_of_the_official_client(self):
        recorder = self.serve(FakeAzureMonitor(self.minutes))
        tokens = self.serve(lambda _: (200, json.dumps({"access_token": "ours", "expires_on": str(int(time.time()) + 86400)})))
        mine, = self.asked_by_control(
            recorder, f'metrics.kind = "azure-monitor"\nmetrics.resource = "{FakeAzureMonitor.RESOURCE}"\n',
            bare_environment(IDENTITY_ENDPOINT=tokens.url + "/token", IDENTITY_HEADER="header"))
        query = parse_qs(mine["query"])
        times = [int(calendar.timegm(time.strptime(at[:19], "%Y-%m-%dT%H:%M:%S"))) for at in query["timespan"][0].split("/")]
        answer = self.official(recorder).do(
            "queryResource", resource=FakeAzureMonitor.RESOURCE, metrics=query["metricnames"][0].split(","), granularity="PT1M",
            aggregations=["Total", "Maximum"], filter="EntityName eq 'orders'", **{"from": times[0], "to": times[1]})
        theirs = recorder.requests[-1]
        self.assertIn("azsdk-js-monitor-query", theirs["headers"]["user-agent"])
        for part in ("method", "path"):
            self.assertEqual(mine[part], theirs[part])
        # Milliseconds are theirs.
        self.assertEqual(query, parse_qs(theirs["query"].replace(".000Z", "Z")))
        self.assertEqual(mine["headers"]["authorization"], "Bearer ours")
        read = {metric["name"]: metric["timeseries"][0]["data"] for metric in answer["metrics"]}
        known = [float(value) for _, value in self.minutes.between(*times, "arrived")]
        self.assertEqual([minute["total"] for minute in read["IncomingMessages"] if minute.get("total") is not None], known)


class CloudMonitoringContract(ContractTest):
    @needs_google_client("@google-cloud/monitoring", "5.3.1")
    def test_a_list_of_time_series_is_that_of_the_official_client(self):
        recorder = self.serve(FakeCloudMonitoring(self.minutes))
        tokens = self.serve(lambda _: (200, json.dumps({"access_token": "ours", "expires_in": 3600, "token_type": "Bearer"})))
        asked = self.asked_by_control(recorder, 'metrics.kind = "cloud-monitoring"\nmetrics.project = "p"\nmetrics.topic = "shop"\n',
                                      bare_environment(GCE_METADATA_HOST=tokens.address))
        self.assertEqual(len(asked), 4)
        official = self.official(recorder)
        for mine in asked:
            query = time_series_query(mine["query"])
            times = [int(calendar.timegm(time.strptime(query["interval." + which], "%Y-%m-%dT%H:%M:%SZ"))) for which in ("startTime", "endTime")]
            read = official.do("listTimeSeries", name="projects/p", filter=query["filter"], aligner=query["aggregation.perSeriesAligner"],
                               reducer=query["aggregation.crossSeriesReducer"], pageSize=int(query["pageSize"]),
                               **{"from": times[0], "to": times[1]})
            theirs = recorder.requests[-1]
            self.assertIn("gax/", theirs["headers"]["x-goog-api-client"])
            for part in ("method", "path"):
                self.assertEqual(mine[part], theirs[part])
            self.assertEqual(query, time_series_query(theirs["query"]))
            self.assertEqual(mine["headers"]["authorization"], "Bearer ours")
            if "num_undelivered" in query["filter"]:
                known = self.minutes.between(*times, "waiting")
                self.assertEqual(read, [[[at + 60, value] for at, value in reversed(known)]])


if __name__ == "__main__":
    unittest.main()

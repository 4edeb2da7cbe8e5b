"""The metrics that clouds keep of a queue, by the minute, for one process: CloudWatch, Azure Monitor, Cloud Monitoring.

Answers a loopback_recorder.Recorder, strictly: what they would refuse is refused. `QueueMinutes` is what is known.
"""

import calendar
import json
import re
import threading
import time
from urllib.parse import parse_qs, parse_qsl
from xml.sax.saxutils import escape

MINUTE = 60


class QueueMinutes:
    """What came to a queue in each minute, and how it stood: {start: {"waiting": ..., "arrived": ...}}."""

    def __init__(self, minutes_old=3):
        self.newest_end = int(time.time()) // MINUTE * MINUTE - minutes_old * MINUTE
        self.minutes = {}
        self.lock = threading.Lock()

    def fill_past(self, minutes, arrived=lambda start: 60):
        """The queue kept up with what came."""
        with self.lock:
            for n in range(1, minutes + 1):
                start = self.newest_end - n * MINUTE
                self.minutes[start] = {"waiting": 0, "in_flight": 1, "oldest_wait": 0, "arrived": arrived(start), "done": arrived(start)}

    def tell(self, **values):
        """The minute after the newest is over."""
        with self.lock:
            self.minutes[self.newest_end] = {"waiting": 0, "in_flight": 0, "oldest_wait": 0, "arrived": 0, "done": 0} | values
            self.newest_end += MINUTE

    def skip(self):
        """Nothing will ever be told of the minute after the newest."""
        with self.lock:
            self.newest_end += MINUTE

    def between(self, start, end, name):
        with self.lock:
            return sorted((at, values[name]) for at, values in self.minutes.items() if start <= at < end and name in values)


class FailsOnDemand:
    """`fails` answers instead: ("status", text) each time, or a function."""

    fails = None

    def __call__(self, request):
        fails = self.fails
        if callable(fails):
            fails = fails(request)
        return fails or self.answer(request)


class FakeCloudWatch(FailsOnDemand):
    NAMES = {"waiting": ("ApproximateNumberOfMessagesVisible", "Maximum"), "in_flight": ("ApproximateNumberOfMessagesNotVisible", "Maximum"),
             "oldest_wait": ("ApproximateAgeOfOldestMessage", "Maximum"), "arrived": ("NumberOfMessagesSent", "Sum"),
             "done": ("NumberOfMessagesDeleted", "Sum")}
    VALUES_PER_PAGE = 3000

    def __init__(self, minutes, queue="orders"):
        self.minutes = minutes
        self.queue = queue

    @staticmethod
    def refusal(code, text="", status=400):
        return status, json.dumps({"__type": "com.amazonaws.cloudwatch#" + code, "message": text})

    def answer(self, request):
        if request["headers"].get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return 200, page_in_xml(self.page(query_of_form(request["body"])))
        if request["headers"].get("x-amz-target") != "GraniteServiceVersion20100801.GetMetricData":
            return self.refusal("UnknownOperationException")
        if "/monitoring/aws4_request" not in request["headers"].get("authorization", ""):
            return self.refusal("MissingAuthenticationToken", status=403)
        page = self.page(json.loads(request["body"]))
        return 200, json.dumps(page)

    def page(self, asked):
        queries = asked["MetricDataQueries"]
        assert len(queries) <= 500 and asked["StartTime"] < asked["EndTime"], asked
        values = []
        for query in queries:
            stat = query["MetricStat"]
            name = next(n for n, (metric, kind) in self.NAMES.items() if metric == stat["Metric"]["MetricName"] and kind == stat["Stat"])
            assert stat["Metric"]["Namespace"] == "AWS/SQS" and asked["StartTime"] % stat["Period"] == 0, asked
            if stat["Metric"]["Dimensions"] != [{"Name": "QueueName", "Value": self.queue}] or stat["Period"] != MINUTE:
                continue
            # In flight is written only where something is.
            values += [(query["Id"], at, value) for at, value in self.minutes.between(asked["StartTime"], asked["EndTime"], name)
                       if value or name != "in_flight"]
        begin = int(asked.get("NextToken", 0))
        part = values[begin:begin + self.VALUES_PER_PAGE]
        page = {"Messages": [], "MetricDataResults": [
            {"Id": query["Id"], "Label": query["Id"], "StatusCode": "Complete",
             "Timestamps": [float(at) for name, at, _ in part if name == query["Id"]],
             "Values": [float(value) for name, _, value in part if name == query["Id"]]} for query in queries]}
        if begin + len(part) < len(values):
            page["NextToken"] = str(begin + len(part))
        return page


class FakeAzureMonitor(FailsOnDemand):
    RESOURCE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/n"
    NAMES = {"ActiveMessages": ("waiting", "maximum"), "IncomingMessages": ("arrived", "total"), "CompleteMessage": ("done", "total")}

    def __init__(self, minutes, queue="orders"):
        self.minutes = minutes
        self.queue = queue

    @staticmethod
    def refusal(status, code, text):
        return status, json.dumps({"error": {"code": code, "message": text}})

    def answer(self, request):
        if not request["headers"].get("authorization", "").startswith("Bearer "):
            return self.refusal(401, "AuthenticationFailed", "no token")
        query = {name.lower(): values[0] for name, values in parse_qs(request["query"]).items()}
        if request["path"] != self.RESOURCE + "/providers/Microsoft.Insights/metrics" or query["api-version"] != "2024-02-01":
            return self.refusal(404, "ResourceNotFound", "no such resource")
        start, end = (calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) for text in query["timespan"].split("/"))
        assert query["interval"] == "PT1M" and 0 < end - start <= 24 * 3600, query
        if query["$filter"] != f"EntityName eq '{self.queue}'":
            return 200, self.answered(query, start, end, {})
        return 200, self.answered(query, start, end, self.minutes)

    def answered(self, query, start, end, minutes):
        aggregations = query["aggregation"].lower().split(",")
        value = []
        for name in query["metricnames"].split(","):
            ours, aggregation = self.NAMES[name]
            assert aggregation in aggregations, query
            known = dict(minutes.between(start, end, ours)) if minutes else {}
            # Minutes of which nothing is known are there, without a value.
            data = [{"timeStamp": utc(at)} | ({aggregation: float(known[at])} if at in known else {}) for at in range(start, end, MINUTE)]
            value.append({"id": f"{self.RESOURCE}/providers/Microsoft.Insights/metrics/{name}", "type": "Microsoft.Insights/metrics",
                          "name": {"value": name, "localizedValue": name}, "unit": "Count", "errorCode": "Success", "timeseries": [
                              {"metadatavalues": [{"name": {"value": "entityname"}, "value": self.queue}], "data": data}] if minutes else []})
        return json.dumps({"cost": 0, "timespan": query["timespan"], "interval": "PT1M", "value": value,
                           "namespace": "Microsoft.ServiceBus/namespaces", "resourceregion": "westeurope"})


class FakeCloudMonitoring(FailsOnDemand):
    NAMES = {"subscription/num_undelivered_messages": ("waiting", "ALIGN_MAX", "REDUCE_SUM"),
             "topic/send_message_operation_count": ("arrived", "ALIGN_SUM", "REDUCE_SUM"),
             "subscription/ack_message_count": ("done", "ALIGN_SUM", "REDUCE_SUM"),
             "subscription/oldest_unacked_message_age": ("oldest_wait", "ALIGN_MAX", "REDUCE_MAX")}
    POINTS_PER_PAGE = 2000

    def __init__(self, minutes, queue="orders", topic="shop"):
        self.minutes = minutes
        self.of = {"subscription": queue, "topic": topic}

    @staticmethod
    def refusal(code, status, text):
        return code, json.dumps({"error": {"code": code, "status": status, "message": text}})

    def answer(self, request):
        if not request["headers"].get("authorization", "").startswith("Bearer "):
            return self.refusal(401, "UNAUTHENTICATED", "no token")
        query = time_series_query(request["query"])
        filtered = re.fullmatch(r'metric\.type = "pubsub\.googleapis\.com/((topic|subscription)/\w+)" AND resource\.type = "pubsub_(\w+)" '
                                r'AND resource\.labels\.(\w+)_id = "([^"]*)"', query["filter"])
        if request["path"] != "/v3/projects/p/timeSeries" or not filtered:
            return self.refusal(400, "INVALID_ARGUMENT", "no such filter")
        metric, kind, *kinds, name = filtered.groups()
        ours, aligner, reducer = self.NAMES[metric]
        assert kinds == [kind, kind] and query["aggregation.alignmentPeriod"] == "60s", query
        assert (query["aggregation.perSeriesAligner"], query["aggregation.crossSeriesReducer"]) == (aligner, reducer), query
        start, end = (calendar.timegm(time.strptime(query["interval." + which][:19], "%Y-%m-%dT%H:%M:%S")) for which in ("startTime", "endTime"))
        assert start % MINUTE == end % MINUTE == 0, query
        # The newest come first; of counts no zeros are written.
        known = [(at, value) for at, value in reversed(self.minutes.between(start, end, ours)) if value or aligner == "ALIGN_MAX"]
        known = known if name == self.of[kind] else []
        begin = int(query.get("pageToken", 0))
        page = known[begin:begin + min(self.POINTS_PER_PAGE, int(query["pageSize"]))]
        answer = {"unit": "1"}
        if page:
            answer["timeSeries"] = [{"metric": {"type": "pubsub.googleapis.com/" + metric}, "resource": {"type": "pubsub_" + kind},
                                     "metricKind": "GAUGE", "valueType": "INT64", "points": [
                {"interval": {"startTime": utc(at + MINUTE), "endTime": utc(at + MINUTE)}, "value": {"int64Value": str(value)}} for at, value in page]}]
        if begin + len(page) < len(known):
            answer["nextPageToken"] = str(begin + len(page))
        return 200, json.dumps(answer)


def time_series_query(text):
    """What a query of Cloud Monitoring says: Google's client writes milliseconds, and enumerators as numbers."""
    numbers = {"11": "ALIGN_MAX", "14": "ALIGN_SUM", "3": "REDUCE_MAX", "4": "REDUCE_SUM"}
    query = {name: values[0].replace(".000Z", "Z") for name, values in parse_qs(text).items() if name != "$alt"}
    return {name: numbers.get(value, value) if name.startswith("aggregation.") else value for name, value in query.items()}


def utc(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def query_of_form(body):
    """What the Query protocol of AWS says, as the JSON protocol says it."""
    tree = {}
    for path, value in parse_qsl(body):
        at = tree
        *parents, leaf = path.split(".")
        for part in parents:
            at = at.setdefault(part, {})
        at[leaf] = value

    def lists(node):
        if not isinstance(node, dict):
            return node
        if set(node) == {"member"}:
            return [lists(node["member"][n]) for n in sorted(node["member"], key=int)]
        return {name: lists(value) for name, value in node.items() if name not in ("Action", "Version")}

    asked = lists(tree)
    for name in ("StartTime", "EndTime"):
        asked[name] = calendar.timegm(time.strptime(asked[name][:19], "%Y-%m-%dT%H:%M:%S"))
    for query in asked["MetricDataQueries"]:
        query["ReturnData"] = query["ReturnData"] == "true"
        query["MetricStat"]["Period"] = int(query["MetricStat"]["Period"])
    return asked


def page_in_xml(page):
    def result(each):
        return (f"<member><Id>{escape(each['Id'])}</Id><StatusCode>{each['StatusCode']}</StatusCode>"
                f"<Timestamps>{''.join(f'<member>{utc(at)}</member>' for at in each['Timestamps'])}</Timestamps>"
                f"<Values>{''.join(f'<member>{value}</member>' for value in each['Values'])}</Values></member>")

    token = f"<NextToken>{page['NextToken']}</NextToken>" if "NextToken" in page else ""
    return ('<GetMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><GetMetricDataResult>'
            f"<MetricDataResults>{''.join(map(result, page['MetricDataResults']))}</MetricDataResults>{token}"
            "</GetMetricDataResult></GetMetricDataResponse>")

"""`forewarm history import` from Prometheus and from CloudWatch, played by servers that check what they are asked."""

import csv
import datetime
import http.server
import io
import json
import threading
import time
import unittest
from urllib.parse import parse_qs, parse_qsl, urlsplit
from xml.sax.saxutils import escape

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from server_process import ServerTest, run

HOUR = 3600


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Remote:
    """An HTTP server whose answers come from a function of the request: (status, text)."""

    def __init__(self, answer):
        remote = self
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                remote.requests.append((self.command, self.path, dict(self.headers), body))
                status, text = answer(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class HistoryRemoteTests(ServerTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        self.now = int(time.time()) // HOUR * HOUR

    def remote(self, answer):
        remote = Remote(answer)
        self.addCleanup(remote.close)
        return remote

    def imported(self, *arguments, environment=None):
        done = run("history", "import", *arguments, "--data", self.data, "--json", environment=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refused(self, *arguments, environment=None):
        done = run("history", "import", *arguments, "--data", self.data, environment=environment)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def counts(self, queue):
        done = run("history", "export", "--queue", queue, "--data", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {int(row["timestamp_s"]): float(row["count"]) for row in csv.DictReader(io.StringIO(done.stdout))}


class PrometheusTests(HistoryRemoteTests):
    def matrix(self, value, labels=({"queue": "orders"},)):
        """Answers a range query with value(labels, time), nothing where that is None."""
        def answer(path, headers, _):
            url = urlsplit(path)
            self.assertEqual(url.path, "/api/v1/query_range")
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            start, end, step = epoch(query["start"]), epoch(query["end"]), float(query["step"])
            if (end - start) / step > 11000:
                return 400, json.dumps({"status": "error", "errorType": "bad_data", "error": "exceeded maximum resolution"})
            result = []
            for each in labels:
                values, at = [], start
                while at <= end:
                    found = value(each, at)
                    if found is not None:
                        values.append([at, str(found)])
                    at += step
                result.append({"metric": each, "values": values})
            return 200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})
        return answer

    def test_counts_belong_to_the_step_before_and_gaps_stay_gaps(self):
        start = self.now - 2 * HOUR
        remote = self.remote(self.matrix(lambda _, at: None if at == start + 180 else "NaN" if at == start + 240 else (at - start) / 60))
        arguments = ("--prometheus", remote.url, "--query", 'sum by (queue) (increase(sent{a="b"}[1m]))',
                     "--from", rfc3339(start), "--to", rfc3339(start + 300))
        self.assertEqual(self.imported(*arguments)["added"], 3)
        self.assertEqual(self.counts("orders"), {start: 1, start + 60: 2, start + 240: 5})
        query, = {parse_qs(urlsplit(path).query)["query"][0] for _, path, _, _ in remote.requests}
        self.assertEqual(query, 'sum by (queue) (increase(sent{a="b"}[1m]))')
        again = self.imported(*arguments)
        self.assertEqual((again["added"], again["present"]), (0, 3))

    def test_a_long_time_is_asked_for_in_pieces(self):
        start = self.now - 14 * 24 * HOUR
        remote = self.remote(self.matrix(lambda _, at: 1))
        report = self.imported("--prometheus", remote.url, "--query", "q", "--from", rfc3339(start), "--to", rfc3339(self.now))
        self.assertEqual(report["added"], 14 * 24 * 60)
        self.assertEqual(len(remote.requests), 3)
        # What is older than a week is kept by five minutes.
        self.assertEqual(sum(self.counts("orders").values()), 14 * 24 * 60)

    def test_rates_labels_names_and_signals(self):
        start = self.now - HOUR
        span = ("--from", rfc3339(start), "--to", rfc3339(start + 120))
        two = self.remote(self.matrix(lambda labels, _: len(labels["topic"]), ({"topic": "a"}, {"topic": "bb"})))
        self.imported("--prometheus", two.url, "--query", "q", "--label", "topic", "--values", "rate", *span)
        self.assertEqual(self.counts("a"), {start: 60, start + 60: 60})
        self.assertEqual(self.counts("bb"), {start: 120, start + 60: 120})
        one = self.remote(self.matrix(lambda *_: 7, ({},)))
        self.imported("--prometheus", one.url + "/", "--query", "q", "--as", "mine", "--values", "signal", *span)
        done = run("history", "export", "--kind", "signal", "--format", "jsonl", "--data", self.data)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({(line["name"], line["mean"]) for line in lines}, {("mine", 7)})
        self.assertIn("no label 'queue'", self.refused("--prometheus", two.url, "--query", "q", *span))
        self.assertIn("two series", self.refused("--prometheus", two.url, "--query", "q", "--as", "x", *span))

    def test_a_token_is_sent_and_errors_are_passed_on(self):
        token = self.folder / "token"
        token.write_text("secret\n")

        def answer(path, headers, _):
            if headers.get("Authorization") != "Bearer secret":
                return 401, "no entry"
            return 400, json.dumps({"status": "error", "errorType": "bad_data", "error": "1:3: parse error"})
        remote = self.remote(answer)
        self.assertIn("status 401", self.refused("--prometheus", remote.url, "--query", "q("))
        said = self.refused("--prometheus", remote.url, "--query", "q(", "--bearer-token-file", token)
        self.assertIn("1:3: parse error (bad_data)", said)
        self.assertNotIn("secret", said)

    def test_what_stumbles_is_asked_again_and_what_is_not_there_is_named(self):
        good = self.matrix(lambda _, at: 1)
        calls = []

        def answer(*request):
            calls.append(request)
            return (503, "busy") if len(calls) < 3 else good(*request)
        remote = self.remote(answer)
        start = self.now - HOUR
        self.assertEqual(self.imported("--prometheus", remote.url, "--query", "q", "--from", rfc3339(start),
                                       "--to", rfc3339(start + 60))["added"], 1)
        remote.close()
        self.assertIn(remote.url, self.refused("--prometheus", remote.url, "--query", "q"))
        self.assertIn("is not a URL", self.refused("--prometheus", "ftp://x", "--query", "q"))

    def test_one_source_and_its_options(self):
        self.assertIn("one source", self.refused())
        self.assertIn("one source", self.refused("a.csv", "--prometheus", "http://x"))
        self.assertIn("--query", self.refused("--prometheus", "http://x"))
        self.assertIn("--from must be before", self.refused("--prometheus", "http://x", "--query", "q", "--from", rfc3339(self.now + HOUR)))


class CloudWatchTests(HistoryRemoteTests):
    KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG", "AWS_SESSION_TOKEN": "to/ken=="}

    def check_signature(self, headers, body):
        """The official SDK signs the same request to the same signature."""
        signed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        lower = {name.lower(): value for name, value in headers.items()}
        request = botocore.awsrequest.AWSRequest("POST", f"http://{lower['host']}/", data=body,
                                                 headers={name: lower[name] for name in signed if name not in ("host", "x-amz-security-token")})
        credentials = botocore.credentials.Credentials(*self.KEYS.values())
        auth = botocore.auth.SigV4Auth(credentials, "monitoring", "eu-west-1")
        request.context["timestamp"] = lower["x-amz-date"]
        request.headers["X-Amz-Security-Token"] = lower["x-amz-security-token"]
        text = auth.string_to_sign(request, auth.canonical_request(request))
        self.assertTrue(headers["Authorization"].endswith("Signature=" + auth.signature(text, request)), headers)

    def metrics(self, value, page_size=1000):
        """Answers GetMetricData with value(queue, metric, time), nothing where that is None."""
        def answer(path, headers, body):
            self.check_signature(headers, body)
            form = dict(parse_qsl(body, keep_blank_values=True))
            self.assertEqual((path, form["Action"], form["Version"]), ("/", "GetMetricData", "2010-08-01"))
            offset = int(form.get("NextToken", "0").removeprefix("page/"))
            start, end = epoch(form["StartTime"]), epoch(form["EndTime"])
            members, more = [], False
            number = 1
            while f"MetricDataQueries.member.{number}.Id" in form:
                at = f"MetricDataQueries.member.{number}."
                stat = at + "MetricStat."
                self.assertEqual((form[stat + "Stat"], form[stat + "Metric.Namespace"]), ("Sum", "AWS/SQS"))
                self.assertEqual(form[stat + "Metric.Dimensions.member.1.Name"], "QueueName")
                period = int(form[stat + "Period"])
                self.assertGreaterEqual(period, 60 if start >= self.now - 15 * 24 * HOUR else 300)
                self.assertEqual((start % period, end % period), (0, 0))
                times = [t for t in range(int(start), int(end), period)]
                found = [(t, value(form[stat + "Metric.Dimensions.member.1.Value"], form[stat + "Metric.MetricName"], t)) for t in times]
                found = [(t, v) for t, v in found if v is not None]
                page, more = found[offset:offset + page_size], more or len(found) > offset + page_size
                members.append(f"<member><Id>{form[at + 'Id']}</Id><Label>x</Label><StatusCode>Complete</StatusCode><Timestamps>"
                               + "".join(f"<member>{rfc3339(t)}</member>" for t, _ in page) + "</Timestamps><Values>"
                               + "".join(f"<member>{v}</member>" for _, v in page) + "</Values></member>")
                number += 1
            token = f"<NextToken>{escape(f'page/{offset + page_size}')}</NextToken>" if more else ""
            return 200, ("<GetMetricDataResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><GetMetricDataResult>"
                         f"<MetricDataResults>{''.join(members)}</MetricDataResults>{token}</GetMetricDataResult></GetMetricDataResponse>")
        return answer

    def ask(self, remote, *arguments):
        return self.imported("--cloudwatch", "--region", "eu-west-1", "--endpoint-url", remote.url + "/", *arguments,
                             environment=self.KEYS)

    def test_messages_sent_and_their_sizes_come_page_by_page(self):
        start = self.now - 3 * HOUR
        remote = self.remote(self.metrics(lambda queue, metric, at: None if at == start + 120 else
                                          (5.0 if queue == "a" else 7.0) * (1 if metric == "NumberOfMessagesSent" else 100), 4))
        arguments = ("--queue", "a", "--queue", "b", "--from", rfc3339(start), "--to", rfc3339(start + 600))
        self.assertEqual(self.ask(remote, *arguments)["added"], 18)
        self.assertEqual(len(remote.requests), 3)
        self.assertEqual(self.counts("a"), {start + 60 * n: 5 for n in range(10) if n != 2})
        self.assertEqual(set(self.counts("b").values()), {7})
        done = run("history", "export", "--queue", "a", "--data", self.data)
        self.assertEqual({row["bytes"] for row in csv.DictReader(io.StringIO(done.stdout))}, {"500"})
        again = self.ask(remote, *arguments)
        self.assertEqual((again["added"], again["present"]), (0, 18))

    def test_older_times_are_asked_for_at_the_grain_that_is_kept(self):
        def value(queue, metric, at):
            return 1.0 if metric == "NumberOfMessagesSent" and at % (24 * HOUR) < HOUR else None
        remote = self.remote(self.metrics(value))
        self.ask(remote, "--queue", "a", "--from", rfc3339(self.now - 100 * 24 * HOUR))
        periods = {dict(parse_qsl(body))["MetricDataQueries.member.1.MetricStat.Period"] for _, _, _, body in remote.requests}
        self.assertEqual(periods, {"60", "300", "3600"})
        starts = sorted(dict(parse_qsl(body))["StartTime"] for _, _, _, body in remote.requests)
        ends = sorted(dict(parse_qsl(body))["EndTime"] for _, _, _, body in remote.requests)
        self.assertEqual(starts[1:], ends[:-1], "nothing falls between, nothing comes twice")

    def test_refusals_are_passed_on(self):
        remote = self.remote(lambda *_: (403, "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>"
                                              "<Message>The security token is invalid.</Message></Error></ErrorResponse>"))
        said = self.refused("--cloudwatch", "--region", "eu-west-1", "--endpoint-url", remote.url, "--queue", "a", environment=self.KEYS)
        self.assertIn("status 403", said)
        self.assertIn("The security token is invalid. (InvalidClientTokenId)", said)
        self.assertNotIn(self.KEYS["AWS_SECRET_ACCESS_KEY"], said)

    def test_credentials_are_found_or_asked_for(self):
        empty = {"AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"), "AWS_CONFIG_FILE": "/dev/null",
                 "AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true"}
        asked = ("--cloudwatch", "--region", "eu-west-1", "--queue", "a")
        self.assertIn("AWS_ACCESS_KEY_ID", self.refused(*asked, environment=empty))
        self.assertIn("--region", self.refused("--cloudwatch", "--queue", "a", environment=self.KEYS | {"AWS_REGION": ""}))
        self.assertIn("--queue", self.refused("--cloudwatch", "--region", "x", environment=self.KEYS))
        keys = list(self.KEYS.values())
        (self.folder / "credentials").write_text(
            f"[default]\naws_access_key_id = wrong\naws_secret_access_key = wrong\n[work]\n"
            f"aws_access_key_id={keys[0]}\n# no\naws_secret_access_key = {keys[1]}\naws_session_token = {keys[2]}\n")
        remote = self.remote(self.metrics(lambda *_: 1.0))
        report = self.imported(*asked, "--endpoint-url", remote.url + "/", "--from", rfc3339(self.now - HOUR), "--to",
                               rfc3339(self.now), environment=empty | {"AWS_PROFILE": "work"})
        self.assertEqual(report["added"], 60)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The SQS source's requests are those of the official SDK, and it stands what a server may answer: a recorder on loopback."""

import json
import unittest

from loopback_recorder import Recorder, bare_environment, with_keys
from source_tests import Client, Probe

PATH = "123456789012/orders"
FACTS = {"Attributes": {"VisibilityTimeout": "30", "ApproximateNumberOfMessages": "3",
                        "ApproximateNumberOfMessagesNotVisible": "1", "RedrivePolicy": json.dumps(
                            {"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead", "maxReceiveCount": "9"})}}


def refusal(code, text="", status=400):
    return status, json.dumps({"__type": "com.amazonaws.sqs#" + code, "message": text})


def message(i):
    return {"MessageId": f"id-{i}", "ReceiptHandle": f"handle-{i}", "Body": f"body {i}",
            "Attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000123"}}


class Sqs:
    """Answers as SQS does, unless the script has something else for an action: a list of answers, used up one by one."""

    def __init__(self, messages=()):
        self.messages = list(messages)
        self.script = {}

    def __call__(self, request):
        action = request["headers"]["x-amz-target"].removeprefix("AmazonSQS.")
        if self.script.get(action):
            return self.script[action].pop(0)
        body = json.loads(request["body"])
        if action == "GetQueueAttributes":
            return 200, json.dumps(FACTS)
        if action == "ReceiveMessage":
            taken, self.messages = self.messages[:body["MaxNumberOfMessages"]], self.messages[body["MaxNumberOfMessages"]:]
            return 200, json.dumps({"Messages": taken} if taken else {})
        if "Entries" in body:
            return 200, json.dumps({"Successful": [{"Id": entry["Id"]} for entry in body["Entries"]], "Failed": []})
        return 200, json.dumps({"MessageId": "new", "MD5OfMessageBody": "x"})


class Recorded(unittest.TestCase):
    def start(self, messages=(), window=0, environment=None, **script):
        self.sqs = Sqs(messages)
        self.sqs.script = script
        self.recorder = Recorder(self.sqs)
        self.addCleanup(self.recorder.close)
        probe = Probe(f"sqs+{self.recorder.url}/{PATH}?wait=1s", window, environment or with_keys())
        self.addCleanup(probe.close)
        return probe

    def calls(self, action):
        return [r for r in self.recorder.requests if r["headers"]["x-amz-target"] == "AmazonSQS." + action]


class Contract(Recorded):
    def test_each_call_is_that_of_the_official_client(self):
        probe = self.start([message(i) for i in range(4)], window=4)
        handles = [m["token"] for m in probe.wait_count(4)]
        probe.settle_and_wait([handles[0]])
        probe.settle_and_wait([handles[1]], "release", delay_ms=90_500)
        probe.send(op="extend", tokens=[handles[2]])
        probe.wait("extension", lambda _: probe.of("extended"))
        probe.settle_and_wait([handles[3]], "dead_letter", reason="why")
        url = f"{self.recorder.url}/{PATH}"
        entry = {"Id": "0", "ReceiptHandle": handles[0]}
        expected = [
            ("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]}),
            ("ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 4, "MessageAttributeNames": ["All"],
                                "MessageSystemAttributeNames": ["All"], "VisibilityTimeout": 30, "WaitTimeSeconds": 1}),
            ("DeleteMessageBatch", {"QueueUrl": url, "Entries": [entry]}),
            ("ChangeMessageVisibilityBatch", {"QueueUrl": url, "Entries": [
                entry | {"ReceiptHandle": handles[1], "VisibilityTimeout": 91}]}),
            ("SendMessage", {"QueueUrl": f"{self.recorder.url}/123456789012/dead", "MessageBody": "body 3",
                             "MessageAttributes": {"DeadLetterReason": {"DataType": "String", "StringValue": "why"}}}),
        ]
        ours = {action: self.calls(action)[0] for action, _ in expected}
        official = Client("sqs_client.mjs", self.recorder.url.replace("http://", "http://AKIDTEST:secret@"))
        self.addCleanup(official.close)
        for action, request in expected:
            try:
                official.do(action, **request)
            except AssertionError:
                pass  # the answers' checksums are not what it would have
            # Ours goes on asking for messages meanwhile.
            theirs = next(r for r in self.calls(action) if "aws-sdk-js" in r["headers"]["user-agent"])
            mine = ours[action]
            for part in ("method", "path", "query"):
                self.assertEqual(mine[part], theirs[part], action)
            for header in ("content-type", "x-amz-target", "host"):
                self.assertEqual(mine["headers"][header], theirs["headers"][header], action)
            self.assertEqual(json.loads(mine["body"]), json.loads(theirs["body"]), action)
            scope = mine["headers"]["authorization"].split(",")[0].split("/")[1:]
            self.assertEqual(scope[1:], ["eu-west-1", "sqs", "aws4_request"])
            self.assertEqual(scope[1:], theirs["headers"]["authorization"].split(",")[0].split("/")[2:])

    def test_connections_are_kept(self):
        probe = self.start([message(i) for i in range(30)], window=1)
        for i in range(30):
            probe.settle_and_wait([probe.wait_count(i + 1)[i]["token"]])
        self.assertGreater(len(self.recorder.requests), 60)
        self.assertLess(len({r["peer"] for r in self.recorder.requests}), 6)


class Faults(Recorded):
    def test_a_throttled_or_failing_server_is_asked_again(self):
        probe = self.start([message(0)], window=1, GetQueueAttributes=[refusal("RequestThrottled")],
                           ReceiveMessage=[(503, "busy"), refusal("OverLimit", "too many in flight")],
                           DeleteMessageBatch=[(500, ""), refusal("ThrottlingException"), (502, "<html>")])
        token = probe.wait_count(1)[0]["token"]
        self.assertTrue(probe.settle_and_wait([token])[0]["ok"])
        self.assertEqual(len(self.calls("DeleteMessageBatch")), 4)
        self.assertEqual([state["ok"] for state in probe.of("state")], [True])

    def test_entries_that_fail_alone_are_tried_again_or_told(self):
        def failed(fault, code):
            return 200, json.dumps({"Successful": [{"Id": "0"}], "Failed": [
                {"Id": "1", "SenderFault": fault, "Code": code, "Message": "said so"}]})

        probe = self.start([message(i) for i in range(2)], window=2, DeleteMessageBatch=[failed(False, "InternalError")])
        tokens = [m["token"] for m in probe.wait_count(2)]
        self.assertEqual([one["ok"] for one in probe.settle_and_wait(tokens)], [True, True])
        again = json.loads(self.calls("DeleteMessageBatch")[1]["body"])["Entries"]
        self.assertEqual([entry["ReceiptHandle"] for entry in again], [tokens[1]])

        self.sqs.script["ChangeMessageVisibilityBatch"] = [failed(True, "ReceiptHandleIsInvalid")]
        self.sqs.messages = [message(i) for i in (5, 6)]
        tokens = [m["token"] for m in probe.wait_count(4)[2:]]
        settled = probe.settle_and_wait(tokens, "release")
        self.assertEqual([one["ok"] for one in settled], [True, False])
        self.assertIn("ReceiptHandleIsInvalid: said so", settled[1]["error"])

    def test_an_answer_without_an_entry_is_asked_for_again_and_is_no_success(self):
        probe = self.start([message(0), message(1)], window=2, DeleteMessageBatch=[(200, "{}")] * 4)
        first, second = [lent["token"] for lent in probe.wait_count(2)]
        settled = probe.settle_and_wait([first])[0]
        self.assertFalse(settled["ok"])
        self.assertTrue(probe.settle_and_wait([second])[0]["ok"], "at the second time")
        self.assertIn("not answered", settled["error"])

    def test_malformed_and_damaged_answers_lend_nothing_and_are_told(self):
        damaged = json.dumps({"Messages": [message(1) | {"MD5OfBody": "0" * 32}]})
        probe = self.start([message(0)], window=1, ReceiveMessage=[(200, "not json"), (200, '{"Messages": 3}'),
                                                                    (200, '{"Messages": [{"Body": "x"}]}'), (200, damaged)])
        self.assertEqual(probe.wait_count(1)[0]["body"], "body 0")
        said = [state["error"] for state in probe.of("state") if not state["ok"]]
        self.assertEqual(len(said), 4, said)
        self.assertIn("damaged", said[3])
        probe.wait("recovery", lambda _: probe.of("state")[-1]["ok"])

    def test_an_answer_that_breaks_off_is_asked_for_again(self):
        probe = self.start([message(0)], window=1, ReceiveMessage=[(200, "{}", {"Content-Length": "999", "Connection": "close"})])
        self.assertEqual(probe.wait_count(1)[0]["id"], "id-0")

    def test_expired_credentials_are_fetched_anew_and_the_call_is_signed_again(self):
        given = []

        def container(request):
            self.assertEqual(request["headers"]["authorization"], "the-token")
            given.append(f"AKID{len(given)}")
            return 200, json.dumps({"AccessKeyId": given[-1], "SecretAccessKey": "s", "Token": "t/" + given[-1],
                                    "Expiration": "2090-01-01T00:00:00Z"})

        credentials = Recorder(container)
        self.addCleanup(credentials.close)
        probe = self.start([message(0)], window=1, environment=bare_environment(
            AWS_CONTAINER_CREDENTIALS_FULL_URI=credentials.url + "/role", AWS_CONTAINER_AUTHORIZATION_TOKEN="the-token"),
            DeleteMessageBatch=[refusal("ExpiredToken", "The security token is expired", 403)])
        self.assertTrue(probe.settle_and_wait([probe.wait_count(1)[0]["token"]])[0]["ok"])
        first, second = (r["headers"] for r in self.calls("DeleteMessageBatch"))
        self.assertIn("Credential=AKID0/", first["authorization"])
        self.assertIn("Credential=AKID1/", second["authorization"])
        self.assertEqual(second["x-amz-security-token"], "t/AKID1")
        self.assertEqual(given, ["AKID0", "AKID1"])

    def test_what_the_credentials_may_not_do_is_named(self):
        probe = self.start([], window=1, ReceiveMessage=[refusal("AccessDenied", "no", 403)] * 3)
        said = probe.wait("refusal", lambda _: [s for s in probe.of("state") if not s["ok"]])[0]["error"]
        self.assertIn("allow sqs:ReceiveMessage as docs/policies/sqs.json does", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
